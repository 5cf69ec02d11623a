"""Surfaces of the objects for other programs: OBJ, STL or PLY, all in one file or a file each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from anystar.arrays import LENGTH_UNITS, LengthUnit
from anystar.geometry.mesh import (
    Mesh,
    body_meshes,
    obj_bytes,
    ply_bytes,
    ply_faces,
    ply_header,
    ply_vertices,
    stl_bytes,
    stl_header,
    stl_triangles,
    template,
)
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rays import Rays
from anystar.runtime.atomic import staged, staged_folder

__all__ = ["MESH_SUFFIXES", "MeshKind", "write_meshes"]

MESH_SUFFIXES = (".obj", ".ply", ".stl")
MeshKind = Literal["obj", "ply", "stl"]
AT_ONCE = 512
"""Surfaces in memory, of some 20 kB each."""

_Surfaces = Iterable[tuple[list[Mesh], list[int]]]


def write_meshes(
    path: str | Path,
    parts: Iterable[tuple[np.ndarray, Polyhedra]],
    labels: np.ndarray,
    rays: Rays,
    *,
    spacing: tuple[float, float, float] | None = None,
    length_unit: LengthUnit = "um",
    kind: MeshKind = "ply",
) -> None:
    """Write the polyhedra as triangles, XYZ in ``length_unit`` from the centre of the first voxel.

    A file that ends in ``.obj``, ``.ply`` or ``.stl`` takes all objects (OBJ and PLY keep their labels, STL
    knows none); any other name is a folder with a file of this ``kind`` each, ``object_1.ply`` say. Either
    appears whole or not at all. More objects than the format can count are refused (``ValueError``).

    Parameters
    ----------
    parts : iterable of tuple
        The labels ``(N,)`` and the polyhedra of some objects, a block of a volume at a time, say: centres in
        voxels, distances in units of a voxel's shortest edge.
    labels : numpy.ndarray
        ``(N,)``: the labels of all of them in the same order, as files begin with how much they hold.
    spacing : 3 floats, optional
        Micrometres per voxel (Z, Y, X), or relative lengths: then meshes are in units of the shortest edge
        and ``length_unit`` is left out. A cube by default.
    """
    path = Path(path)
    surfaces = _surfaces(parts, np.array(spacing or (1.0, 1.0, 1.0)) / LENGTH_UNITS[length_unit])
    if path.suffix.lower() in MESH_SUFFIXES:
        write = {".obj": _obj, ".ply": _ply, ".stl": _stl}[path.suffix.lower()]
        with staged(path) as (temporary,), open(temporary, "wb") as file:
            for piece in write(surfaces, labels, rays):
                file.write(piece)
        return
    with staged_folder(path) as folder:
        for meshes, names in surfaces:
            for mesh, label in zip(meshes, names, strict=True):
                (folder / f"object_{label}.{kind}").write_bytes(_alone(kind, mesh, label))


def _surfaces(
    parts: Iterable[tuple[np.ndarray, Polyhedra]], size: np.ndarray
) -> Iterator[tuple[list[Mesh], list[int]]]:
    """Yield a number of meshes with their labels."""
    edge = float(size.min())
    for labels, polyhedra in parts:
        for start in range(0, len(labels), AT_ONCE):
            rows = np.arange(start, min(start + AT_ONCE, len(labels)))
            some = polyhedra.take(rows)
            cubic = Polyhedra(some.points * (size / edge), some.distances, some.rays)
            yield body_meshes(cubic, spacing=(edge, edge, edge)), labels[rows].tolist()


def _obj(surfaces: _Surfaces, labels: np.ndarray, rays: Rays) -> Iterator[bytes]:
    first = 1
    for meshes, names in surfaces:
        yield obj_bytes(meshes, labels=names, first=first)
        first += sum(len(mesh.vertices) for mesh in meshes)


def _stl(surfaces: _Surfaces, labels: np.ndarray, rays: Rays) -> Iterator[bytes]:
    yield stl_header(len(labels) * len(template(rays, 1).faces))
    for meshes, _ in surfaces:
        yield stl_triangles(meshes)


def _ply(surfaces: _Surfaces, labels: np.ndarray, rays: Rays) -> Iterator[bytes]:
    """Yield all vertices, then all faces: every mesh has those of the template, so none need be kept."""
    directions, _, faces = template(rays, 1)
    yield ply_header(len(labels) * len(directions), len(labels) * len(faces))
    for meshes, _ in surfaces:
        yield ply_vertices(meshes)
    for start in range(0, len(labels), AT_ONCE):
        names = labels[start : start + AT_ONCE].tolist()
        first = [(start + n) * len(directions) for n in range(len(names))]
        yield ply_faces([faces] * len(names), first, names)


def _alone(kind: MeshKind, mesh: Mesh, label: int) -> bytes:
    if kind == "stl":
        return stl_bytes([mesh])
    return (obj_bytes if kind == "obj" else ply_bytes)([mesh], labels=[label])
