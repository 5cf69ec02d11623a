"""Where the centres of objects may lie: rotated, jittered lattices, and what is clear of other objects."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

__all__ = ["clear_of", "lattice_centres", "rotations"]

_LATTICE_POINTS = 2**20
"""Points of a lattice that are held at once."""


def lattice_centres(
    rng: np.random.Generator,
    shape: Sequence[int],
    *,
    step: float,
    jitter: tuple[float, float],
    margin: float,
    metric: np.ndarray | None = None,
) -> np.ndarray:
    """Return the points of a rotated, jittered lattice in and around an image, shape ``(N, 3)``, ZYX.

    Neighbours are ``step`` voxels apart. ``jitter`` is the range of the largest shift along an axis, as a
    share of ``step``; points are kept up to ``margin`` voxels around the image. ``metric`` ``(3, 3)`` maps
    the image onto the space in which the lattice is regular, the identity by default.
    """
    half = np.linalg.norm(np.array(shape) / 2 + margin)
    if metric is not None:
        half = half * np.linalg.norm(metric, 2)
    axis = np.arange(-half, half, step) + rng.uniform(0, step)
    shift = step * rng.uniform(*jitter)
    # The lattice is a cube whatever the shape is, so only some of its planes are held at once.
    jitters = copy.deepcopy(rng)
    rng.bit_generator.advance(3 * len(axis) ** 3)  # type: ignore[attr-defined]  # the default is PCG64
    turn, near = rotations(rng, 1)[0], []
    back = turn if metric is None else turn @ np.linalg.inv(metric).T
    for planes in np.array_split(axis, -(-(len(axis) ** 3) // _LATTICE_POINTS)):
        offset = np.stack(np.meshgrid(planes, axis, axis, indexing="ij"), -1).reshape(-1, 3)
        offset = offset + shift * jitters.uniform(-1, 1, offset.shape)
        centre = offset @ back + (np.array(shape) - 1) / 2
        near.append(centre[((centre > -margin) & (centre < np.array(shape) + margin)).all(1)])
    return np.concatenate(near)


def clear_of(points: np.ndarray, room: np.ndarray, centre: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Return which points are farther than ``room`` from all of the given spheres."""
    clear = np.ones(len(points), bool)
    if len(points) and len(centre):
        reach = float(radius.max() + room.max())
        near = cKDTree(points).sparse_distance_matrix(cKDTree(centre), reach, output_type="ndarray")
        point, sphere = near["i"], near["j"]
        clear[point[near["v"] - radius[sphere] <= room[point]]] = False
    return clear


def rotations(rng: np.random.Generator, num: int) -> np.ndarray:
    """Return uniform random rotations, shape ``(num, 3, 3)``, from unit quaternions."""
    q = rng.normal(size=(num, 4))
    w, x, y, z = (q / np.linalg.norm(q, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.array([[np.broadcast_to(v, num) for v in row] for row in rows]).transpose(2, 0, 1).copy()
