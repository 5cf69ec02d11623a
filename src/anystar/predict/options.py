"""The options of a segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from anystar.arrays import VoxelSize
from anystar.errors import InputError
from anystar.predict.calibration import Calibration
from anystar.preprocess.arrays import Vec

__all__ = ["ModelDefaults", "PredictionOptions", "check_threshold", "diameter_in_edges"]

_LEAST, _MOST = 1.5, 2.0
"""Smallest diameter in shortest edges, and largest in longest sides of the volume: others are wrong units."""
_FAST = 0.8
"""Diameter of objects in the network's input in fast mode, as a share of the usual one."""
_FLOOR = 0.1
"""Candidates of at least this probability are kept, so that the threshold can be changed later."""


@dataclass(frozen=True, kw_only=True)
class PredictionOptions:
    """How an image is segmented; what is ``None`` or ``True`` is chosen for each image."""

    diameter: float | None = None
    """Typical diameter of the objects, in the unit of the voxel size, else in voxels along Y and X."""
    prob_thresh: float | None = None
    """Lowest probability of an object, in [0, 1]."""
    nms_thresh: float | None = None
    """Overlap above which the less probable of two objects is dropped, in [0, 1]; ``None`` for the
    model's."""
    tta: bool = False
    """Average the predictions for four orientations of the image: four times the time."""
    fast: bool = False
    """Show objects to the network at 0.8 times the diameter: half of its time, faint and small objects are
    lost first."""
    aspect: bool = True
    """Estimate the distance between planes where no voxel size is known; voxels are cubic otherwise."""
    appearance: bool = True
    """Try smoothing and gammas where the network is not confident."""
    threshold: bool = True
    """Adapt the probability threshold to the image; it is the model's own otherwise."""
    illumination: bool = True
    """Correct uneven illumination."""

    def __post_init__(self) -> None:
        for name in ("prob_thresh", "nms_thresh"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, check_threshold(name, value))
        if self.diameter is not None and not (np.isfinite(self.diameter) and self.diameter > 0):
            raise InputError(f"diameter must be positive, got {self.diameter}")

    @classmethod
    def of(cls, options: PredictionOptions) -> PredictionOptions:
        """Return the options of a segmentation alone from a value that has more of them."""
        return cls(**{field.name: getattr(options, field.name) for field in fields(cls)})


@dataclass(frozen=True, kw_only=True)
class ModelDefaults:
    """What a model uses where an option is not given."""

    prob_thresh: float = 0.5
    """Lowest probability of an object."""
    nms_thresh: float = 0.3
    """Overlap above which the less probable of two objects is dropped."""
    diameter: float = 16.0
    """Diameter in voxels at which the network recognises objects best."""
    calibration: Calibration | None = None
    """What its probabilities mean, if that is known."""

    def object_diameter(self, options: PredictionOptions) -> float:
        """Return the diameter of objects in voxels of the network's input."""
        return self.diameter * _FAST if options.fast else self.diameter

    def floor(self, options: PredictionOptions) -> float:
        """Return the lowest probability of a candidate that is kept."""
        return min(_FLOOR, self.prob_thresh if options.prob_thresh is None else options.prob_thresh)


def check_threshold(name: str, value: float) -> float:
    """Return a threshold within [0, 1] or raise ``InputError``."""
    if not 0 <= value <= 1:
        raise InputError(f"{name} must be a threshold within [0, 1], got {value}")
    return float(value)


def diameter_in_edges(
    diameter: float | None, voxel_size: VoxelSize | None, shape: Sequence[int]
) -> float | None:
    """Return a diameter in shortest edges of a voxel.

    It is given in the unit of :attr:`anystar.arrays.VoxelSize.lengths`, in voxels without a voxel size.

    Raises
    ------
    InputError
        If no object of a volume of that shape can have such a diameter.

    Examples
    --------
    >>> diameter_in_edges(12, VoxelSize((2, 0.5, 0.5)), (40, 200, 200))
    24.0
    >>> diameter_in_edges(12, None, (40, 200, 200))
    12.0
    """
    if diameter is None:
        return None
    edges: Vec = (1.0, 1.0, 1.0) if voxel_size is None else voxel_size.lengths.spacing
    shortest = min(edges)
    in_edges = diameter / shortest
    longest = max(num * edge for num, edge in zip(shape, edges, strict=True)) / shortest
    if not _LEAST <= in_edges <= _MOST * longest:
        given = f"{in_edges:.3g}"
        if shortest != 1:
            given += f" ({diameter:g} um, with {shortest:g} um per voxel)"
        raise InputError(
            f"diameter must be at least {_LEAST:g} voxels of the finest axis and at most {_MOST:g} times the "
            f"longest side of the volume, got {given}; correct it, or the voxel size"
        )
    return float(in_edges)
