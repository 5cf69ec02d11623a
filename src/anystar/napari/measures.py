"""A drawn circle to a diameter, and objects to the vertices of a surface: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from anystar.arrays import VoxelSize

if TYPE_CHECKING:
    from anystar.geometry.rays import Rays
    from anystar.objects.objects import Objects

__all__ = ["drawn_diameter", "surfaces"]


def drawn_diameter(corners: np.ndarray, axes: Sequence[int], size: VoxelSize | None) -> float:
    """Return the diameter of the circle with the area of a drawn ellipse.

    Parameters
    ----------
    corners : numpy.ndarray
        ``(4, ndim)``: the corners of its bounding rectangle, in voxels of the image layer.
    axes : three ints
        The layer's axes that are Z, Y, X.
    size : VoxelSize or None
        Of the image.

    Returns
    -------
    float
        In the unit that a segmentation takes: micrometres, shortest edges, or voxels along Y and X.

    Examples
    --------
    >>> square = np.array([[3, 0, 0], [3, 0, 20], [3, 20, 20], [3, 20, 0]])
    >>> drawn_diameter(square, (0, 1, 2), VoxelSize((2, 0.5, 0.5))), drawn_diameter(square, (0, 1, 2), None)
    (10.0, 20.0)
    """
    edges = (1.0, 1.0, 1.0) if size is None else size.lengths.spacing
    points = np.asarray(corners, float)[:, list(axes)] * np.array(edges)
    sides = np.linalg.norm(np.diff(points[:3], axis=0), axis=1)
    return float(np.sqrt(sides.prod()))


def surfaces(
    objects: Objects, rays: Rays, aspect: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the surfaces of objects as one mesh.

    Parameters
    ----------
    objects : Objects
        Lengths of their rays in shortest edges of a voxel.
    rays : Rays
        Directions of the rays.
    aspect : three floats
        Edges of a voxel in units of the shortest.

    Returns
    -------
    vertices : numpy.ndarray
        ``(V, 3)`` ZYX, in voxels of the image.
    faces : numpy.ndarray
        ``(F, 3)`` indices of vertices.
    labels : numpy.ndarray
        ``(V,)``: the object that each vertex is of.
    """
    from anystar.geometry.mesh import body_meshes
    from anystar.geometry.polyhedra import Polyhedra

    centre = objects.centre_vox * np.array(aspect)
    meshes = body_meshes(Polyhedra(centre, objects.distances, rays))
    first = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    vertices = np.concatenate([np.zeros((0, 3)), *(mesh.vertices for mesh in meshes)]) / np.array(aspect)
    faces = np.concatenate(
        [np.zeros((0, 3), int), *(m.faces + start for m, start in zip(meshes, first, strict=False))]
    )
    return vertices, faces, np.repeat(objects.label, np.diff(first))
