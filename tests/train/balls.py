"""Volumes of clear balls whose ground truth is known."""

import numpy as np

from anystar.train import RawVolume


def balls(*, name="balls", num=48, radius=7.0, spacing=None, seed=0, dtype=np.float32):
    """Bright balls, 3 x 3 x 3 of them, on a dark noisy ground; ``radius`` in units of ``spacing``."""
    rng = np.random.default_rng(seed)
    unit = np.array((1.0, 1.0, 1.0) if spacing is None else spacing)
    shape = np.maximum(1, np.round(num / (unit / unit.min()))).astype(int)
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), -1) * unit
    labels = np.zeros(shape, np.int32)
    extent = shape * unit
    for k, index in enumerate(np.ndindex(2, 2, 2), start=1):
        centre = (np.array(index) + 0.5) / 2 * extent
        labels[np.linalg.norm(grid - centre, axis=-1) < radius] = k
    image = 50 + 100 * (labels > 0) + rng.normal(0, 5, labels.shape)
    return RawVolume(name=name, image=image.astype(dtype), labels=labels, spacing=spacing)
