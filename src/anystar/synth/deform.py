"""The two geometric stages: where every voxel of a sample comes from.

``world`` (GENERATOR stage 2 padding, stage 3 rows 2 to 4) places the voxels of the image lattice in the world
of the objects. ``bend`` (row 14) places the voxels of the final sample on the image lattice. Labels are
evaluated at the composition of both; the image is made on its lattice and resampled once, by the bend.

Where ours differs from the reference's chain of MONAI transforms, and why. Rotation, translation, zoom,
quarter turns, flips, elastic displacement, shear and scale are MONAI's for the same draws. What a zoomed or
shifted crop shows beyond its own border is the world around it, mirrored at the world's border. The reference
mirrors the crop itself, for it has thrown the rest away. A mirror image of an object is an object of its own,
also where the two touch (the reference fuses them). The blur of the displacement keeps its strength at
borders, where MONAI pads with zeros. The six shear factors lie side by side in one matrix, as in the MONAI
that the reference pins; MONAI 1.6 multiplies six shears instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from anystar.config import ConfigError, check_range
from anystar.runtime.gpu import kernel_for
from anystar.synth.fields import lattice
from anystar.synth.kernels import bend, is_compiled, place
from anystar.synth.separable import gaussian_matrix, separable
from anystar.synth.streams import Streams, put

__all__ = ["Bend", "BendDrawn", "World", "WorldDrawn", "bend_coords", "world_coords"]

_LARGEST = 1024
"""Voxels of a world's axis at most: its textures take 4 GB then."""
Vec = tuple[float, ...]
"""Three numbers, ZYX."""


@dataclass(frozen=True, kw_only=True)
class World:
    """How the image lattice is laid into the world of objects."""

    size: int = 128
    """Voxels per axis of the world in which objects are placed; grows with images larger than it."""
    paddings: tuple[int, ...] = (0, 32, 64, 96)
    """Voxels added to each side of the world before it is scaled back, one chosen per side."""
    padding: Literal["zeros-or-reflect", "zeros", "reflect"] = "zeros-or-reflect"
    """What the padding holds: nothing, or mirror images of the world."""
    zoom: tuple[float, float] = (0.4, 1.4)
    """Magnification of the crop."""
    rotation_degrees: float = 45.0
    """Largest rotation about each axis."""
    translation: float = 16.0
    """Largest shift along each axis, in voxels of the image."""

    def __post_init__(self) -> None:
        check_range("zoom", self.zoom, 0.05, 20)
        if not self.paddings or any(not 0 <= p < self.size for p in self.paddings):
            raise ConfigError(f"paddings must be within [0, size), got {list(self.paddings)}")
        if not (0 <= self.rotation_degrees <= 180 and 0 <= self.translation <= 10_000):
            what = f"got {self.rotation_degrees} and {self.translation}"
            raise ConfigError(
                f"rotation_degrees must be within [0, 180] and translation within [0, 10000], {what}"
            )
        if not 16 <= self.size <= _LARGEST:
            raise ConfigError(f"size must be within [16, {_LARGEST}] voxels, got {self.size}")

    def check_shape(self, shape: Sequence[int]) -> None:
        """Raise :class:`ConfigError` if no world can hold a sample of ``shape``."""
        if max(shape) > _LARGEST:
            raise ConfigError(
                f"the world of this recipe is a cube of at most {_LARGEST} voxels per axis, and the shape "
                f"has {max(shape)}; take a smaller shape, or a recipe without a world, such as wide"
            )

    def draw(self, rng: np.random.Generator, shape: Sequence[int]) -> WorldDrawn:
        """Draw the place of one sample of ``shape``."""
        self.check_shape(shape)
        size = max(self.size, *shape)
        sides = rng.choice(np.array(self.paddings), size=(3, 2))
        mirrored = (
            bool(rng.random() < 0.5) if self.padding == "zeros-or-reflect" else self.padding == "reflect"
        )
        room = (size - np.array(shape)) / 2
        return WorldDrawn(
            size=size,
            padding_before=tuple(sides[:, 0].tolist()),
            padding_after=tuple(sides[:, 1].tolist()),
            mirrored=mirrored,
            centre=tuple(((size - 1) / 2 + rng.uniform(-room, room)).tolist()),
            zoom=float(rng.uniform(*self.zoom)),
            rotation=tuple(
                (np.deg2rad(rng.uniform(-self.rotation_degrees, self.rotation_degrees, 3))).tolist()
            ),
            translation=tuple((rng.uniform(-self.translation, self.translation, 3)).tolist()),
        )


