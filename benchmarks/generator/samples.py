"""What a sample is like, in numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from anystar.geometry.object_probability import object_probability
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.rays import golden_spiral
from anystar.geometry.star_distances import star_distances
from anystar.synth.connected_components import clean_labels
from anystar.synth.generate import Batch, generate
from anystar.synth.recipe import Recipe

QUANTILES = (5, 25, 50, 75, 95)
DEBRIS = 20
"""Voxels under which an instance counts as debris."""


def reference_samples(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Read the reference's own samples."""
    found = []
    for path in sorted(folder.glob("sample_*.npz")):
        with np.load(path) as file:
            found.append((file["image"], file["label"].astype(np.int32)))
    return found


def statistics(image: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return the statistics of one sample; ``diameters`` has one entry an object (debris left out)."""
    sizes = np.bincount(labels.ravel())[1:]
    sizes = sizes[sizes > 0]
    large = sizes[sizes >= DEBRIS]
    inside = labels > 0
    values = image[inside], image[~inside]
    spread = np.sqrt(np.mean([v.var() for v in values if len(v)]))
    contrast = (values[0].mean() - values[1].mean()) / max(spread, 1e-6) if all(map(len, values)) else np.nan
    return {
        "objects": np.array(len(large)),
        "debris": np.array(len(sizes) - len(large)),
        "diameters": (large * 6 / np.pi) ** (1 / 3),
        "foreground": np.array(inside.mean()),
        "touching": np.array(touching(labels)),
        "zero": np.array((image == 0).mean()),
        "contrast": np.array(contrast),
        "quantiles": np.percentile(image, QUANTILES),
    }


def touching(labels: np.ndarray) -> float:
    """Return the share of the objects that share a face of a voxel with another one."""
    sizes = np.bincount(labels.ravel())
    touches = np.zeros(len(sizes), bool)
    for axis in range(3):
        a, b = np.moveaxis(labels, axis, 0)[1:], np.moveaxis(labels, axis, 0)[:-1]
        meets = (a != b) & (a > 0) & (b > 0)
        touches[a[meets]] = touches[b[meets]] = True
    objects = sizes >= DEBRIS
    objects[0] = False
    return float(touches[objects].mean()) if objects.any() else np.nan


def star_convexity(labels: np.ndarray) -> np.ndarray:
    """Return, for each object, the IoU of the body that 96 rays from its most central voxel draw with it."""
    rays, num = golden_spiral(96), int(labels.max())
    if not num:
        return np.zeros(0)
    prob = object_probability(labels)
    points = np.array(ndimage.maximum_position(prob, labels, np.arange(1, num + 1)), np.int64)
    drawn = rasterise(Polyhedra(points, star_distances(labels, points, rays), rays), labels.shape)
    both = np.bincount(labels[drawn == labels], minlength=num + 1)[1:]
    either = np.bincount(labels.ravel(), minlength=num + 1) + np.bincount(drawn.ravel(), minlength=num + 1)
    return both / (either[1:] - both)


def pieces(recipe: Recipe, *, seed: int, index: int, size: int = 64) -> tuple[Batch, dict[str, np.ndarray]]:
    """Make a sample; also return the size of each instance's second piece, before and after the bend."""
    keys: dict[str, np.ndarray] = {}

    def observe(stage: str, image, key) -> None:
        keys.setdefault("before", key[0].numpy().copy())
        keys["after"] = key[0].numpy().copy()

    batch = generate(recipe, seed=seed, indices=[index], shape=(size,) * 3, observe=observe)
    return batch, {when: _pieces(key) for when, key in keys.items()}


def middle(image: np.ndarray, labels: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the middle ``size`` voxels an axis, with labels made anew."""
    first = (image.shape[0] - size) // 2
    part = (slice(first, first + size),) * 3
    return image[part], clean_labels(labels[part], min_voxels=DEBRIS)


def _pieces(key: np.ndarray) -> np.ndarray:
    """Return the voxels of each instance's second largest connected piece, 0 if it has only one."""
    from skimage.measure import label

    found = label(key, background=0, connectivity=3)
    sizes = np.bincount(found.ravel())
    owner = np.zeros(len(sizes), key.dtype)
    owner[found.ravel()] = key.ravel()
    order = np.lexsort((-sizes[1:], owner[1:]))
    owner, sizes = owner[1:][order], sizes[1:][order]
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    follows = np.append(first[1:], len(owner)) - first > 1
    return np.where(follows, sizes[np.minimum(first + 1, len(sizes) - 1)], 0)
