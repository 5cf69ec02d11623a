"""Labels that are edited in place, box by box, with undo and redo."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from anystar.arrays import Volume, VoxelSize
from anystar.box import triple
from anystar.correction.history import BBox, Patch, bounds, joined_box, slices
from anystar.correction.packed import pack, unpack
from anystar.correction.proposals import Proposals
from anystar.correction.refit import fit_polyhedron
from anystar.correction.rows import Provenance, Row, objects_of, rows_of
from anystar.errors import InputError
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.rays import Rays
from anystar.objects.objects import LocatedObjects, locate_objects
from anystar.preprocess import Preprocessing
from anystar.preprocess.arrays import Box

__all__ = ["Change", "EditableLabels", "Recorder"]


@dataclass(frozen=True, kw_only=True)
class Change:
    """What an edit, an undo or a redo changed."""

    text: str
    """For a person."""
    labels: tuple[int, ...]
    """Objects that were changed, made or removed."""
    box: Box
    """Part of the volume that is to be displayed again."""


class Recorder(Protocol):
    """Keeps the edits where they survive a crash, see :class:`anystar.correction.journal.Journal`."""

    def edit(self, state: EditableLabels, patch: Patch) -> None:
        """Note an edit that was just made."""

    def step(self, state: EditableLabels, kind: str) -> None:
        """Note an ``undo`` or a ``redo``."""


class EditableLabels:
    """The state behind :class:`anystar.correction.Corrections`, and the one way in which it changes.

    An edit is a :class:`anystar.correction.history.Patch`: a box of labels and the rows of some objects,
    before and after.
    """

    def __init__(
        self,
        labels: np.ndarray,
        rows: dict[int, Row],
        *,
        voxel_size: VoxelSize,
        rays: Rays,
        image: Volume | None = None,
        preprocessing: Preprocessing | None = None,
        proposals: Proposals | None = None,
    ) -> None:
        self.labels, self.rows = labels, rows
        self.reviewed = np.zeros(labels.shape, bool)
        self.voxel_size, self.rays, self.image = voxel_size, rays, image
        self.preprocessing = preprocessing or Preprocessing()
        self.proposals = proposals
        self.recorder: Recorder | None = None
        self._done: list[Patch] = []
        self._undone: list[Patch] = []

    @property
    def volume(self) -> Volume:
        """The labels at the image's place: what :func:`anystar.write` writes."""
        if self.image is not None:
            return self.image.with_data(self.labels)
        return Volume(data=self.labels, spacing=self.voxel_size.spacing, unit=self.voxel_size.unit)

    @property
    def objects(self) -> LocatedObjects:
        """The objects as arrays, ascending by label."""
        return objects_of(self.rows.values(), self.rays)

    @property
    def history(self) -> tuple[str, ...]:
        """What was done, oldest first, without what was undone."""
        return tuple(patch.text for patch in self._done)

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to make again."""
        return bool(self._undone)

    def label_at(self, point: Sequence[float]) -> int:
        """Return the label at a point in voxels (ZYX), 0 outside of the volume and on background."""
        voxel = self._voxel(point)
        return 0 if voxel is None else int(self.labels[voxel])

    def undo(self) -> Change | None:
        """Take the last edit back; None if there is none."""
        return self._step("undo", self._done, self._undone, "undone")

    def redo(self) -> Change | None:
        """Make the edit again that was undone last; None if there is none."""
        return self._step("redo", self._undone, self._done, "again")

    def _step(self, kind: str, source: list[Patch], target: list[Patch], text: str) -> Change | None:
        if not source:
            return None
        patch = source.pop()
        target.append(patch)
        self.restore(patch, forwards=kind == "redo")
        if self.recorder is not None:
            self.recorder.step(self, kind)
        return Change(text=f"{text}: {patch.text}", labels=patch.labels, box=patch.slices)

    def replay(self, patch: Patch) -> None:
        """Make a recorded edit again, as after a crash; it is not recorded a second time."""
        self.restore(patch, forwards=True)
        self._done.append(patch)
        self._undone.clear()

    @property
    def next_label(self) -> int:
        """Number of the next new object."""
        return max(self.rows, default=0) + 1

    def _commit(
        self,
        kind: str,
        box: BBox,
        after: np.ndarray,
        provenance: dict[int, Provenance],
        *,
        named: Iterable[int] = (),
        body: Polyhedra | None = None,
    ) -> Change:
        """Put new labels into a box, and bring rows and review up to date, as one step.

        ``provenance`` is that of the objects which are made or changed, ``named`` are further ones that may
        lose voxels, and ``body`` is the polyhedron of the object if there is only one.
        """
        names = tuple(dict.fromkeys([*named, *provenance]))
        whole = self._around(names, box)
        before, reviewed = self.labels[slices(whole)], self.reviewed[slices(whole)]
        labels = before.copy()
        labels[slices(box, whole)] = after
        rows = {n: self._measured(n, labels, whole, origin, body) for n, origin in provenance.items()}
        rows_after = {n: row for n, row in rows.items() if row is not None}
        patch = Patch(
            kind=kind,
            labels=names,
            box=whole,
            before=pack(before),
            after=pack(labels),
            reviewed_before=pack(reviewed),
            reviewed_after=pack(reviewed | (labels != before) | np.isin(labels, list(rows_after))),
            rows_before={n: self.rows[n] for n in names if n in self.rows},
            rows_after=rows_after,
        )
        return self._carry_out(patch)

    def _confirm(self, names: list[int], *regions: BBox) -> Change:
        """Confirm objects, and the background of regions."""
        box = self._around(names, *regions)
        before, reviewed = self.labels[slices(box)], self.reviewed[slices(box)]
        everything = len(names) == len(self.rows)
        after = reviewed | ((before > 0) if everything else np.isin(before, names))
        for region in regions:
            inner = slices(region, box)
            after[inner] |= before[inner] == 0
        patch = Patch(
            kind="reviewed",
            labels=tuple(names),
            box=box,
            before=None,
            after=None,
            reviewed_before=pack(reviewed),
            reviewed_after=pack(after),
            rows_before={n: self.rows[n] for n in names},
            rows_after={n: replace(self.rows[n], reviewed=True) for n in names},
        )
        return self._carry_out(patch)

    def _carry_out(self, patch: Patch) -> Change:
        self.replay(patch)
        if self.recorder is not None:
            self.recorder.edit(self, patch)
        return Change(text=patch.text, labels=patch.labels, box=patch.slices)

    def restore(self, patch: Patch, *, forwards: bool) -> None:
        """Put the labels, review and rows of a patch in place, those after it or those before it."""
        labels, reviewed, rows = (
            (patch.after, patch.reviewed_after, patch.rows_after)
            if forwards
            else (patch.before, patch.reviewed_before, patch.rows_before)
        )
        if labels is not None:
            self.labels[patch.slices] = unpack(labels)
        self.reviewed[patch.slices] = unpack(reviewed)
        for name in patch.labels:
            self.rows.pop(name, None)
        self.rows.update(rows)

    def _measured(
        self,
        name: int,
        labels: np.ndarray,
        box: BBox,
        provenance: Provenance,
        body: Polyhedra | None,
    ) -> Row | None:
        """Return the row of an object that lies within a box of labels; None if it has no voxel left."""
        mask = labels == name
        located = locate_objects(mask.astype(np.int32), 1, origin=box[:3])
        if not len(located):
            return None
        probability = self.rows[name].probability if name in self.rows else np.nan
        if body is not None and body.prob is not None:
            probability = float(body.prob[0])
        if body is None or body.rays != self.rays:
            body = self._fitted(mask, box)
        return replace(
            rows_of(located)[1],
            label=name,
            probability=probability,
            centre=triple(body.points[0].astype(float).tolist()),
            distances=body.distances[0],
            provenance=provenance,
            reviewed=True,
        )

    def _fitted(self, mask: np.ndarray, box: BBox, *, complete: bool = False) -> Polyhedra:
        """Return the polyhedron of a mask of a box, see :func:`anystar.correction.refit.fit_polyhedron`."""
        where = bounds(np.nonzero(mask))
        part = fit_polyhedron(
            mask[slices(where)], self.rays, aspect=self.voxel_size.aspect, complete=complete
        )
        return Polyhedra(part.points + np.array(where[:3]) + np.array(box[:3]), part.distances, part.rays)

    def _draw(self, body: Polyhedra) -> tuple[BBox, np.ndarray] | None:
        """Return the voxels of a polyhedron within the image, as a box and a mask; None if there are none."""
        aspect = np.array(self.voxel_size.aspect)
        low, high = (body.bounding_boxes()[0] - body.points[0]) / aspect + body.points[0]
        first = np.clip(np.floor(low).astype(int), 0, self.labels.shape)
        last = np.clip(np.ceil(high).astype(int) + 1, 0, self.labels.shape)
        if (last <= first).any():
            return None
        start, shape = triple(first.tolist()), triple((last - first).tolist())
        box = (*start, *triple(last.tolist()))
        drawn = rasterise(body, shape, spacing=self.voxel_size.aspect, start=start)
        mask = self.preprocessing.clear_margins(drawn, slices(box)) > 0
        return (box, mask) if mask.any() else None

    def _around(self, names: Iterable[int], *others: BBox) -> BBox:
        """Return the box that holds objects, as far as they exist, and other boxes."""
        return joined_box(*others, *(self.rows[n].bbox for n in names if n in self.rows))

    def _voxel(self, point: Sequence[float]) -> tuple[int, int, int] | None:
        voxel = triple(int(np.floor(p + 0.5)) for p in point)
        inside = all(0 <= p < n for p, n in zip(voxel, self.labels.shape, strict=True))
        return voxel if inside else None

    def _inside(self, mask: np.ndarray, point: np.ndarray) -> tuple[int, int, int]:
        """Return the voxel of a mask that is nearest to a point."""
        places = np.argwhere(mask)
        away = (((places - point) * np.array(self.voxel_size.aspect)) ** 2).sum(axis=1)
        return triple(places[int(away.argmin())].tolist())

    def _known(self, labels: Iterable[int]) -> list[int]:
        names = list(dict.fromkeys(int(n) for n in labels))
        if not names:
            raise InputError("no object was named; choose one")
        if missing := [n for n in names if n not in self.rows]:
            raise InputError(f"there is no object {missing[0]}; choose one of the image")
        return names
