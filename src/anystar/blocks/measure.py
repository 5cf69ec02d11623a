"""Objects of one block, counted voxel by voxel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anystar.runtime.compiled import kernel

__all__ = ["Bodies", "Measured", "measure_bodies"]


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One row an object that owns at least one voxel; see :class:`anystar.objects.table.MeasuredObjects`."""

    label: np.ndarray
    """(N,) int64, in the drawing."""
    probability: np.ndarray
    """(N,) float32."""
    centroid_vox: np.ndarray
    """(N, 3) float64, ZYX, voxels of the volume."""
    volume_vox: np.ndarray
    """(N,) int64."""
    bbox: np.ndarray
    """(N, 6) int64, half-open, voxels of the volume: z0 y0 x0 z1 y1 x1."""
    centre_vox: np.ndarray
    """(N, 3) float64, where the rays start, voxels of the volume."""
    distances: np.ndarray
    """(N, R) float32, units of the shortest edge of a voxel."""

    def __len__(self) -> int:
        return len(self.label)


def measure_bodies(labels: np.ndarray, which: np.ndarray, bodies: Bodies, start: np.ndarray) -> Measured:
    """Measure some of the bodies of a drawing.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(Z, Y, X)`` int32: body ``i`` has the label ``i + 1``.
    which : numpy.ndarray
        Bodies to measure.
    bodies : Bodies
        All that were drawn.
    start : numpy.ndarray
        First voxel of the drawing in the volume.
    """
    totals = np.zeros((len(bodies.prob) + 1, 4), np.int64)
    extent = np.empty((len(bodies.prob) + 1, 6), np.int64)
    extent[:, :3], extent[:, 3:] = np.iinfo(np.int64).max, -1
    _count(labels, totals, extent)
    rows = which[totals[which + 1, 0] > 0]
    count = totals[rows + 1, 0]
    return Measured(
        label=rows + 1,
        probability=bodies.prob[rows].astype(np.float32),
        centroid_vox=totals[rows + 1, 1:] / np.maximum(count, 1)[:, None] + start,
        volume_vox=count,
        bbox=extent[rows + 1] + np.tile(start, 2),
        centre_vox=bodies.centres[rows],
        distances=bodies.distances[rows],
    )


@kernel()
def _count(labels, totals, extent):
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            for x in range(labels.shape[2]):
                n = labels[z, y, x]
                if n:
                    totals[n, 0] += 1
                    totals[n, 1] += z
                    totals[n, 2] += y
                    totals[n, 3] += x
                    extent[n, 0] = min(extent[n, 0], z)
                    extent[n, 1] = min(extent[n, 1], y)
                    extent[n, 2] = min(extent[n, 2], x)
                    extent[n, 3] = max(extent[n, 3], z + 1)
                    extent[n, 4] = max(extent[n, 4], y + 1)
                    extent[n, 5] = max(extent[n, 5], x + 1)
