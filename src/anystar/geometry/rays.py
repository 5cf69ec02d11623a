"""Directions from a centre, and the triangulation that makes them a polyhedron."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from anystar.box import triple

__all__ = ["Rays", "golden_spiral"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Rays:
    """Unit directions and their triangulation; immutable, comparable, hashable.

    Parameters
    ----------
    vertices : numpy.ndarray
        Unit vectors, shape ``(R, 3)``, float32, ZYX.
    faces : numpy.ndarray
        Indices into ``vertices``, shape ``(F, 3)``, int32. Every face is oriented alike: the determinant of
        its three vertices (in ZYX order) is positive, so ``(v1 - v0) x (v2 - v0)``, taken in ZYX, points
        outwards. The faces tile the sphere.
    anisotropy : tuple of 3 floats
        Relative lengths of a voxel along Z, Y, X for which the directions are evenly spread.
    """

    vertices: np.ndarray
    faces: np.ndarray
    anisotropy: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        vertices = np.array(self.vertices, dtype=np.float32, order="C")
        faces = np.array(self.faces, dtype=np.int32, order="C")
        if vertices.ndim != 2 or vertices.shape[1] != 3 or len(vertices) < 4:
            raise ValueError(f"vertices must have shape (R, 3) with R >= 4, got {vertices.shape}")
        if not np.allclose(np.linalg.norm(vertices, axis=1), 1, atol=1e-4):
            raise ValueError("vertices must be unit vectors, got other lengths")
        if faces.ndim != 2 or faces.shape[1] != 3 or faces.shape[0] != 2 * len(vertices) - 4:
            raise ValueError(f"faces must have shape (2 R - 4, 3), a closed surface, got {faces.shape}")
        if faces.min() < 0 or faces.max() >= len(vertices):
            raise ValueError(f"faces must index vertices, 0 to {len(vertices) - 1}, got {faces.max()}")
        if not (np.linalg.det(vertices[faces].astype(np.float64)) > 0).all():
            raise ValueError("faces must all be oriented outwards (positive determinant), got others")
        vertices.flags.writeable = faces.flags.writeable = False
        object.__setattr__(self, "vertices", vertices)
        object.__setattr__(self, "faces", faces)
        object.__setattr__(self, "anisotropy", _check_anisotropy(self.anisotropy))

    def __len__(self) -> int:
        return len(self.vertices)

    def __repr__(self) -> str:
        return f"Rays(num_rays={len(self)}, num_faces={len(self.faces)}, anisotropy={self.anisotropy})"

    @cached_property
    def _key(self) -> tuple[bytes, bytes, tuple[float, float, float]]:
        return self.vertices.tobytes(), self.faces.tobytes(), self.anisotropy

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, Rays) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and numbers, for JSON or a checkpoint's header; float32 values are kept exactly.

        Examples
        --------
        >>> rays = golden_spiral(32)
        >>> Rays.from_dict(rays.to_dict()) == rays
        True
        """
        return {
            "vertices": self.vertices.tolist(),
            "faces": self.faces.tolist(),
            "anisotropy": list(self.anisotropy),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Rays:
        """Return the rays that :meth:`to_dict` described."""
        unknown = set(values) ^ {"vertices", "faces", "anisotropy"}
        if unknown:
            raise ValueError(f"rays must have the keys vertices, faces, anisotropy; wrong: {sorted(unknown)}")
        return cls(**dict(values))


@lru_cache(maxsize=16)
def golden_spiral(num_rays: int = 96, anisotropy: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Rays:
    """Spread directions evenly over the sphere along a golden spiral.

    The same directions as StarDist's ``Rays_GoldenSpiral``: heights evenly spaced from -1 to 1 (both poles
    included), azimuth ``i (3 - sqrt 5) pi``, divided by the anisotropy, triangulated by their convex hull,
    and scaled to length 1.

    Parameters
    ----------
    num_rays : int
        Number of directions, at least 5.
    anisotropy : tuple of 3 floats
        How much longer a voxel is along Z, Y, X. The directions are denser towards the finely sampled axes,
        so that they are even in micrometres.

    Returns
    -------
    Rays

    References
    ----------
    Weigert et al., Star-convex polyhedra for 3D object detection and segmentation in microscopy, WACV 2020.

    Examples
    --------
    >>> golden_spiral(96)
    Rays(num_rays=96, num_faces=188, anisotropy=(1.0, 1.0, 1.0))
    """
    if num_rays < 5:  # four of them do not surround the centre
        raise ValueError(f"num_rays must be at least 5, got {num_rays}")
    anisotropy = _check_anisotropy(anisotropy)
    # SciPy's hull costs a tenth of a second to import, and most users of Rays only read them from a file.
    from scipy.spatial import ConvexHull

    azimuth = (3.0 - np.sqrt(5.0)) * np.pi * np.arange(num_rays)
    height = np.linspace(-1.0, 1.0, num_rays)
    radius = np.sqrt(1.0 - height**2)
    points = np.stack([height, radius * np.sin(azimuth), radius * np.cos(azimuth)], axis=1) / anisotropy
    faces = ConvexHull(points).simplices
    flipped = np.linalg.det(points[faces]) < 0
    faces[flipped] = faces[flipped][:, ::-1]
    vertices = points / np.linalg.norm(points, axis=1, keepdims=True)
    return Rays(vertices=vertices, faces=faces, anisotropy=anisotropy)


def _check_anisotropy(anisotropy: tuple[float, ...]) -> tuple[float, float, float]:
    values = tuple(float(a) for a in anisotropy)
    if len(values) != 3 or not all(np.isfinite(a) and a > 0 for a in values):
        raise ValueError(f"anisotropy must be three positive finite numbers (Z Y X), got {anisotropy}")
    return triple(values)
