"""Array conventions, and what travels between the packages: :class:`Volume`, :class:`VoxelSize`.

Space is always ZYX. Shape suffixes in tensor code: B batch, C channel, Z Y X space, R rays, N objects or
points, F faces, K vertices of a face. Voxel ``i`` is a sample at coordinate ``i``; boxes are half-open
``[start, stop)``; ``spacing`` is micrometres per voxel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np

from anystar import display
from anystar.box import Box, triple
from anystar.errors import InputError

__all__ = [
    "LARGEST_EDGE",
    "LENGTH_UNITS",
    "SMALLEST_EDGE",
    "LengthUnit",
    "OnGrid",
    "Volume",
    "VoxelSize",
    "check_spacing",
    "crop_header",
    "mask_voxels",
    "refuse_mismatch",
    "refuse_other_axes",
]

LengthUnit = Literal["nm", "um", "mm", "m"]
"""Unit in which lengths are reported."""
LENGTH_UNITS: dict[LengthUnit, float] = {"nm": 1e-3, "um": 1.0, "mm": 1e3, "m": 1e6}
"""Micrometres per unit."""
SMALLEST_EDGE, LARGEST_EDGE = 1e-15, 1e30
"""Of a voxel: beyond these, volumes are no numbers any more."""
_FARTHEST = 100
"""Largest ratio of a voxel's edges that is accepted."""
_TILT = 0.05
"""Largest difference between the components of unit vectors along equal axes."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
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
    length_unit : {"um", "nm", "mm", "m"}
        The unit of the file, in which lengths are reported; ``spacing`` is in micrometres whatever it is.
    header : dict
        What a file format needs to be written back unchanged (affine, header, units, ...); owned by
        :mod:`anystar.io` and opaque elsewhere.
    """

    data: np.ndarray
    spacing: tuple[float, float, float] | None = None
    unit: Literal["um", "relative"] = "um"
    length_unit: LengthUnit = "um"
    header: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not hasattr(self.data, "ndim"):
            raise InputError(f"data must be an array (Z, Y, X), got {type(self.data).__name__}")
        if self.data.ndim != 3:
            raise InputError(f"data must have three axes (Z, Y, X), got shape {self.data.shape}")
        if self.spacing is not None:
            check_spacing(self.spacing)
        if self.unit not in ("um", "relative"):
            raise InputError(f"unit must be 'um' or 'relative', got {self.unit!r}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along Z, Y, X."""
        z, y, x = self.data.shape
        return z, y, x

    @property
    def plane(self) -> tuple[float, float] | None:
        """Micrometres along Y and X where only the distance between planes is not known."""
        return self.header.get("plane") if self.spacing is None else None

    def _facts(self) -> dict[str, str]:
        shape = " x ".join(map(str, self.shape))
        return {
            "shape": f"{shape} voxels (Z, Y, X), {self.data.dtype}",
            "voxel size": display.lengths(self.spacing, self.unit, self.length_unit),
        }

    def __repr__(self) -> str:
        return display.as_text("Volume", self._facts())

    def _repr_html_(self) -> str:
        return display.as_html("Volume", self._facts())

    def crop(self, box: Box | str | Sequence[slice]) -> Volume:
        """Return a part of the volume at its place in the world; the voxels are not copied.

        Parameters
        ----------
        box : Box, str or 3 slices
            As :meth:`anystar.Box.of` takes it.

        Examples
        --------
        >>> volume = Volume(data=np.zeros((4, 8, 8)), spacing=(2, 0.5, 0.5))
        >>> part = volume.crop("1:3,:,4:")
        >>> part.shape, part.header["first"]
        ((2, 8, 4), (1.0, 0.0, 4.0))
        """
        box = Box.of(box, self.shape, spacing=self.spacing if self.unit == "um" else None)
        return replace(self, data=self.data[box.slices], header=crop_header(self, box))

    def with_data(self, data: np.ndarray) -> Volume:
        """Return a volume at the same place with other values (labels of an image, for example)."""
        if data.shape != self.data.shape:
            raise InputError(f"data must keep the shape {self.data.shape}, got {data.shape}")
        return replace(self, data=data)


class OnGrid(Protocol):
    """An image with a place in the world, in memory or not; :class:`Volume` is one."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along Z, Y, X."""

    @property
    def spacing(self) -> tuple[float, float, float] | None:
        """Size of a voxel along Z, Y, X, if known."""

    @property
    def unit(self) -> Literal["um", "relative"]:
        """Unit of the spacing."""

    @property
    def header(self) -> dict[str, Any]:
        """What a format says besides: ``world``, the affine from voxels (XYZ) to millimetres; ``oriented``,
        whether that is to the right, anterior and superior of somebody; ``first``, where the first voxel lies
        along Z, Y, X, in voxels, if not at 0. Every matrix of 4 x 4 is an affine from voxels (XYZ).
        """


def crop_header(image: OnGrid, box: Box) -> dict[str, Any]:
    """Return the header of a part of an image, whose affines begin at the part's first voxel."""
    shift = np.eye(4)
    shift[:3, 3] = box.start[::-1]
    moved = {
        name: value @ shift if isinstance(value, np.ndarray) and value.shape == (4, 4) else value
        for name, value in image.header.items()
    }
    first = [f + s for f, s in zip(moved.pop("first", (0.0, 0.0, 0.0)), box.start, strict=True)]
    return moved | ({"first": tuple(first)} if any(first) else {})


def refuse_mismatch(name: object, volume: OnGrid, other_name: object, other: OnGrid) -> None:
    """Raise ``InputError`` unless two volumes have the same shape and, where both say it, place in the world:
    voxel size and orientation.
    """
    if volume.shape != other.shape:
        raise InputError(
            f"{name} has the shape {volume.shape} but {other_name} {other.shape}; "
            "give files of the same volume, on the same grid"
        )
    refuse_other_axes(name, volume, other_name, other)
    one, two = volume.spacing, other.spacing
    if one and two and volume.unit == other.unit and not np.allclose(one, two, rtol=0.01):
        sizes = [" x ".join(f"{edge:.4g}" for edge in spacing) for spacing in (one, two)]
        raise InputError(
            f"{name} has the voxel size {sizes[0]} but {other_name} {sizes[1]}; correct the one that is wrong"
        )


def refuse_other_axes(name: object, volume: OnGrid, other_name: object, other: OnGrid) -> None:
    """Raise ``InputError`` if two volumes say that their axes point elsewhere: mirrored ones, for example."""
    if not (volume.header.get("oriented") and other.header.get("oriented")):
        return
    worlds = (v.header["world"][:3, :3] for v in (volume, other))
    one, two = (world / np.linalg.norm(world, axis=0) for world in worlds)
    if not np.allclose(one, two, atol=_TILT):
        raise InputError(
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


def mask_voxels(mask: np.ndarray) -> np.ndarray:
    """Return which voxels of a mask are inside, bool: those that are not 0, and not NaN.

    Examples
    --------
    >>> mask_voxels(np.array([0.0, 2.0, np.nan])).tolist()
    [False, True, False]
    """
    inside = mask != 0
    return inside & ~np.isnan(mask) if mask.dtype.kind == "f" else inside


def check_spacing(spacing: Sequence[float]) -> tuple[float, float, float]:
    """Return ``spacing`` as three positive finite floats (Z, Y, X), or raise ``InputError``.

    Examples
    --------
    >>> check_spacing((2, 0.5, 0.5))
    (2.0, 0.5, 0.5)
    """
    if np.ndim(spacing) == 0:
        raise InputError(
            f"spacing must be three numbers (Z Y X), got {spacing}; "
            f"give ({spacing}, {spacing}, {spacing}) for cubic voxels"
        )
    values = tuple(float(s) for s in spacing)
    if len(values) != 3:
        raise InputError(f"spacing must be three numbers (Z Y X), got {len(values)}: {spacing}")
    if not all(np.isfinite(s) and s > 0 for s in values):
        raise InputError(f"spacing must be positive and finite, got {spacing}")
    if not all(SMALLEST_EDGE <= s <= LARGEST_EDGE for s in values):
        raise InputError(f"spacing must be {SMALLEST_EDGE:g} to {LARGEST_EDGE:g}, got {spacing}")
    return values[0], values[1], values[2]


@dataclass(frozen=True)
class VoxelSize:
    """Edges of a voxel, and their unit.

    Parameters
    ----------
    spacing : three floats
        Edges along Z, Y, X.
    unit : {"um", "relative"}
        Micrometres, or ``"relative"`` where only their ratios are known.

    Examples
    --------
    >>> pixels = VoxelSize((2, 0.5, 0.5), "relative")
    >>> pixels.aspect, pixels.lengths.spacing, VoxelSize((2, 0.5, 0.5)).lengths.spacing
    ((4.0, 1.0, 1.0), (4.0, 1.0, 1.0), (2.0, 0.5, 0.5))
    """

    spacing: tuple[float, float, float]
    unit: Literal["um", "relative"] = "um"

    def __post_init__(self) -> None:
        object.__setattr__(self, "spacing", check_spacing(self.spacing))

    @classmethod
    def of(cls, image: OnGrid) -> VoxelSize | None:
        """Return the voxel size of an image, ``None`` if it is not known."""
        return None if image.spacing is None else cls(image.spacing, image.unit)

    @property
    def aspect(self) -> tuple[float, float, float]:
        """Edges in units of the shortest.

        ``InputError`` if one edge is more than 100 times as long as another: no microscope makes such voxels.
        """
        spacing = self.spacing
        if max(spacing) > _FARTHEST * min(spacing):
            raise InputError(
                f"spacing must be at most {_FARTHEST} times as long along one axis as along another, got "
                f"{spacing}; give the right voxel size, with the same unit (nm, um) along all axes"
            )
        return triple(edge / min(spacing) for edge in spacing)

    @property
    def lengths(self) -> VoxelSize:
        """The voxel size that lengths are measured by: in micrometres, or in units of the shortest edge."""
        return self if self.unit == "um" else VoxelSize(self.aspect, self.unit)
