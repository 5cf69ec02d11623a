"""The preprocessing of one image: fitted once, kept as TOML, applied to any part of the image.

A step is a frozen dataclass in a file of its own. It corrects the image before its intensities are rescaled,
and it is named in :class:`Preprocessing` as a field; nothing else knows the single steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self

import numpy as np

from anystar.box import triple
from anystar.preprocess.arrays import ArrayLike, Box, Shape, Vec, box_shape, whole_box, within
from anystar.preprocess.blank_planes import BlankPlanes
from anystar.preprocess.illumination import Illumination
from anystar.preprocess.intensity import check_range, intensity_limits, rescale
from anystar.preprocess.margins import Margins, crop
from anystar.preprocess.missing_voxels import MissingVoxels
from anystar.preprocess.subsample import Subsample, take_subsample

__all__ = ["PreparedImage", "Preprocessing", "Step"]


class Step(Protocol):
    """A correction of the intensities, fitted to an image."""

    @classmethod
    def fit(cls, image: ArrayLike, subsample: Subsample) -> Self | None:
        """Return the step for an image, ``None`` if it needs no such correction."""

    def apply(self, image: ArrayLike) -> ArrayLike:
        """Return the corrected image, which is corrected as it is read; only margins change its shape."""

    def update(self, subsample: Subsample, image: ArrayLike) -> Subsample:
        """Return the subsample of ``image``, which this step has corrected, given the one before."""

    def note(self, origin: Shape) -> str:
        """Return the remark for the user, empty for none; ``origin`` is the first voxel after cropping."""


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What is done to the intensities of one image before the network sees it.

    The corrections are applied in the order of the fields. The rest turns intensities into the numbers that
    the network sees: rescaling, gamma, smoothing, and rescaling what is smoothed.

    Examples
    --------
    >>> image = np.random.default_rng(0).normal(100, 10, (8, 32, 32))
    >>> image[4] = 0
    >>> preprocessing = Preprocessing.fit(image)
    >>> preprocessing.blank_planes.runs, preprocessing.notes
    (((4, 5),), (('blank_planes', '1 blank plane is filled in from the planes beside (Z, from 0: 4)'),))
    >>> part = preprocessing.apply(image).read((slice(4, 5), slice(0, 32), slice(0, 32)))
    >>> part.shape, bool(part.std() > 0.05)
    ((1, 32, 32), True)
    """

    margins: Margins | None = field(default=None, metadata={"step": Margins})
    """Constant margins that are left out, if there are any; what follows is in voxels of what is left."""
    missing_voxels: MissingVoxels | None = field(
        default=None, metadata={"step": MissingVoxels, "repair": True}
    )
    """Voxels that are NaN or infinite and are filled, if there are any."""
    blank_planes: BlankPlanes | None = field(default=None, metadata={"step": BlankPlanes, "repair": True})
    """Blank planes that are filled, if there are any."""
    illumination: Illumination | None = field(default=None, metadata={"step": Illumination})
    """Uneven illumination that is corrected, if it is uneven."""
    limits: tuple[float, float] = (0.0, 1.0)
    """Corrected intensities that become 0 and 1, see ``intensity.intensity_limits``."""
    gamma: float = 1.0
    """Exponent of the rescaled intensities: below 1, dim objects become brighter."""
    sigma: Vec = (0.0, 0.0, 0.0)
    """Standard deviation of the Gaussian that smooths them, after the gamma, in voxels along Z, Y, X."""
    smoothed_limits: tuple[float, float] = (0.0, 1.0)
    """Smoothed intensities that become 0 and 1: the range is narrower without noise."""

    @classmethod
    def fit(cls, image: ArrayLike, *, illumination: bool = True) -> Preprocessing:
        """Return the preprocessing of an image.

        Only a subsample of the image and what single steps need is read.

        Parameters
        ----------
        image : array, shape ``(Z, Y, X)``
            In memory, or read box by box.
        illumination : bool
            Whether to correct uneven illumination.

        Raises
        ------
        ValueError
            If float32 cannot represent the differences of its intensities.
        """
        subsample = take_subsample(image)
        steps: dict[str, Step] = {}
        for name, info in _steps():
            if name == "illumination" and not illumination:
                continue
            step: Step | None = info["step"].fit(image, subsample)
            if step is not None:
                steps[name], image = step, step.apply(image)
                subsample = step.update(subsample, image)
            if name == "missing_voxels":
                check_range(image if isinstance(image, np.ndarray) else subsample.data)
        return cls(limits=intensity_limits(image, subsample.data), **steps)  # type: ignore[arg-type]

    def apply(self, image: ArrayLike) -> PreparedImage:
        """Return the image, prepared as it is read; ``image`` is that which was fitted, or an equal one."""
        for step in self._fitted():
            image = step.apply(image)
        return PreparedImage(image=image, settings=self)

    def repaired(self, image: ArrayLike, box: Box | None = None) -> np.ndarray:
        """Return a box of the image, or all of it, as intensities are measured.

        What is missing is filled (with 0 in margins); everything else keeps its recorded intensities.
        """
        steps, box = self._fitted(only="repair"), box or whole_box(image.shape)
        if not steps and self.finite:
            return image if isinstance(image, np.ndarray) and box == whole_box(image.shape) else image[box]
        inner = self.inner_box(image.shape)
        data, part = crop(image, inner), np.array(image[box])
        for step in steps:
            data = step.apply(data)
        both = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(box, inner, strict=True)]
        if all(s.start < s.stop for s in both):
            part[within(both, box)] = data[within(both, inner)]
        return part if self.finite else np.nan_to_num(part, copy=False, nan=0.0, posinf=0.0, neginf=0.0)

    @property
    def constant(self) -> bool:
        """Whether all intensities of the image are equal."""
        return self.limits[0] == self.limits[1]

    @property
    def adjusted(self) -> bool:
        """Whether there is a gamma or smoothing, which move the edges of objects."""
        return self.gamma != 1 or any(self.sigma)

    @property
    def finite(self) -> bool:
        """Whether the image has no NaN and no infinite voxels, in the margins neither."""
        return self.missing_voxels is None and not (self.margins is not None and self.margins.missing)

    @property
    def notes(self) -> tuple[tuple[str, str], ...]:
        """Remarks for the user on what was corrected: the name of the step, and a line."""
        steps = ((name, getattr(self, name)) for name, _ in _steps())
        notes = ((name, step.note(self.origin)) for name, step in steps if step is not None)
        return tuple((name, note) for name, note in notes if note)

    @property
    def origin(self) -> Shape:
        """First voxel of the image (Z, Y, X) that is left when margins are cropped."""
        return (0, 0, 0) if self.margins is None else self.margins.start

    def inner_box(self, shape: Sequence[int]) -> Box:
        """Return the box of an image of this shape that is left when margins are cropped."""
        return whole_box(tuple(shape)) if self.margins is None else self.margins.box

    def inner_shape(self, shape: Shape) -> Shape:
        """Return the shape of that box."""
        return box_shape(self.inner_box(shape))

    def clear_margins(self, labels: np.ndarray, box: Box | None = None) -> np.ndarray:
        """Set the labels of a box of the image, or of all of it, to 0 in its margins, in place."""
        return labels if self.margins is None else self.margins.clear(labels, box)

    def margin_mask(self, box: Box) -> np.ndarray | None:
        """Return which voxels of a box of the image lie in its margins, ``None`` if the image has none."""
        if self.margins is None:
            return None
        ones = np.ones(box_shape(box), np.uint8)
        return self.margins.clear(ones, box) == 0

    def _fitted(self, only: str = "step") -> list[Step]:
        steps = [getattr(self, name) for name, info in _steps() if info.get(only)]
        return [step for step in steps if step is not None]


