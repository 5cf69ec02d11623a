"""Size, place and form of star-convex bodies, straight from the distances: no voxels involved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anystar.arrays import check_spacing
from anystar.geometry.body.numba import check_bodies
from anystar.geometry.mesh import template
from anystar.geometry.rays import Rays

__all__ = ["Measures", "measure"]

# Each face in sixteen: within 0.1% for smooth bodies over 32 rays or more.
_SUBDIVISIONS = 2
_CHUNK = 256


@dataclass(frozen=True, eq=False, kw_only=True)
class Measures:
    """Measures of N bodies, in micrometres if a spacing was given, else in voxels.

    Parameters
    ----------
    volume, surface : numpy.ndarray
        ``(N,)`` float64.
    centroid : numpy.ndarray
        ``(N, 3)`` float64, ZYX; the origin is the centre of voxel 0.
    box : numpy.ndarray
        ``(N, 2, 3)`` float64: lowest and highest coordinate.
    semi_axes : numpy.ndarray
        ``(N, 3)`` float64, longest first: of the solid ellipsoid with the same second moments.
    axes : numpy.ndarray
        ``(N, 3, 3)`` float64: row k is the unit vector (ZYX, sign arbitrary) of ``semi_axes`` k.
    """

    volume: np.ndarray
    surface: np.ndarray
    centroid: np.ndarray
    box: np.ndarray
    semi_axes: np.ndarray
    axes: np.ndarray


def measure(
    points: np.ndarray,
    distances: np.ndarray,
    rays: Rays,
    *,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> Measures:
    """Measure every body.

    Volume, centroid and moments are sums over cones around fixed directions, sixteen per face of the rays;
    surface and box are those of the mesh with as many triangles.

    Parameters
    ----------
    points : numpy.ndarray
        Centres, shape ``(N, 3)``, voxels (ZYX).
    distances : numpy.ndarray
        Star distances, shape ``(N, R)``, voxels.
    rays : Rays
        ``R`` directions.
    spacing : tuple of 3 floats
        Micrometres per voxel (ZYX).

    Returns
    -------
    Measures

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> ball = measure(np.zeros((1, 3)), np.full((1, 96), 3.0), golden_spiral(96), spacing=(2, 1, 1))
    >>> ball.volume.round(1), ball.semi_axes.round(2)
    (array([226.2]), array([[6., 3., 3.]]))
    """
    points, distances = check_bodies(points, distances, rays)
    scale = np.array(check_spacing(spacing))
    parts = [
        _measure(points[i : i + _CHUNK], distances[i : i + _CHUNK].astype(np.float64), rays, scale)
        for i in range(0, max(len(points), 1), _CHUNK)
    ]
    volume, surface, centroid, box, semi_axes, axes = (np.concatenate(p) for p in zip(*parts, strict=True))
    return Measures(
        volume=volume, surface=surface, centroid=centroid, box=box, semi_axes=semi_axes, axes=axes
    )


def _measure(
    points: np.ndarray, distances: np.ndarray, rays: Rays, scale: np.ndarray
) -> tuple[np.ndarray, ...]:
    shared = template(rays, _SUBDIVISIONS)
    corners_FKC = shared.directions[shared.faces]
    cone_F, middle_FC = _cones(corners_FKC)
    mixture_FR = shared.mixture[shared.faces].mean(axis=1)
    radius_NF = distances @ mixture_FR.T
    volume = (radius_NF**3 @ cone_F) / 3
    safe = np.where(volume > 0, volume, 1)
    shift = (radius_NF**4 @ (cone_F[:, None] * middle_FC)) / 4 / safe[:, None]
    products_FCC = middle_FC[:, :, None] * middle_FC[:, None, :]
    moments = np.tensordot(radius_NF**5, cone_F[:, None, None] * products_FCC, axes=1) / 5
    covariance = moments / safe[:, None, None] - shift[:, :, None] * shift[:, None, :]
    variance, vectors = np.linalg.eigh(covariance * scale[:, None] * scale)
    semi_axes = np.sqrt(5 * np.maximum(variance[:, ::-1], 0))
    vertices_NVC = (distances @ shared.mixture.T)[:, :, None] * (shared.directions * scale)
    box = points[:, None] * scale + np.stack([vertices_NVC.min(axis=1), vertices_NVC.max(axis=1)], axis=1)
    a, b, c = (vertices_NVC[:, shared.faces[:, k]] for k in range(3))
    surface = np.linalg.norm(np.cross(b - a, c - a), axis=2).sum(axis=1) / 2
    return (
        volume * scale.prod(),
        surface,
        (points + shift) * scale,
        box,
        semi_axes,
        vectors.transpose(0, 2, 1)[:, ::-1],
    )


def _cones(corners_FKC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the solid angle of spherical triangles and the direction in their middle."""
    a, b, c = corners_FKC.transpose(1, 0, 2)
    dots = 1 + (a * b).sum(1) + (b * c).sum(1) + (c * a).sum(1)
    middle = corners_FKC.sum(axis=1)
    return 2 * np.arctan2(np.linalg.det(corners_FKC), dots), middle / np.linalg.norm(
        middle, axis=1, keepdims=True
    )
