"""A region of one value at the border of a volume that holds no data: beside a rotated volume, around a mask.

Such a region and a natural background of one value (dark, clipped) look alike voxel by voxel. What lies
between distinguishes them. Data end at a margin abruptly, hardly have its value, and are nearly convex.
Objects on a constant background fade, or leave it between them.
"""

from __future__ import annotations

import base64
import itertools
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from anystar.box import triple
from anystar.preprocess.subsample import Subsample

__all__ = ["ConstantRegion", "Face", "find_region"]

Face = tuple[int, bool]
"""An axis, and whether it is the face at its end."""
_IN_HULL, _SOLID = 0.3, 0.8
"""Largest share of a margin within the convex hull of the data, and least share of that hull that is data."""
_COMMON = 0.15
"""Largest share of the margin's value among the data near it."""
_FADING, _SOFT = 0.6, 0.8
"""Data fade if, 2 nodes from the margin, they differ from its value by less than the first share of what they
do 6 nodes from it. If they do so 1 node from it, by the second, interpolation has mixed them with it."""
_LEAST = 0.1
"""Least share of data in the box around them."""
_HULL_POINTS = 20_000
"""Nodes of the margin that are looked up in the convex hull."""


@dataclass(frozen=True, kw_only=True)
class ConstantRegion:
    """Where a volume has no data, and the data at the edge with which it is filled."""

    value: float | None
    """The constant, ``None`` if it is NaN or infinite."""
    indices: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    """Planes, rows and columns (Z, Y, X) at whose crossings, the nodes, the region is known."""
    mask: str
    """Nodes without data: bits, compressed, in base 64."""
    dtype: str
    """NumPy dtype of the volume."""
    edge: str
    """Intensities of the nodes with data next to the others: compressed, in base 64."""

    @classmethod
    def of(cls, value: float | None, mask: np.ndarray, subsample: Subsample) -> ConstantRegion:
        """Return the region of a mask over the nodes of a subsample."""
        edge = subsample.voxels[_edge(mask)]
        finite = np.isfinite(edge)
        if not finite.all():
            edge = np.where(finite, edge, np.median(edge[finite]).astype(edge.dtype))
        return cls(
            value=value,
            indices=triple(tuple(along.tolist()) for along in subsample.indices),
            mask=_pack(np.packbits(mask)),
            dtype=edge.dtype.str,
            edge=_pack(edge),
        )

    @cached_property
    def nodes(self) -> np.ndarray:
        """Return whether each node lies in the region, bool."""
        shape = tuple(map(len, self.indices))
        bits = np.unpackbits(np.frombuffer(_unpack(self.mask), np.uint8), count=int(np.prod(shape)))
        return bits.astype(bool).reshape(shape)

    @cached_property
    def filled(self) -> np.ndarray:
        """Return the intensity of the nearest data for every node of the region, of the volume's dtype."""
        edge = _edge(self.nodes)
        values = np.zeros(edge.shape, self.dtype)
        values[edge] = np.frombuffer(_unpack(self.edge), self.dtype)
        nearest = ndimage.distance_transform_edt(~edge, return_distances=False, return_indices=True)
        return values[tuple(nearest)]

    @property
    def share(self) -> float:
        """Return the share of the volume that it fills."""
        return float(self.nodes.mean())

    def fill(self, part: np.ndarray, places: Sequence[np.ndarray]) -> np.ndarray:
        """Return part of the volume, at these indices along Z, Y, X, with the region filled."""
        share = self._at(self.nodes, places)
        missing = (share >= 1) | ((share > 0) & is_value(part, self.value))
        if not missing.any():
            return part
        part = part.copy()
        values = self._at(self.filled, places)[missing]
        part[missing] = np.rint(values) if part.dtype.kind in "iu" and values.dtype.kind == "f" else values
        return part

    def covers(self, places: Sequence[np.ndarray]) -> np.ndarray:
        """Return which voxels lie in the region, where planes, rows and columns of these indices meet."""
        return self._at(self.nodes, places) >= 0.5

    def covers_points(self, points: np.ndarray) -> np.ndarray:
        """Return which points ``(N, 3)``, in voxels, lie in the region."""
        ends = [self._between(axis, points[:, axis]) for axis in range(3)]
        total = np.zeros(len(points))
        for corner in itertools.product((0, 1), repeat=3):
            weights = [share if end else 1 - share for (_, _, share), end in zip(ends, corner, strict=True)]
            node = tuple(both[end] for both, end in zip(ends, corner, strict=True))
            total += np.prod(weights, axis=0) * self.nodes[node]
        return total >= 0.5

    def _at(self, grid: np.ndarray, places: Sequence[np.ndarray]) -> np.ndarray:
        """Interpolate between nodes, voxel by voxel, so that a part equals the same part of the whole."""
        for axis, index in enumerate(places):
            below, above, share = self._between(axis, index)
            low = grid.take(below, axis)
            if share.any():
                weights = share.reshape([-1 if k == axis else 1 for k in range(3)])
                grid = (1 - weights) * low + weights * grid.take(above, axis)
            else:
                grid = low
        return grid

    def _between(self, axis: int, index: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the nodes below and above coordinates along an axis, and the weights of those above."""
        nodes = np.array(self.indices[axis])
        above = np.searchsorted(nodes, index).clip(0, len(nodes) - 1)
        below = np.where(nodes[above] > index, above - 1, above).clip(0)
        apart = np.maximum(nodes[above] - nodes[below], 1)
        return below, above, ((index - nodes[below]) / apart).clip(0, 1) * (above > below)


def find_region(subsample: Subsample, cropped: Collection[Face] = ()) -> ConstantRegion | None:
    """Return the region of one value at the border that holds no data, ``None`` if there is none.

    The value is that of most corners of the volume. Pieces that noise could make do not count. At the faces
    ``cropped``, constant planes were cropped.
    """
    voxels = subsample.voxels
    values = _corner_values(voxels)
    if not values:
        return None
    value = max(values, key=values.count)
    constant = is_value(voxels, value)
    pieces, _ = ndimage.label(_all_around(constant))
    thick = np.isin(pieces, _at_border(pieces))
    mask = ~_all_around(~thick) & constant
    if not mask.any() or mask.mean() > 1 - _LEAST:
        return None
    depth = _depth(mask, cropped)
    near = (depth >= 2) & (depth <= 4)
    layers = {k: depth == k for k in (1, 2, 3, 6)}
    if not near.any() or not all(layer.any() for layer in layers.values()):
        return None
    contrast = _contrast(voxels, value, layers)
    data = voxels[~constant & np.isfinite(voxels)]
    if (
        constant[near].mean() > _COMMON
        or contrast[2] < _FADING * contrast[6]
        or data.min() == data.max()
        or not _beside_convex(mask)
    ):
        return None
    pieces, _ = ndimage.label(constant)  # thin ends too
    mask = np.isin(pieces, np.unique(pieces[thick]))
    if contrast[1] < _SOFT * contrast[3]:
        mask |= _depth(mask, cropped) == 1
    return ConstantRegion.of(value if value is None else float(value), mask, subsample)


def _all_around(mask: np.ndarray) -> np.ndarray:
    """Return where a mask is set in a whole cube of 3 x 3 x 3 nodes, as far as it is in the volume.

    A margin holds at least one such cube: noise makes none of one value. Axis after axis, which is much
    faster than SciPy's erosion.
    """
    for axis in range(3):
        before, after = (
            tuple(part if k == axis else slice(None) for k in range(3))
            for part in (slice(None, -1), slice(1, None))
        )
        around = mask.copy()
        around[after] &= mask[before]
        around[before] &= mask[after]
        mask = around
    return mask


def _contrast(voxels: np.ndarray, value: float | None, layers: dict[int, np.ndarray]) -> dict[int, float]:
    """Return the mean difference of each layer from the constant; 1 if that is no number."""
    if value is None:
        return dict.fromkeys(layers, 1.0)
    difference = np.abs(voxels.astype(np.float64) - value)
    difference[~np.isfinite(difference)] = 0
    return {k: float(difference[layer].mean()) for k, layer in layers.items()}


def _depth(mask: np.ndarray, cropped: Collection[Face]) -> np.ndarray:
    """Return the distance of each node from the mask and from beyond cropped faces; diagonals count 1."""
    ends = [(int((axis, False) in cropped), int((axis, True) in cropped)) for axis in range(3)]
    inner = tuple(slice(a, n + a) for (a, _), n in zip(ends, mask.shape, strict=True))
    outside = np.pad(mask, ends, constant_values=True)
    return np.asarray(ndimage.distance_transform_cdt(~outside, "chessboard")[inner])


def _at_border(pieces: np.ndarray) -> np.ndarray:
    """Return the numbers of the pieces that touch a face of the volume."""
    faces = [pieces.take(end, axis).ravel() for axis in range(3) for end in (0, -1)]
    numbers = np.unique(np.concatenate(faces))
    return numbers[numbers > 0]


def is_value(part: np.ndarray, value: float | None) -> np.ndarray:
    """Return which voxels have a value; ``None`` stands for NaN and infinite ones."""
    return ~np.isfinite(part) if value is None else np.asarray(part == value)


def as_value(voxel: np.ndarray) -> float | None:
    """Return the only voxel of an array, ``None`` if it is NaN or infinite."""
    return voxel.item() if np.isfinite(voxel).all() else None


def _corner_values(voxels: np.ndarray) -> list[float | None]:
    """Return the values of those corners that have one, each all over 2 x 2 x 2 nodes."""
    corners = [
        voxels[tuple(slice(-2, None) if last else slice(0, 2) for last in ends)]
        for ends in itertools.product((False, True), repeat=3)
    ]
    firsts = [as_value(corner[:1, :1, :1]) for corner in corners]
    return [value for value, corner in zip(firsts, corners, strict=True) if is_value(corner, value).all()]


def _beside_convex(mask: np.ndarray) -> bool:
    """Return whether the rest of a volume is nearly convex, and the masked part lies beside it."""
    rest = ~mask
    surface = np.argwhere(rest & ~ndimage.binary_erosion(rest))
    try:
        hull = ConvexHull(surface)
    except QhullError:  # flat
        return False
    masked = np.argwhere(mask)
    masked = masked[:: -(-len(masked) // _HULL_POINTS)]
    inside = np.ones(len(masked), bool)
    for *normal, offset in hull.equations:
        inside &= masked @ normal + offset <= 0
    return bool(inside.mean() <= _IN_HULL and rest.sum() >= _SOLID * hull.volume)


def _edge(mask: np.ndarray) -> np.ndarray:
    """Return the nodes with data next to nodes without."""
    return np.asarray(ndimage.binary_dilation(mask) & ~mask)


def _pack(values: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(values.tobytes(), 6)).decode()


def _unpack(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))