def _steps() -> list[tuple[str, Any]]:
    """Return the fields of :class:`Preprocessing` that are steps, in order, with what they declare."""
    fields = Preprocessing.__dataclass_fields__.values()
    return [(each.name, each.metadata) for each in fields if "step" in each.metadata]


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedImage:
    """An image whose intensities are corrected and rescaled to [0, 1] as it is read."""

    image: ArrayLike
    """The corrected image, shape ``(Z, Y, X)``; its intensities are not yet rescaled."""
    settings: Preprocessing
    start: Shape = (0, 0, 0)
    """First voxel of the image that was prepared, if this is a part of it."""

    @property
    def shape(self) -> Shape:
        """Voxels along Z, Y, X."""
        return triple(self.image.shape)

    def read(self, box: Box) -> np.ndarray:
        """Return a part, rescaled and with its gamma but not smoothed, float32."""
        part = rescale(np.asarray(self.image[box]), self.settings.limits)
        gamma = self.settings.gamma
        return part if gamma == 1 else np.power(part, np.float32(gamma), out=part)

    def crop(self, box: Box) -> PreparedImage:
        """Return a part as an image of its own, in memory."""
        start = triple(first + part.start for first, part in zip(self.start, box, strict=True))
        return replace(self, image=np.asarray(self.image[box]), start=start)

    def holds_data(self, points: np.ndarray) -> np.ndarray:
        """Return at which points ``(N, 3)``, in voxels, there are data and no margin."""
        margins = self.settings.margins
        if margins is None or margins.region is None:
            return np.ones(len(points), bool)
        return ~margins.region.covers_points(points + np.array(self.start))

    def adjusted(
        self,
        *,
        gamma: float = 1.0,
        sigma: Vec = (0.0, 0.0, 0.0),
        smoothed_limits: tuple[float, float] = (0.0, 1.0),
    ) -> PreparedImage:
        """Return the image with another gamma and smoothing, or none; arguments as in
        :class:`Preprocessing`.
        """
        settings = replace(self.settings, gamma=gamma, sigma=sigma, smoothed_limits=smoothed_limits)
        return replace(self, settings=settings)
