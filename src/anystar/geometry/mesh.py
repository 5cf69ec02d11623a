"""Star-convex bodies to triangle meshes, and meshes to the bytes of OBJ, STL and PLY files.

Meshes are in micrometres and ZYX; files are written XYZ. Reversing the axes mirrors space, so the writers
reverse every face: normals point outwards in the arrays (read as ZYX) and in the files (read as XYZ).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from anystar.arrays import check_spacing
from anystar.errors import InputError
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rays import Rays

__all__ = [
    "Mesh",
    "Template",
    "body_meshes",
    "obj_bytes",
    "ply_bytes",
    "ply_faces",
    "ply_header",
    "ply_vertices",
    "stl_bytes",
    "stl_header",
    "stl_triangles",
    "template",
]

_MOST_PLY, _MOST_TRIANGLES = 2**31 - 1, 2**32 - 1
"""Largest counts that the formats can store."""
_REMEDY = "write a folder of files instead"


class Mesh(NamedTuple):
    """A closed surface of triangles."""

    vertices: np.ndarray  # (V, 3) float32, micrometres, ZYX
    faces: np.ndarray  # (F, 3) int32; (v1 - v0) x (v2 - v0), taken in ZYX, points outwards


class Template(NamedTuple):
    """The triangulation that all bodies over the same rays share."""

    directions: np.ndarray  # (V, 3) float64 unit vectors, ZYX
    mixture: np.ndarray  # (V, R) float64: distances times this are the radii in the directions
    faces: np.ndarray  # (F, 3) int32


@lru_cache(maxsize=16)
def template(rays: Rays, subdivisions: int) -> Template:
    """Return the triangulation of the rays with every triangle cut in four ``subdivisions`` times.

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> template(golden_spiral(96), 1).faces.shape
    (752, 3)
    """
    if subdivisions < 0:
        raise InputError(f"subdivisions must be at least 0, got {subdivisions}")
    mixture = np.eye(len(rays))
    faces = rays.faces.astype(np.int64)
    for _ in range(subdivisions):
        edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        edges, middle = np.unique(edges, axis=0, return_inverse=True)
        middle = middle.reshape(-1, 3) + len(mixture)
        mixture = np.concatenate([mixture, mixture[edges].mean(axis=1)])
        (a, b, c), (ab, bc, ca) = faces.T, middle.T
        corners = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
        faces = np.concatenate([np.stack(corner, axis=1) for corner in corners])
    points = mixture @ rays.vertices.astype(np.float64)
    directions = points / np.linalg.norm(points, axis=1, keepdims=True)
    return Template(directions, mixture, faces.astype(np.int32))


def body_meshes(
    polyhedra: Polyhedra,
    *,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    subdivisions: int = 1,
) -> list[Mesh]:
    """Return the surface of every polyhedron.

    Parameters
    ----------
    polyhedra : Polyhedra
        Centres and distances in voxels.
    spacing : tuple of 3 floats
        Micrometres per voxel (ZYX).
    subdivisions : int
        0 joins the ends of the rays by flat triangles, which lose 6% of a ball's volume for 96 rays. Each
        subdivision makes four triangles of one and leaves a quarter of the loss.

    Returns
    -------
    list of Mesh

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> ball = Polyhedra(np.zeros((1, 3)), np.full((1, 96), 2.0), golden_spiral(96))
    >>> mesh, = body_meshes(ball, spacing=(2, 1, 1))
    >>> mesh.vertices.max(axis=0).round(1)
    array([4., 2., 2.], dtype=float32)
    """
    scale = np.array(check_spacing(spacing))
    shared = template(polyhedra.rays, subdivisions)
    meshes = []
    for point, own in zip(polyhedra.points.astype(np.float64), polyhedra.distances, strict=True):
        vertices = point + (shared.mixture @ own)[:, None] * shared.directions
        meshes.append(Mesh((vertices * scale).astype(np.float32), shared.faces))
    return meshes


def obj_bytes(meshes: Sequence[Mesh], *, labels: Sequence[int] | None = None, first: int = 1) -> bytes:
    """Return a Wavefront OBJ file with one object per mesh, named ``object_<label>`` (1, 2, ... by default).

    A file can be written in parts: ``first`` is the number of a part's first vertex.

    Examples
    --------
    >>> corner = Mesh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32))
    >>> print(obj_bytes([corner]).decode())
    o object_1
    v 0 0 1
    v 0 1 0
    v 1 0 0
    f 3 2 1
    <BLANKLINE>
    """
    lines = []
    for name, mesh in zip(_names(meshes, labels), meshes, strict=True):
        lines.append(f"o object_{name}")
        lines.extend(f"v {x:.7g} {y:.7g} {z:.7g}" for z, y, x in mesh.vertices.tolist())
        lines.extend(f"f {c} {b} {a}" for a, b, c in (mesh.faces.astype(np.int64) + first).tolist())
        first += len(mesh.vertices)
    return "".join(f"{line}\n" for line in lines).encode()


def stl_bytes(meshes: Sequence[Mesh]) -> bytes:
    """Return a binary STL file of all meshes (the format has no objects)."""
    return stl_header(sum(len(mesh.faces) for mesh in meshes)) + stl_triangles(meshes)


def stl_header(num_faces: int) -> bytes:
    """Return the header of a binary STL file; :func:`stl_triangles` follow, in any number of parts."""
    if num_faces > _MOST_TRIANGLES:
        raise InputError(
            f"an STL file holds at most {_MOST_TRIANGLES:,} triangles, got {num_faces:,}; {_REMEDY}"
        )
    return b"AnyStar, micrometres".ljust(80) + np.uint32(num_faces).astype("<u4").tobytes()


def stl_triangles(meshes: Sequence[Mesh]) -> bytes:
    """Return the triangles of some meshes in the layout of a binary STL file."""
    corners = [mesh.vertices[mesh.faces[:, ::-1]][:, :, ::-1] for mesh in meshes]
    triangles = np.concatenate([np.zeros((0, 3, 3), np.float32), *corners])
    layout = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    data = np.zeros(len(triangles), layout)
    normal = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    data["normal"] = np.divide(normal, length, out=np.zeros_like(normal), where=length > 0)
    data["corners"] = triangles
    return data.tobytes()


def ply_bytes(meshes: Sequence[Mesh], *, labels: Sequence[int] | None = None) -> bytes:
    """Return a binary PLY file; every face has the label of its object (1, 2, ... by default)."""
    first = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes]).tolist()
    faces = [mesh.faces for mesh in meshes]
    header = ply_header(first[-1], sum(map(len, faces)))
    return header + ply_vertices(meshes) + ply_faces(faces, first[:-1], _names(meshes, labels))


def ply_header(num_vertices: int, num_faces: int) -> bytes:
    """Return the header of a binary PLY file; all its vertices follow, then all its faces."""
    if num_vertices > _MOST_PLY:
        raise InputError(f"a PLY file holds at most {_MOST_PLY:,} vertices, got {num_vertices:,}; {_REMEDY}")
    return (
        "ply\nformat binary_little_endian 1.0\ncomment AnyStar, micrometres\n"
        f"element vertex {num_vertices}\nproperty float x\nproperty float y\nproperty float z\n"
        f"element face {num_faces}\nproperty list uchar int vertex_indices\nproperty int label\nend_header\n"
    ).encode()


def ply_vertices(meshes: Sequence[Mesh]) -> bytes:
    """Return the vertices of some meshes in the layout of a binary PLY file."""
    vertices = np.concatenate([np.zeros((0, 3), np.float32), *(mesh.vertices for mesh in meshes)])
    return vertices[:, ::-1].astype("<f4").tobytes()


def ply_faces(faces: Sequence[np.ndarray], first: Sequence[int], labels: Sequence[int]) -> bytes:
    """Return the faces of some meshes in the layout of a binary PLY file.

    Those of each mesh ``(F, 3)`` are indices into its own vertices, the first of which has the index
    ``first`` in the file, from 0.
    """
    if max(labels, default=0) > _MOST_PLY:
        raise InputError(f"a PLY file holds labels up to {_MOST_PLY:,}, got {max(labels):,}; {_REMEDY}")
    layout = np.dtype([("count", "u1"), ("corners", "<i4", 3), ("label", "<i4")])
    data = np.zeros(sum(map(len, faces)), layout)
    data["count"] = 3
    if faces:
        data["corners"] = np.concatenate([f[:, ::-1] + start for f, start in zip(faces, first, strict=True)])
        data["label"] = np.repeat(labels, [len(f) for f in faces])
    return data.tobytes()


def _names(meshes: Sequence[Mesh], labels: Sequence[int] | None) -> list[int]:
    names = list(range(1, len(meshes) + 1)) if labels is None else [int(label) for label in labels]
    if len(names) != len(meshes):
        raise InputError(f"labels must be one per mesh, {len(meshes)}, got {len(names)}")
    return names
