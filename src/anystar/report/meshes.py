"""Surfaces of the objects for other programs: OBJ, STL or PLY, all in one file or a file each."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from anystar.atomic import staged, staged_folder
from anystar.geometry.mesh import Mesh, body_meshes, obj_bytes, ply_bytes, stl_bytes
from anystar.geometry.rays import Rays
from anystar.table import MeasuredObjects

__all__ = ["MESH_SUFFIXES", "write_meshes"]

MESH_SUFFIXES = (".obj", ".ply", ".stl")


def write_meshes(
    path: str | Path,
    objects: MeasuredObjects,
    rays: Rays,
    *,
    spacing: tuple[float, float, float] | None = None,
    kind: Literal["obj", "ply", "stl"] = "ply",
) -> None:
    """Write the polyhedra as triangles, XYZ in micrometres from the centre of the first voxel.

    Parameters
    ----------
    path : str or Path
        A file that ends in ``.obj``, ``.ply`` or ``.stl`` takes all objects (OBJ and PLY keep their labels,
        STL knows none); any other name is a folder with a file each, ``object_1.ply`` say. Either appears
        whole or not at all.
    objects : MeasuredObjects
        Their ``label``, ``centre_vox`` and ``distances``.
    rays : Rays
        Directions of the distances.
    spacing : 3 floats, optional
        Micrometres per voxel (Z, Y, X); without, lengths are in voxels.
    kind : {"obj", "ply", "stl"}
        Of the files in a folder.
    """
    path = Path(path)
    size = np.array(spacing or (1.0, 1.0, 1.0))
    edge = float(size.min())
    meshes = body_meshes(
        objects.centre_vox * (size / edge), objects.distances, rays, spacing=(edge, edge, edge)
    )
    labels = [int(label) for label in objects.label]
    if path.suffix.lower() in MESH_SUFFIXES:
        with staged(path) as (temporary,):
            temporary.write_bytes(_bytes(path.suffix.lower()[1:], meshes, labels))
        return
    with staged_folder(path) as folder:
        for mesh, label in zip(meshes, labels, strict=True):
            (folder / f"object_{label}.{kind}").write_bytes(_bytes(kind, [mesh], [label]))


def _bytes(kind: str, meshes: list[Mesh], labels: list[int]) -> bytes:
    if kind == "stl":
        return stl_bytes(meshes)
    return (obj_bytes if kind == "obj" else ply_bytes)(meshes, labels=labels)
