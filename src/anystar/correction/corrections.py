"""A segmentation that is corrected by hand, edit by edit, each of which can be undone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from anystar.arrays import Volume, VoxelSize
from anystar.box import triple
from anystar.correction.editable import Change, EditableLabels
from anystar.correction.history import bounds, joined_box, slices
from anystar.correction.proposals import Proposals, Propose
from anystar.correction.rows import rows_of
from anystar.correction.split import divide
from anystar.correction.table import tabulate_corrections
from anystar.errors import InputError
from anystar.geometry.rays import golden_spiral
from anystar.objects.labels import as_labels, number_consecutively
from anystar.objects.objects import LocatedObjects, locate_objects
from anystar.objects.table import Table
from anystar.predict.result import Result
from anystar.preprocess import Preprocessing
from anystar.preprocess.arrays import Box

__all__ = ["Corrections", "NothingFound"]

_FREE = 0.5
"""Share of a new object's voxels that must not belong to other objects."""


class NothingFound(InputError):
    """There is nothing that resembles an object at a point."""


class Corrections(EditableLabels):
    """Labels and objects that are edited in place.

    Every edit touches a box around the objects that it names, whatever the size of the volume, and is one
    step of undo. What an edit makes or changes is reviewed; what else is right is marked with :meth:`review`.

    Attributes
    ----------
    labels : numpy.ndarray
        ``(Z, Y, X)`` int32, changed in place; 0 is background.
    reviewed : numpy.ndarray
        ``(Z, Y, X)`` bool: where labels, background included, have been confirmed.
    rows : dict of int to Row
        The objects by label.
    voxel_size : VoxelSize
        Edges of a voxel; relative ones if they are not known in micrometres.

    Examples
    --------
    >>> labels = np.zeros((5, 9, 20), np.int32)
    >>> labels[1:4, 2:7, 2:9], labels[1:4, 2:7, 9:16] = 1, 2
    >>> corrections = Corrections.of_labels(labels)
    >>> corrections.merge([1, 2]).text, corrections.delete(1).text
    ('merged 1, 2', 'deleted 1')
    >>> corrections.undo().text, sorted(corrections.rows), corrections.rows[1].provenance
    ('undone: deleted 1', [1], 'merged')
    """

    @classmethod
    def of(cls, result: Result, *, labels: np.ndarray | None = None) -> Corrections:
        """Return the corrections of a segmentation, which itself stays as it is; of its box, if it has one.

        Parameters
        ----------
        result : Result
        labels : numpy.ndarray, optional
            ``(Z, Y, X)`` int32, edited in place: what a viewer displays, some of the objects for example. By
            default a copy of the labels of the result.
        """
        rows = known = rows_of(result.objects)
        if labels is not None:
            rows = rows_of(_locate(labels))
            for n in rows.keys() & known.keys():  # of the same voxels: then more is known
                if (rows[n].volume, rows[n].bbox) == (known[n].volume, known[n].bbox):
                    rows[n] = known[n]
        image, preprocessing = result.image, result.preprocessing
        if image is not None and result.inside is not None:  # the surroundings of the box were read as well
            image, preprocessing = image.crop(result.inside).with_data(result.displayed()), Preprocessing()
        return cls(
            np.array(result.labels, np.int32) if labels is None else labels,
            rows,
            voxel_size=result.voxel_size,
            rays=result.rays,
            image=image,
            preprocessing=preprocessing,
            proposals=Proposals.of(result),
        )

    @classmethod
    def of_labels(
        cls, labels: np.ndarray | Volume, image: Volume | None = None, *, num_rays: int = 96
    ) -> Corrections:
        """Return the corrections of labels from anywhere, of which a copy is edited.

        Parameters
        ----------
        labels : numpy.ndarray or Volume
            ``(Z, Y, X)`` whole numbers; numbers may have gaps and are kept.
        image : Volume, optional
            The image of the labels.
        num_rays : int
            Rays of the polyhedra that are fitted.
        """
        volume = labels if isinstance(labels, Volume) else Volume(data=np.asarray(labels))
        try:
            whole = as_labels(volume.data)
        except InputError as error:
            raise InputError(f"labels {error}") from None
        if whole.size and int(whole.max()) > np.iinfo(np.int32).max:
            raise InputError("labels has numbers above 2^31 - 1; number the objects anew")
        whole = whole.astype(np.int32)
        known = (VoxelSize.of(v) for v in (volume, image) if v is not None)
        size = next(filter(None, known), VoxelSize((1.0, 1.0, 1.0), "relative"))
        return cls(
            whole,
            rows_of(_locate(whole)),
            voxel_size=size.lengths,
            rays=golden_spiral(num_rays),
            image=image,
            preprocessing=None if image is None else Preprocessing.fit(image.data),
        )

    def table(self, *, intensities: Mapping[str, np.ndarray | Volume] | None = None) -> Table:
        """Measure the objects, see :func:`anystar.correction.table.tabulate_corrections`."""
        return tabulate_corrections(self, intensities=intensities)

    def add_at(self, point: Sequence[float], *, propose: Propose | None = None) -> Change:
        """Add the most probable object that covers a point.

        Parameters
        ----------
        point : 3 floats
            In voxels (ZYX).
        propose : callable, optional
            Gives candidates around a voxel where those of the segmentation hold no object, such as
            :func:`anystar.correction.run_around`.

        Raises
        ------
        InputError
            If there is an object already; :class:`NothingFound` if nothing resembles one.
        """
        voxel = self._voxel(point)
        if voxel is None:
            raise InputError("the point lies outside of the image; choose one inside")
        if self.labels[voxel]:
            raise InputError(f"object {self.labels[voxel]} is there already; choose a point on background")
        known = [] if self.proposals is None else [self.proposals]
        for proposals in chain(known, map(propose, [voxel]) if propose else ()):
            for body in proposals.at(voxel):
                drawn = self._draw(body)
                if drawn is None:
                    continue
                box, mask = drawn
                free = mask & (self.labels[slices(box)] == 0)
                if np.count_nonzero(free) >= _FREE * np.count_nonzero(mask):
                    label = self.next_label
                    after = np.where(free, label, self.labels[slices(box)])
                    return self._commit("added", box, after, {label: "added"}, body=body)
        raise NothingFound("there is nothing like an object at this point; paint it instead")

    def delete(self, labels: int | Iterable[int]) -> Change:
        """Remove objects; where they were is background, and reviewed as such."""
        names = self._known([labels] if isinstance(labels, int | np.integer) else labels)
        box = self._around(names)
        before = self.labels[slices(box)]
        return self._commit("deleted", box, np.where(np.isin(before, names), 0, before), {}, named=names)

    def merge(self, labels: Iterable[int]) -> Change:
        """Make one object of several, with the number of the largest."""
        names = self._known(labels)
        if len(names) < 2:
            raise InputError("merging takes two objects or more; name another")
        kept = max(names, key=lambda n: (self.rows[n].volume, -n))
        box = self._around(names)
        before = self.labels[slices(box)]
        after = np.where(np.isin(before, names), kept, before)
        return self._commit("merged", box, after, {kept: "merged"}, named=names)

    def split(self, label: int, point_a: Sequence[float], point_b: Sequence[float]) -> Change:
        """Divide an object in two by a point in each half (ZYX in voxels); the larger half keeps its number.

        A point beside the object stands for the nearest voxel of it.
        """
        (label,) = self._known([label])
        box = self.rows[label].bbox
        mask = self.labels[slices(box)] == label
        one, other = (self._inside(mask, np.array(p, float) - box[:3]) for p in (point_a, point_b))
        if one == other:
            raise InputError(f"both points are the same voxel of object {label}; choose a point in each half")
        halves = divide(mask, one, other, aspect=self.voxel_size.aspect)
        smaller = 1 if np.count_nonzero(halves == 1) < np.count_nonzero(halves == 2) else 2
        new = self.next_label
        after = np.where(halves == smaller, new, self.labels[slices(box)])
        return self._commit("split", box, after, {label: "split", new: "split"})

    def refit(self, label: int) -> Change:
        """Replace an object by the star-convex polyhedron that fits it, as far as others leave room.

        Sketches suffice: planes that were left out are interpolated, and a single outline becomes a body that
        is as thick as it is wide.
        """
        (label,) = self._known([label])
        own = self.rows[label].bbox
        body = self._fitted(self.labels[slices(own)] == label, own, complete=True)
        drawn = self._draw(body)
        if drawn is None:
            raise InputError(f"object {label} is too small to fit a polyhedron to; paint more of it")
        box = joined_box(own, drawn[0])
        before = self.labels[slices(box)]
        inside = np.zeros(before.shape, bool)
        inside[slices(drawn[0], box)] = drawn[1]
        after = np.where(before == label, 0, before)
        after = np.where(inside & (after == 0), label, after)
        if not (after == label).any():
            raise InputError(f"other objects leave no room for object {label}; paint it instead")
        return self._commit("refitted", box, after, {label: "refitted"}, body=body)

    def paint(self, where: tuple[np.ndarray, ...], label: int, *, over: bool = False) -> Change | None:
        """Give voxels to an object, a new one if no object has the label, or to the background (0).

        Parameters
        ----------
        where : tuple of 3 integer arrays
            Indices along Z, Y, X, as ``np.nonzero`` returns them.
        label : int
            0 erases.
        over : bool
            Whether voxels of other objects are taken; otherwise only background is.

        Returns
        -------
        Change or None
            None if nothing changes.
        """
        if label < 0:
            raise InputError(f"label must be 0 or more, got {label}")
        old = self.labels[where]
        taken = (old != label) & (over | (old == 0) | (label == 0))
        chosen = tuple(axis[taken] for axis in where)
        self.labels[chosen] = label
        return self.painted(chosen, old[taken])

    def painted(self, where: tuple[np.ndarray, ...], old: np.ndarray) -> Change | None:
        """Take up that voxels of :attr:`labels` were changed already, by the brush of a viewer.

        Parameters
        ----------
        where : tuple of 3 integer arrays
            Indices along Z, Y, X; none twice.
        old : numpy.ndarray
            The labels that were there before, shape ``(N,)``.
        """
        changed = self.labels[where] != old
        where, old = tuple(axis[changed] for axis in where), old[changed]
        if not old.size:
            return None
        box = bounds(where)
        within = tuple(axis - first for axis, first in zip(where, box[:3], strict=True))
        after = self.labels[slices(box)].copy()
        self.labels[where] = old
        names = [n for n in np.union1d(old, after[within]).tolist() if n]
        return self._commit("painted", box, after, dict.fromkeys(names, "painted"))

    def review(self, labels: Iterable[int] | None = None) -> Change:
        """Confirm objects as they are; all of the volume, background included, if ``labels`` is None."""
        if labels is None:
            return self._confirm(list(self.rows), (0, 0, 0, *triple(self.labels.shape)))
        return self._confirm(self._known(labels))

    def review_box(self, box: Box) -> Change:
        """Confirm a box: its background, and every object whose centre of mass lies in it."""
        low = [max(0, s.start or 0) for s in box]
        high = [min(n, n if s.stop is None else s.stop) for s, n in zip(box, self.labels.shape, strict=True)]
        if any(b <= a for a, b in zip(low, high, strict=True)):
            raise InputError("the box lies outside of the image; choose one inside")
        names = [
            n
            for n, row in self.rows.items()
            if all(a <= c <= b - 1 for a, c, b in zip(low, row.centroid, high, strict=True))
        ]
        return self._confirm(names, (*triple(low), *triple(high)))


def _locate(labels: np.ndarray) -> LocatedObjects:
    """Return the objects of int32 labels, whose numbers may have gaps."""
    numbered, names = number_consecutively(labels)
    located = locate_objects(numbered, len(names))
    return replace(located, label=names[located.label - 1])
