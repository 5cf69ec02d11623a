"""A star-convex polyhedron for an object that was painted by hand.

The rays start at the object's centre of mass, or where it is thickest if that lies outside. Along each ray
the object ends where it is left first, or where it is left last: whichever polyhedron overlaps it more.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy import ndimage

from anystar.box import triple
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.rays import Rays

__all__ = ["fit_polyhedron", "interpolate_planes"]

_STEP = 0.25
"""Distance between the samples of a ray, in shortest edges."""
_LEAST = 0.5
"""Shortest distance: half of a voxel belongs to its centre."""


def fit_polyhedron(
    mask: np.ndarray, rays: Rays, *, aspect: tuple[float, float, float], complete: bool = False
) -> Polyhedra:
    """Return the polyhedron of one object, as one row.

    Parameters
    ----------
    mask : numpy.ndarray
        ``(Z, Y, X)`` bool, with at least one voxel.
    rays : Rays
    aspect : 3 floats
        Edges of a voxel in units of the shortest.
    complete : bool
        Whether the mask may be a sketch: planes that were left out are interpolated, and an object on a
        single plane becomes as thick as it is wide.

    Returns
    -------
    Polyhedra
        Centre in voxels of ``mask``, distances in shortest edges.

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> ball = np.linalg.norm(np.indices((21, 21, 21)) - 10, axis=0) <= 8
    >>> fitted = fit_polyhedron(ball, golden_spiral(96), aspect=(1, 1, 1))
    >>> fitted.points[0].tolist(), bool(abs(fitted.distances.mean() - 8) < 0.3)
    ([10.0, 10.0, 10.0], True)
    """
    if complete:
        mask = interpolate_planes(mask, aspect)
    flat = [axis for axis in range(3) if np.flatnonzero(_profile(mask, axis)).size == 1]
    centre = _centre(mask, aspect)
    if complete and len(flat) == 1:
        distances = _thickened(mask, centre, rays, np.array(aspect), flat[0])
        return Polyhedra(centre[None], distances[None], rays)
    first, last = _ends(mask, centre, rays.vertices.astype(np.float64), np.array(aspect))
    fitted = [Polyhedra(centre[None], one[None], rays) for one in (first, last)]
    if np.array_equal(first, last):
        return fitted[0]
    drawn = [rasterise(one, triple(mask.shape), spacing=aspect) > 0 for one in fitted]
    overlaps = [np.count_nonzero(d & mask) / np.count_nonzero(d | mask) for d in drawn]
    return fitted[int(np.argmax(overlaps))]


def interpolate_planes(mask: np.ndarray, aspect: tuple[float, float, float]) -> np.ndarray:
    """Return the mask with empty planes between occupied ones filled, along each axis.

    A plane in between is the mean of the signed distances to the outlines on both sides (Raya and Udupa,
    Shape-based interpolation of multidimensional objects, 1990).
    """
    for axis in range(3):
        planes = np.flatnonzero(_profile(mask, axis))
        gaps = [(int(a), int(b)) for a, b in pairwise(planes) if b - a > 1]
        if not gaps:
            continue
        moved = np.moveaxis(mask.copy(), axis, 0)
        sampling = [edge for i, edge in enumerate(aspect) if i != axis]
        for a, b in gaps:
            below, above = (_signed_distance(moved[k], sampling) for k in (a, b))
            for k in range(a + 1, b):
                share = (k - a) / (b - a)
                moved[k] = (1 - share) * below + share * above > 0
        mask = np.moveaxis(moved, 0, axis)
    return mask


def _profile(mask: np.ndarray, axis: int) -> np.ndarray:
    return np.any(mask, axis=tuple(i for i in range(3) if i != axis))


def _signed_distance(plane: np.ndarray, sampling: list[float]) -> np.ndarray:
    padded = np.pad(plane, 1)  # outside of the box there is no object
    inner = ndimage.distance_transform_edt(padded, sampling=sampling)
    outer = ndimage.distance_transform_edt(~padded, sampling=sampling)
    return (inner - outer)[1:-1, 1:-1]


def _centre(mask: np.ndarray, aspect: tuple[float, float, float]) -> np.ndarray:
    """Return the centre of mass if it lies in the object, else the voxel where the object is thickest."""
    centre = np.argwhere(mask).mean(axis=0)
    if mask[tuple(np.round(centre).astype(int))]:
        return centre
    depth = ndimage.distance_transform_edt(np.pad(mask, 1), sampling=aspect)[1:-1, 1:-1, 1:-1]
    return np.array(np.unravel_index(int(depth.argmax()), mask.shape), np.float64)


def _ends(
    mask: np.ndarray, centre: np.ndarray, directions: np.ndarray, aspect: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return where rays leave the object first and last, in shortest edges, shape ``(R,)`` each."""
    longest = float(np.linalg.norm(np.array(mask.shape) * aspect))
    along = np.arange(0, longest + 2 * _STEP, _STEP)
    at = np.floor(centre + along[:, None, None] * directions / aspect + 0.5).astype(np.int64)  # (T, R, 3)
    within = ((at >= 0) & (at < np.array(mask.shape))).all(axis=-1)
    z, y, x = np.where(within[..., None], at, 0).transpose(2, 0, 1)
    hit = mask[z, y, x] & within
    hit[-1] = False
    outside = np.argmin(hit, axis=0)  # the first sample that is not in the object
    last = len(along) - 1 - np.argmax(hit[::-1], axis=0)
    last = np.where(hit.any(axis=0), last + 1, 0)
    first_t, last_t = (np.maximum(along[k] - _STEP / 2, _LEAST) for k in (outside, last))
    return first_t.astype(np.float32), last_t.astype(np.float32)


def _thickened(mask: np.ndarray, centre: np.ndarray, rays: Rays, aspect: np.ndarray, axis: int) -> np.ndarray:
    """Return the distances of a body that has the outline of one plane and is as thick as it is wide."""
    directions = rays.vertices.astype(np.float64)
    across = np.abs(directions[:, axis])
    within = directions.copy()
    within[:, axis] = 0
    length = np.linalg.norm(within, axis=1)
    within = np.where(length[:, None] > 1e-6, within / length.clip(1e-6)[:, None], 0)
    area = mask.sum() * np.delete(aspect, axis).prod()
    radius = np.sqrt(area / np.pi)
    _, outline = _ends(mask, centre, within, aspect)
    outline = np.where(length > 1e-6, outline, radius)
    return (1 / np.sqrt((length / outline) ** 2 + (across / radius) ** 2)).astype(np.float32)
