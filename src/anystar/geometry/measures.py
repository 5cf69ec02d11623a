"""Volume and surface of star-convex polyhedra, straight from the distances: no voxels involved."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anystar.geometry.body.numba import solid_angles
from anystar.geometry.mesh import template
from anystar.geometry.polyhedra import Polyhedra

__all__ = ["Measures", "measure"]

# Each face in sixteen: within 0.1% for smooth bodies over 32 rays or more.
_SUBDIVISIONS = 2
_CHUNK = 32


class Measures(NamedTuple):
    """Measures of N polyhedra, float64, in the unit of the distances."""

    volume: np.ndarray  # (N,)
    surface: np.ndarray  # (N,)


def measure(polyhedra: Polyhedra) -> Measures:
    """Return the volume and the surface of every polyhedron.

    The volume is a sum over cones around fixed directions, sixteen per face of the rays. The surface is that
    of the mesh with sixteen triangles per face.

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> ball = measure(Polyhedra(np.zeros((1, 3)), np.full((1, 96), 3.0), golden_spiral(96)))
    >>> ball.volume.round(1), ball.surface.round(1)
    (array([113.1]), array([112.9]))
    """
    shared = template(polyhedra.rays, _SUBDIVISIONS)
    corners_FKC = shared.directions[shared.faces]
    cone_F, sides_SSF = solid_angles(corners_FKC), _sides(corners_FKC)
    mixture_FR = shared.mixture[shared.faces].mean(axis=1)
    volume, surface = np.zeros((2, len(polyhedra)))
    for start in range(0, len(polyhedra), _CHUNK):
        part = slice(start, start + _CHUNK)
        own = polyhedra.distances[part].astype(np.float64)
        volume[part] = ((own @ mixture_FR.T) ** 3 @ cone_F) / 3
        a, b, c = (own @ shared.mixture.T)[:, shared.faces.T].transpose(1, 0, 2)
        x, y, z = b * c, c * a, a * b
        (xx, xy, xz), (_, yy, yz), (_, _, zz) = sides_SSF
        square = x * (xx * x + 2 * xy * y + 2 * xz * z) + y * (yy * y + 2 * yz * z) + zz * z * z
        surface[part] = np.sqrt(square.clip(0)).sum(axis=1) / 2
    return Measures(volume, surface)


def _sides(corners_FKC: np.ndarray) -> np.ndarray:
    """Return products of the sides of triangles, ``(3, 3, F)``, from which their area follows.

    With corners ``a A``, ``b B`` and ``c C`` along unit vectors, twice the area is the length of
    ``bc BxC + ca CxA + ab AxB``.
    """
    a, b, c = corners_FKC.transpose(1, 0, 2)
    sides_SFC = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)])
    return np.einsum("sfc,tfc->stf", sides_SFC, sides_SFC)
