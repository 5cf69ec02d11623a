"""A condition and a seed to a volume with its ground truth; independent of the generator of training data."""

import zlib

import numpy as np

from anystar.arrays import Volume
from benchmarks.accuracy.volumes import Sample
from benchmarks.models.simulator.bodies import draw_bodies, drop_slivers, rasterise
from benchmarks.models.simulator.conditions import Condition
from benchmarks.models.simulator.look import emit
from benchmarks.models.simulator.optics import record


def simulate(condition: Condition, *, seed: int) -> Sample:
    """Return a volume: a pure function of the condition and the seed.

    Parameters
    ----------
    condition : Condition
    seed : int
        Non-negative.

    Returns
    -------
    Sample
        Labels on the stored grid, int32, from 1 without gaps; the typical diameter in micrometres.
    """
    name = zlib.crc32(condition.name.encode())
    crowd_rng, look_rng, optics_rng = (np.random.default_rng([seed, name, stage]) for stage in range(3))
    bodies = draw_bodies(condition.crowd, condition.extent, rng=crowd_rng)
    planes = condition.optics.planes
    drawing = drop_slivers(rasterise(bodies, condition.extent), bodies, planes)
    signal = emit(condition.look, bodies, drawing, rng=look_rng)
    image = record(condition.optics, signal, rng=optics_rng)
    ground_truth = np.where(drawing.depth > 0, drawing.owner + 1, 0)[planes]
    labels = np.unique(ground_truth, return_inverse=True)[1].reshape(ground_truth.shape)
    labels = (labels + (ground_truth.min() > 0)).astype(np.int32)
    spacing = condition.optics.spacing
    return Sample(
        name=condition.name,
        image=Volume(data=image, spacing=spacing),
        labels=labels,
        centres=None,
        diameter=typical_diameter(labels, spacing),
    )


def typical_diameter(labels: np.ndarray, spacing: tuple[float, float, float] | None) -> float | None:
    """Return the median diameter of the objects, as balls of their volume, in the unit of the spacing.

    Objects that the border cuts count only if there is no other; ``None`` if there is none at all.
    """
    voxels = np.bincount(labels.ravel())
    cut = np.zeros(len(voxels), bool)
    for axis in range(3):
        for end in (0, -1):
            cut[np.unique(labels.take(end, axis=axis))] = True
    voxels[0] = 0
    whole = voxels[(voxels > 0) & ~cut]
    chosen = whole if len(whole) else voxels[voxels > 0]
    if not len(chosen):
        return None
    return float((6 / np.pi * np.median(chosen) * np.prod(spacing or 1.0)) ** (1 / 3))
