"""The arrays that the benchmark works on; written once, so that both sides do the same work. NumPy only."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def ellipsoid_volume(size: int = 256, num: int = 2000, semi_axes=(5.5, 10.0), seed: int = 0) -> np.ndarray:
    """Randomly turned ellipsoids that do not overlap, up to half of each cut off by the border."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((size,) * 3, np.uint16)
    radius = int(np.ceil(semi_axes[1])) + 1
    axis = np.arange(-radius, radius + 1)
    lattice = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    count = 0
    while count < num:
        center = np.array([rng.integers(0, size) for _ in range(3)])
        if labels[tuple(center)]:
            continue
        lengths = rng.uniform(*semi_axes, 3)
        inside = (((lattice @ rotation(rng)) / lengths) ** 2).sum(1) <= 1
        voxels = lattice[inside] + center
        voxels = voxels[((voxels >= 0) & (voxels < size)).all(axis=1)]
        place = tuple(voxels.T)
        if len(voxels) < 0.5 * inside.sum() or labels[place].any():
            continue
        count += 1
        labels[place] = count
    return labels


def rotation(rng: np.random.Generator) -> np.ndarray:
    """A random rotation, from a random unit quaternion."""
    q = rng.normal(size=4)
    w, x, y, z = q / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def million(vertices: np.ndarray, num: int = 1_000_000, num_objects: int = 20_000, seed: int = 0):
    """Candidates of ellipsoids on a jittered lattice: points, distances, prob."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(num_objects ** (1 / 3)))
    lattice = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3)[:num_objects]
    centers = lattice * 18 + rng.uniform(-2, 2, lattice.shape)
    frames = np.stack([rotation(rng) / rng.uniform(5.5, 10, 3) for _ in range(num_objects)])
    owner = np.sort(rng.integers(0, num_objects, num))
    points = np.rint(centers[owner] + rng.normal(0, 1.3, (num, 3))).astype(np.int32)
    distances = np.empty((num, len(vertices)), np.float32)
    for a in range(0, num, 10_000):  # where each ray leaves the ellipsoid
        part = slice(a, a + 10_000)
        start = np.einsum("nc,nck->nk", points[part] - centers[owner[part]], frames[owner[part]])
        way = np.einsum("rc,nck->nrk", vertices, frames[owner[part]])
        squared, mixed = (way**2).sum(-1), (way * start[:, None]).sum(-1)
        root = np.sqrt(np.maximum(mixed**2 + squared * (1 - (start**2).sum(-1))[:, None], 0))
        distances[part] = np.maximum((root - mixed) / squared, 0.5)
    prob = np.exp(-((points - centers[owner]) ** 2).sum(1) / 20) + rng.normal(0, 0.05, num)
    return points, distances, prob.astype(np.float32)


def volume(folder: Path, size: int) -> np.ndarray:
    """The 256^3 volume or its first corner, relabelled; from the folder if it is there already."""
    path = folder / f"volume{size}.npy"
    if not path.exists():
        labels = ellipsoid_volume() if size == 256 else volume(folder, 256)[:size, :size, :size]
        values = np.unique(labels)
        np.save(path, np.searchsorted(values, labels).astype(np.uint16))
    return np.load(path)
