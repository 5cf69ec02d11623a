"""Array conventions and the one container that travels between the rooms: :class:`Volume`.

Space is always ZYX. Shape suffixes in tensor code: B batch, C channel, Z Y X space, R rays, N objects or
points, F faces, K vertices of a face. Voxel ``i`` is a sample at coordinate ``i``; boxes are half-open
``[start, stop)``; ``spacing`` is micrometres per voxel.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np

__all__ = [
    "OnGrid",
    "Volume",
    "check_spacing",
    "measuring",
    "metric",
    "proportions",
    "refuse_mismatch",
    "refuse_other_axes",
]

_FARTHEST = 100
"""Largest ratio of a voxel's edges that is believed."""
_TILT = 0.05
"""By how much axes may differ, in components of unit vectors."""


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A 3D array with its place in the world.

    Parameters
    ----------
    data : numpy.ndarray
        Array of shape ``(Z, Y, X)``, any real dtype.
    spacing : tuple of 3 floats, optional
        Micrometres per voxel along Z, Y, X. ``None`` if the file did not say.
    unit : {"um", "relative"}
        ``"relative"`` where only the ratios of the spacing are known (a file that counts in pixels): good
        for anisotropy, not for lengths.
    header : dict
        What a file format needs to be written back unchanged (affine, header, units, ...); owned by
        :mod:`anystar.io` and opaque elsewhere.
    """

    data: np.ndarray
    spacing: tuple[float, float, float] | None = None
    unit: Literal["um", "relative"] = "um"
    header: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.data.ndim != 3:
            raise ValueError(f"data must have three axes (Z, Y, X), got shape {self.data.shape}")
        if self.spacing is not None:
            check_spacing(self.spacing)
        if self.unit not in ("um", "relative"):
            raise ValueError(f"unit must be 'um' or 'relative', got {self.unit!r}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along Z, Y, X."""
        z, y, x = self.data.shape
        return z, y, x

    def with_data(self, data: np.ndarray) -> Volume:
        """Return a volume at the same place with other values (labels of an image, say)."""
        if data.shape != self.data.shape:
            raise ValueError(f"data must keep the shape {self.data.shape}, got {data.shape}")
        return replace(self, data=data)


class OnGrid(Protocol):
    """What has a place in the world, as :class:`Volume` has, in memory or not."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along Z, Y, X."""

    @property
    def spacing(self) -> tuple[float, float, float] | None:
        """Size of a voxel along Z, Y, X, if known."""

    @property
    def unit(self) -> Literal["um", "relative"]:
        """Of the spacing."""

    @property
    def header(self) -> dict[str, Any]:
        """What a format says besides: ``world``, the affine from voxels (XYZ) to millimetres; ``oriented``,
        whether that is to the right, anterior and superior of somebody.
        """


def refuse_mismatch(name: object, volume: OnGrid, other_name: object, other: OnGrid) -> None:
    """Raise ``ValueError`` unless two volumes have the same shape and, where both say it, place in the world:
    voxel size and orientation.
    """
    if volume.shape != other.shape:
        raise ValueError(
            f"{name} has the shape {volume.shape} but {other_name} {other.shape}; "
            "give files of the same volume, on the same grid"
        )
    refuse_other_axes(name, volume, other_name, other)
    one, two = volume.spacing, other.spacing
    if one and two and volume.unit == other.unit and not np.allclose(one, two, rtol=0.01):
        sizes = [" x ".join(f"{edge:.4g}" for edge in spacing) for spacing in (one, two)]
        raise ValueError(
            f"{name} has the voxel size {sizes[0]} but {other_name} {sizes[1]}; correct the one that is wrong"
        )


def refuse_other_axes(name: object, volume: OnGrid, other_name: object, other: OnGrid) -> None:
    """Raise ``ValueError`` if two volumes say that their axes point elsewhere: mirrored ones, for example."""
    if not (volume.header.get("oriented") and other.header.get("oriented")):
        return
    worlds = (v.header["world"][:3, :3] for v in (volume, other))
    one, two = (world / np.linalg.norm(world, axis=0) for world in worlds)
    if not np.allclose(one, two, atol=_TILT):
        raise ValueError(
            f"{name} has its axes along {_towards(one)} but {other_name} along {_towards(two)}; "
            "bring both into one orientation (nibabel.as_closest_canonical)"
        )


def _towards(directions: np.ndarray) -> str:
    """Return where the axes X, Y, Z point, in letters.

    >>> _towards(np.diag([-1.0, 1.0, 1.0]))
    'LAS'
    """
    letters = []
    for column in directions.T:
        axis = int(np.abs(column).argmax())
        letters.append(("LR", "PA", "IS")[axis][int(column[axis] > 0)])
    return "".join(letters)


def check_spacing(spacing: tuple[float, ...]) -> tuple[float, float, float]:
    """Return ``spacing`` as three positive finite floats (Z, Y, X), or raise ``ValueError``.

    Examples
    --------
    >>> check_spacing((2, 0.5, 0.5))
    (2.0, 0.5, 0.5)
    """
    values = tuple(float(s) for s in spacing)
    if len(values) != 3:
        raise ValueError(f"spacing must be three numbers (Z Y X), got {len(values)}: {spacing}")
    if not all(np.isfinite(s) and s > 0 for s in values):
        raise ValueError(f"spacing must be positive and finite, got {spacing}")
    return values[0], values[1], values[2]


def proportions(spacing: tuple[float, float, float] | None) -> tuple[float, float, float] | None:
    """Return the length of a voxel along each axis in units of the shortest, if it is known.

    ``ValueError`` if one is more than 100 times as long as another, which no microscope makes.

    >>> proportions((2, 0.5, 0.5))
    (4.0, 1.0, 1.0)
    """
    if spacing is None:
        return None
    if max(spacing) > _FARTHEST * min(spacing):
        raise ValueError(
            f"spacing must be at most {_FARTHEST} times as long along one axis as along another, got "
            f"{spacing}; give the right voxel size, with the same unit (nm, um) along all axes"
        )
    z, y, x = (size / min(spacing) for size in spacing)
    return z, y, x


def metric(
    spacing: tuple[float, float, float] | None, unit: Literal["um", "relative"]
) -> tuple[float, float, float] | None:
    """Return the spacing that lengths are told and measured by: micrometres, or voxels of the finest axis.

    >>> metric((2, 0.5, 0.5), "um"), metric((2, 0.5, 0.5), "relative")
    ((2, 0.5, 0.5), (4.0, 1.0, 1.0))
    """
    return spacing if unit == "um" else proportions(spacing)


def measuring(
    spacing: tuple[float, float, float] | None,
    unit: Literal["um", "relative"],
    voxel_size: tuple[float, float, float],
) -> tuple[tuple[float, float, float], Literal["um", "relative"]]:
    """Return the spacing and unit to measure objects with: what is known, or else proportions only.

    >>> measuring(None, "um", (2.0, 1.0, 1.0))
    ((2.0, 1.0, 1.0), 'relative')
    """
    known = metric(spacing, unit)
    return (voxel_size, "relative") if known is None else (known, unit)
