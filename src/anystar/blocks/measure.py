"""Objects of one block, counted voxel by voxel."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numba as nb
import numpy as np

from anystar.predict.tiles import Box

__all__ = ["Measured", "measure_bodies"]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One row an object that owns at least one voxel, by ascending label; lengths in voxels of the image."""

    label: np.ndarray
    """(N,) int64."""
    probability: np.ndarray
    """(N,) float32."""
    centroid_vox: np.ndarray
    """(N, 3) float64, ZYX."""
    volume_vox: np.ndarray
    """(N,) int64."""
    bbox: np.ndarray
    """(N, 6) int64, half-open: z0 y0 x0 z1 y1 x1."""

    def __len__(self) -> int:
        return len(self.label)

    def columns(self) -> dict[str, np.ndarray]:
        """Return the arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def joined(cls, parts: list[Measured]) -> Measured:
        """Return the objects of at least one part, sorted."""
        whole = {f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)}
        order = np.argsort(whole["label"], kind="stable")
        return cls(**{name: column[order] for name, column in whole.items()})


def measure_bodies(
    labels: np.ndarray, which: np.ndarray, names: np.ndarray, prob: np.ndarray, region: Box
) -> Measured:
    """Measure some of the bodies of a drawing.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(Z, Y, X)`` int32 of ``region``: body ``i`` has the label ``i + 1``.
    which : numpy.ndarray
        Bodies to measure.
    names, prob : numpy.ndarray
        Final label and probability of every body.
    region : three slices
        Where the drawing lies in the volume.
    """
    totals = np.zeros((len(names) + 1, 4), np.int64)
    extent = np.empty((len(names) + 1, 6), np.int64)
    extent[:, :3], extent[:, 3:] = np.iinfo(np.int64).max, -1
    _count(labels, totals, extent)
    rows = which[totals[which + 1, 0] > 0]
    count, start = totals[rows + 1, 0], np.array([s.start for s in region])
    return Measured(
        label=names[rows],
        probability=prob[rows].astype(np.float32),
        centroid_vox=totals[rows + 1, 1:] / np.maximum(count, 1)[:, None] + start,
        volume_vox=count,
        bbox=extent[rows + 1] + np.tile(start, 2),
    )


@nb.njit(cache=True, nogil=True)
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
