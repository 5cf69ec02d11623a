"""Objects of one block, counted voxel by voxel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anystar.objects.objects import Objects, locate_objects

__all__ = ["Bodies", "measure_bodies"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Bodies:
    """Survivors that reach into a box, most probable first."""

    centres: np.ndarray
    """(N, 3) float64, voxels of the volume."""
    distances: np.ndarray
    """(N, R) float32, units of the shortest edge of a voxel."""
    prob: np.ndarray
    """(N,) float32."""
    boxes: np.ndarray
    """(N, 6) float64, voxels of the volume: lowest and highest corner."""
    names: np.ndarray
    """(N,) int64, labels."""


def measure_bodies(
    labels: np.ndarray, which: np.ndarray, bodies: Bodies, start: tuple[int, int, int]
) -> Objects:
    """Measure some of the bodies of a drawing; those without a voxel are left out.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(Z, Y, X)`` int32: body ``i`` has the label ``i + 1``.
    which : numpy.ndarray
        Bodies to measure.
    bodies : Bodies
        All that were drawn.
    start : 3 ints
        First voxel of the drawing in the volume.
    """
    found = locate_objects(labels, len(bodies.prob), origin=start)
    index = np.full(len(bodies.prob) + 1, -1)
    index[found.label] = np.arange(len(found))
    rows = which[index[which + 1] >= 0]
    located = index[rows + 1]
    return Objects(
        label=rows + 1,
        probability=bodies.prob[rows].astype(np.float32),
        centroid_vox=found.centroid_vox[located],
        volume_vox=found.volume_vox[located],
        bbox=found.bbox[located],
        centre_vox=bodies.centres[rows],
        distances=bodies.distances[rows],
    )
