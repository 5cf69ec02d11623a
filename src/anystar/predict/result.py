"""What a segmentation returns: labels, a table of objects, and the candidates behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from anystar import display
from anystar.arrays import LengthUnit, Volume, VoxelSize, refuse_mismatch
from anystar.box import Box, triple
from anystar.errors import InputError
from anystar.geometry.rays import Rays
from anystar.objects.filter_options import FilterOptions
from anystar.objects.filters import keep_labels
from anystar.objects.measure import add_channel, add_mask, as_volume, tabulate
from anystar.objects.objects import Objects
from anystar.objects.table import Table
from anystar.predict.calibration import Calibration
from anystar.predict.candidates import Candidates
from anystar.predict.instances import InstanceStages, candidates_to_instances, crop_instances
from anystar.predict.notes import THRESHOLD, UNSURE, Note
from anystar.predict.options import check_threshold
from anystar.predict.other_sizes import RunnerUp
from anystar.preprocess import Preprocessing
from anystar.preprocess.arrays import whole_box

__all__ = ["Result"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Result:
    """A segmentation, with everything that other thresholds, tables and filters need.

    Examples
    --------
    >>> import anystar
    >>> volume = anystar.Volume(data=np.zeros((16, 32, 32), np.uint8), spacing=(2, 0.5, 0.5))
    >>> result = anystar.load_model(device="cpu").segment(volume)
    >>> result
    Result: 0 objects
      image: 16 x 32 x 32 voxels (Z, Y, X)
      voxel size: 2 x 0.5 x 0.5 µm (Z, Y, X)
      thresholds: prob_thresh ..., nms_thresh ...
      note: the image is constant: there is nothing to find
    """

    labels: np.ndarray
    """Int32, shape of the image; 0 is background."""
    objects: Objects
    voxel_size: VoxelSize
    """Voxel size that lengths are measured by: micrometres if they are known, else in shortest edges."""
    prob_thresh: float
    nms_thresh: float
    diameter_vox: float | None = None
    """Object diameter that the image was scaled for, in voxels of the finest axis, if it was."""
    second_diameter_vox: float | None = None
    """The same of further objects of a much different size, if there are any."""
    runner_up: RunnerUp | None = None
    """The next best size of objects, if the diameter was estimated and there is one."""
    notes: tuple[Note, ...] = ()
    """Remarks for the user."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds per stage."""
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    """What was done to the intensities of the image."""
    calibration: Calibration | None = None
    """What probabilities of the model mean, if that is known."""
    candidates: Candidates
    image: Volume | None = None
    """The image that was segmented, not a copy of it; for a box, the box and what was read around it."""
    box: Box | None = None
    """The part of the volume that the labels cover, if it is not all of it."""
    inside: Box | None = None
    """The same part, in voxels of ``image``."""

    @property
    def volume(self) -> Volume:
        """The labels at the image's place: what :func:`anystar.write` writes."""
        if self.image is None:
            return Volume(data=self.labels)
        place = self.image if self.inside is None else self.image.crop(self.inside)
        return place.with_data(self.labels)

    @property
    def length_unit(self) -> LengthUnit:
        """Unit in which lengths are reported: that of the image's file."""
        return "um" if self.image is None else self.image.length_unit

    @property
    def rays(self) -> Rays:
        """Directions of the distances of the objects."""
        return self.candidates.rays

    def rethreshold(self, prob_thresh: float | None = None, nms_thresh: float | None = None) -> Result:
        """Return the result for other thresholds without running the network again.

        Parameters
        ----------
        prob_thresh : float, optional
            Lowest probability of an object, at least the floor of the candidates.
        nms_thresh : float, optional
            Overlap above which the less probable of two objects is dropped.
        """
        prob = self.prob_thresh if prob_thresh is None else check_threshold("prob_thresh", prob_thresh)
        nms = self.nms_thresh if nms_thresh is None else check_threshold("nms_thresh", nms_thresh)
        floor = self.candidates.floor
        if prob < floor:
            raise InputError(
                f"prob_thresh must be at least {floor}, the lowest that was kept, got {prob}; segment again"
            )
        shape = self.labels.shape if self.inside is None or self.image is None else self.image.shape
        adapted = (THRESHOLD, UNSURE)
        instances = candidates_to_instances(
            self.candidates,
            triple(shape),
            InstanceStages(
                aspect=self.voxel_size.aspect,
                prob_thresh=prob,
                nms_thresh=nms,
                preprocessing=self.preprocessing,
                calibration=self.calibration,
            ),
        )
        labels, objects = instances.labels, instances.objects
        if self.inside is not None:
            labels, objects = crop_instances(labels, objects, self.inside)
        return replace(
            self,
            labels=labels,
            objects=objects,
            prob_thresh=prob,
            nms_thresh=nms,
            notes=tuple(n for n in self.notes if n.kind not in adapted or prob == self.prob_thresh),
            timings=self.timings | instances.timings,
        )

    def table(
        self,
        image: np.ndarray | Volume | None = None,
        *,
        intensities: Mapping[str, np.ndarray | Volume] | None = None,
        mask: np.ndarray | Volume | None = None,
        distances: bool = False,
    ) -> Table:
        """Measure the objects.

        Parameters
        ----------
        image : numpy.ndarray or Volume, optional
            ``(Z, Y, X)``: where intensities and contrast are measured; by default the image that was
            segmented.
        intensities : mapping of str to numpy.ndarray or Volume, optional
            Further channels by name: ``{"GFP": gfp}`` gives the columns ``intensity_mean_GFP`` and so on.
        mask : numpy.ndarray or Volume, optional
            Gives the column ``mask_overlap``: the fraction of each object where the mask is not 0.
        distances : bool
            Whether to add the polyhedra.

        Returns
        -------
        Table
            One row per object, see :func:`anystar.objects.table.columns`.
        """
        table = tabulate(
            self.labels,
            self.objects,
            self.rays,
            image=self._intensities(image),
            spacing=self.voxel_size.spacing,
            unit=self.voxel_size.unit,
            margins=self.preprocessing.margin_mask(self._part),
            distances=distances,
        )
        if mask is not None:
            table = add_mask(table, self.labels, as_volume("mask", mask).data)
        for name, channel in (intensities or {}).items():
            values = as_volume(f"intensities[{name!r}]", channel)
            refuse_mismatch(name, values, "the image", self.volume)
            table = add_channel(table, self.labels, values.data, name)
        return replace(table, length_unit=self.length_unit)

    @property
    def _part(self) -> tuple[slice, slice, slice]:
        """What the labels cover of the array that was segmented."""
        return whole_box(self.labels.shape) if self.inside is None else self.inside.slices

    def displayed(self) -> np.ndarray:
        """Return the image as it is displayed: where the labels are, finite."""
        if self.image is None:
            raise InputError("the result has no image; give one to segment")
        settings = self.preprocessing
        return (
            self.image.data[self._part] if settings.finite else settings.repaired(self.image.data, self._part)
        )

    def _intensities(self, image: np.ndarray | Volume | None) -> np.ndarray | None:
        """Return what is measured, without blank planes: the image that was segmented, or another one."""
        if image is None:
            return None if self.image is None else self.preprocessing.repaired(self.image.data, self._part)
        other = as_volume("image", image).data
        own = self.preprocessing if self.inside is None else Preprocessing.fit(other)
        return own.repaired(other)

    def filter(
        self,
        options: FilterOptions | None = None,
        *,
        min_volume: float | None = None,
        max_volume: float | None = None,
        min_sphericity: float | None = None,
        polarity: Literal["bright", "dark"] | None = None,
        min_contrast: float | None = None,
        drop_border: bool = False,
        mask: np.ndarray | Volume | None = None,
        mask_overlap: float = 0.5,
        keep: str | Sequence[str] = (),
        drop: str | Sequence[str] = (),
    ) -> Result:
        """Return the result with the objects that meet all conditions; they keep their numbers.

        Parameters
        ----------
        options : FilterOptions, optional
            All conditions as one value, instead of the single ones.
        min_volume, max_volume : float, optional
            In cubic micrometres, or in voxels if no voxel size in micrometres is known.
        min_sphericity : float, optional
            0 to 1; 1 is a ball.
        polarity : {"bright", "dark"}, optional
            Whether objects must be brighter or darker than the voxels around them.
        min_contrast : float, optional
            Contrast to the voxels around, in standard deviations, of either sign.
        drop_border : bool
            Whether objects that touch the border of the image are dropped.
        mask : numpy.ndarray or Volume, optional
            Not 0 where objects may be.
        mask_overlap : float
            Fraction of an object that must lie inside the mask.
        keep, drop : str or sequence of str
            Conditions over the columns of the table: ``"volume_um3 > 50 and sphericity > 0.6"``.

        Notes
        -----
        :meth:`rethreshold` starts from all candidates again: filter afterwards.
        """
        wanted = options or FilterOptions(
            min_volume=min_volume,
            max_volume=max_volume,
            min_sphericity=min_sphericity,
            polarity=polarity,
            min_contrast=min_contrast,
            drop_border=drop_border,
            mask_overlap=mask_overlap,
            keep=(keep,) if isinstance(keep, str) else tuple(keep),
            drop=(drop,) if isinstance(drop, str) else tuple(drop),
        )
        kept = wanted.kept(self.table(mask=mask), masked=mask is not None)
        if kept.all():
            return self
        labels = keep_labels(self.labels, self.objects.label[kept])
        return replace(self, labels=labels, objects=self.objects.select(kept))

    @property
    def facts(self) -> dict[str, str]:
        """Shape, voxel size, typical volume and thresholds, as text."""
        facts = {
            "image": f"{' x '.join(map(str, self.labels.shape))} voxels (Z, Y, X)"
            + (f", the box {self.box}" if self.box else ""),
            "voxel size": display.lengths(self.voxel_size.spacing, self.voxel_size.unit, self.length_unit),
        }
        if len(self.objects):
            facts["typical volume"] = f"{float(np.median(self.objects.volume_vox)):.0f} voxels"
        facts["thresholds"] = f"prob_thresh {self.prob_thresh:.3g}, nms_thresh {self.nms_thresh:.3g}"
        return facts

    def __repr__(self) -> str:
        notes = {"note": "; ".join(map(str, self.notes))} if self.notes else {}
        return display.as_text(f"Result: {len(self.objects)} objects", self.facts | notes)

    def _repr_html_(self) -> str:
        plain = display.as_html(f"Result: {len(self.objects)} objects", self.facts)
        return display.rich_html(self) or plain