@dataclass(frozen=True, kw_only=True)
class WorldDrawn:
    """Where one sample lies in its world."""

    size: int
    padding_before: tuple[int, ...]
    padding_after: tuple[int, ...]
    mirrored: bool
    centre: Vec
    zoom: float
    rotation: Vec
    translation: Vec


@dataclass(frozen=True, kw_only=True)
class Bend:
    """Flip, quarter turn and elastic deformation of the finished image (paper: with zero padding)."""

    flip: bool = True
    """Mirror one random axis, as the reference does."""
    quarter_turns: bool = True
    """Turn by 1, 2 or 3 quarters in a random plane."""
    magnitude: tuple[float, float] = (8.0, 20.0)
    """Amplitude of the displacement before smoothing, in voxels."""
    sigma: tuple[float, float] = (2.0, 5.0)
    """Smoothing of the displacement, in voxels."""
    shear: float = 0.5
    """Largest shear factor of each axis along each other."""
    scale: float = 0.3
    """Largest relative change of each axis' size."""

    def __post_init__(self) -> None:
        check_range("sigma", self.sigma, 0.5, 100)
        check_range("magnitude", self.magnitude, 0, 1000)
        if not (0 <= self.shear <= 2 and 0 <= self.scale < 1):
            raise ConfigError(f"shear must be in [0, 2], scale in [0, 1), got {self.shear} and {self.scale}")

    def draw(self, rng: np.random.Generator, shape: Sequence[int] = (1, 1, 1)) -> BendDrawn:
        """Draw the deformation of one sample; axes of different length are never swapped."""
        plane = [(0, 1), (0, 2), (1, 2)][rng.integers(3)]
        flip_axis = int(rng.integers(3)) if self.flip else None
        turns = int(rng.integers(1, 4)) if self.quarter_turns else 0
        if shape[plane[0]] != shape[plane[1]]:
            turns = 2 * (turns // 2)  # one quarter becomes none, three become two
        return BendDrawn(
            flip_axis=flip_axis,
            turns=turns,
            plane=plane,
            sigma=float(rng.uniform(*self.sigma)),
            magnitude=float(rng.uniform(*self.magnitude)),
            shear=tuple(rng.uniform(-self.shear, self.shear, 6).tolist()),
            scale=tuple((1 + rng.uniform(-self.scale, self.scale, 3)).tolist()),
        )


@dataclass(frozen=True, kw_only=True)
class BendDrawn:
    """The deformation of one sample."""

    flip_axis: int | None
    turns: int
    plane: tuple[int, int]
    sigma: float
    magnitude: float
    shear: tuple[float, ...]
    scale: Vec


def world_coords(
    drawn: Sequence[WorldDrawn], points_BZYX3: Tensor, shape: Sequence[int]
) -> tuple[Tensor, ...]:
    """Map points of the image lattice, which has this shape, into the world.

    Returns
    -------
    scaled : tensor, shape ``(B, Z, Y, X, 3)``
        Coordinates in the padded and rescaled world, where textures live.
    world : tensor, shape ``(B, Z, Y, X, 3)``
        Coordinates in the world of objects.
    cell : tensor, shape ``(B, Z, Y, X)``, int64 in [0, 729)
        Which mirror image of the world the point lies in: the copies of an object are different objects.
    inside : tensor, shape ``(B, Z, Y, X)``, bool
        False in zero padding, and more than one mirror image away from the world: there is nothing there.
    """
    last = drawn[0].size - 1
    matrix = np.stack([_rotation(d.rotation) / d.zoom for d in drawn])
    shift = np.array([d.translation for d in drawn]) - (np.array(shape) - 1) / 2
    offset = np.einsum("bij,bj->bi", matrix, shift) + np.array([d.centre for d in drawn])
    before, after = (np.array([getattr(d, f"padding_{side}") for d in drawn]) for side in ("before", "after"))
    factor = (last + 1 + before + after) / (last + 1)
    tables = (matrix, offset, factor, factor / 2 - 0.5 - before)
    mirrored = [d.mirrored for d in drawn]
    if is_compiled(points_BZYX3):
        scaled, world = torch.empty(points_BZYX3.shape), torch.empty(points_BZYX3.shape)
        cell = torch.empty(points_BZYX3.shape[:-1], dtype=torch.int64)
        inside = torch.empty(cell.shape, dtype=torch.bool)
        for row, points in enumerate(points_BZYX3):
            m, o, f, t = (table[row].astype(np.float32) for table in tables)
            place(m, o, f, t, last, mirrored[row], points, scaled[row], world[row], cell[row], inside[row])
        return scaled, world, cell, inside
    lay = (
        kernel_for("anystar.synth.gpu_kernels", "place", points_BZYX3.device, _trial) or world_coords_in_torch
    )
    found: tuple[Tensor, ...] = lay(*tables, last, mirrored, points_BZYX3)
    return found


def _trial(lay: Callable[..., tuple[Tensor, ...]], device: torch.device) -> str:
    """Return what a kernel does wrong that lays points into the world on ``device``, or nothing."""
    rng = np.random.default_rng(0)
    matrix = np.stack([_rotation((0.3, -0.2, 0.1)) * 1.4, _rotation((-0.4, 0.1, 0.7)) / 1.3])
    factor = np.array([[1.5, 1.0, 2.0], [1.25, 1.75, 1.0]])
    tables = (matrix, rng.uniform(-9, 9, (2, 3)), factor, rng.uniform(-9, 0, (2, 3)), 31, [True, False])
    points = put(rng.uniform(-40, 70, (2, 8, 8, 8, 3)), device)
    theirs, ours = lay(*tables, points), world_coords_in_torch(*tables, points)
    same = (theirs[2] == ours[2]) & (theirs[3] == ours[3])
    if same.float().mean() < 0.99:  # rounding may put a point on either side of a mirror
        return "it takes mirror images for others"
    far = torch.maximum(*((a - b).abs().amax(-1) for a, b in zip(theirs[:2], ours[:2], strict=True)))
    return "" if (far < 1e-3).all() else "it puts points elsewhere"


def world_coords_in_torch(
    matrix_B33: np.ndarray,
    offset_B3: np.ndarray,
    factor_B3: np.ndarray,
    shift_B3: np.ndarray,
    last: int,
    mirrored_B: Sequence[bool],
    points_BZYX3: Tensor,
) -> tuple[Tensor, ...]:
    """Do :func:`world_coords` on any device, without waiting for it."""
    device = points_BZYX3.device
    matrix, offset, factor, shift = (
        put(table, device) for table in (matrix_B33, offset_B3, factor_B3, shift_B3)
    )
    flat = torch.baddbmm(offset[:, None], points_BZYX3.flatten(1, 3), matrix.mT)
    scaled, cell_scaled = _fold(flat.view(points_BZYX3.shape), last)
    padded = torch.addcmul(shift[:, None, None, None], scaled, factor[:, None, None, None])
    world, cell_world = _fold(padded, last)
    inside = _largest((padded - last / 2).abs()) <= last / 2 + 0.5
    inside |= put(mirrored_B, device, torch.bool)[:, None, None, None]
    # Nine cells per axis have distinct numbers.
    inside &= torch.maximum(_largest(cell_scaled.abs()), _largest(cell_world.abs())) <= 1
    # Small whole numbers are exact in float32, and arithmetic on them is several times faster.
    cell_axis = cell_scaled.clamp_(-1, 1).mul_(3).add_(cell_world.clamp_(-1, 1)).add_(4)
    cell = cell_axis[..., 0] * 81 + cell_axis[..., 1] * 9 + cell_axis[..., 2]
    return scaled, world, cell.long(), inside


def bend_coords(drawn: Sequence[BendDrawn], streams: Streams, shape: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return where each final voxel lies on the image lattice, and whether it lies on it at all.

    The displacement is uniform noise in [-1, 1] smoothed by a Gaussian and scaled; shear and scale act about
    the centre, on the displaced points (MONAI's ``Rand3DElastic``, the reference's use).
    """
    device = streams.device
    sigma = put([d.sigma for d in drawn], device)
    noise = streams.uniform("bend", (3, *shape)) * 2 - 1
    magnitude = put([d.magnitude for d in drawn], device).view(-1, 1, 1)
    blur = [gaussian_matrix(sigma, n) for n in shape]
    blur[0] = blur[0] * magnitude
    displacement = separable(noise, blur)
    matrix = np.stack([_turn(d) @ _shear_scale(d) for d in drawn])
    if is_compiled(displacement):
        coords = torch.empty(len(drawn), *shape, 3)
        on_lattice = torch.empty(coords.shape[:-1], dtype=torch.bool)
        for row, one in enumerate(matrix.astype(np.float32)):
            bend(one, displacement[row], coords[row], on_lattice[row])
        return coords, on_lattice
    return bend_coords_in_torch(matrix, displacement)


def bend_coords_in_torch(matrix_B33: np.ndarray, displacement_B3ZYX: Tensor) -> tuple[Tensor, Tensor]:
    """Do :func:`bend_coords` on any device, once the displacement is drawn."""
    shape, device = displacement_B3ZYX.shape[2:], displacement_B3ZYX.device
    middle = put([(n - 1) / 2 for n in shape], device)
    points = lattice(shape, device) - middle + displacement_B3ZYX.movedim(1, -1)
    flat = points.flatten(1, 3) @ put(matrix_B33, device).mT
    beyond = flat.abs() - (middle + 0.5)
    return (flat + middle).view(points.shape), (_largest(beyond) < 0).view(points.shape[:-1])


def _largest(values: Tensor) -> Tensor:
    """Return the largest of the last axis, which has three entries."""
    return torch.maximum(torch.maximum(values[..., 0], values[..., 1]), values[..., 2])


def _fold(coords: Tensor, last: int) -> tuple[Tensor, Tensor]:
    """Mirror coordinates into [0, last]; also return how many mirrors away each axis was, as whole floats."""
    cell = torch.floor(coords * ((1 - 1e-6) / last))  # the last sample itself is not beyond the mirror
    period = torch.floor((cell + 1) / 2).mul_(-2.0 * last)
    return period.add_(coords).abs_(), cell


def _rotation(angles: Vec) -> np.ndarray:
    z, y, x = angles
    rz = np.array([[1, 0, 0], [0, np.cos(z), -np.sin(z)], [0, np.sin(z), np.cos(z)]])
    ry = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    rx = np.array([[np.cos(x), -np.sin(x), 0], [np.sin(x), np.cos(x), 0], [0, 0, 1]])
    return rz @ ry @ rx


def _shear_scale(d: BendDrawn) -> np.ndarray:
    s = d.shear
    return np.array([[1, s[0], s[1]], [s[2], 1, s[3]], [s[4], s[5], 1]]) @ np.diag(d.scale)


def _turn(d: BendDrawn) -> np.ndarray:
    """Signed permutation matrix of the quarter turns and the flip."""
    matrix = np.eye(3)
    i, j = d.plane
    quarter = np.eye(3)
    quarter[[i, j]] = quarter[[j, i]]
    quarter[i] *= -1
    for _ in range(d.turns):
        matrix = quarter @ matrix
    if d.flip_axis is not None:
        matrix[d.flip_axis] *= -1
    return matrix
