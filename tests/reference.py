"""Slow, literal versions of the geometry, to test the compiled ones against."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt, map_coordinates


def star_distances_at(labels, points, vertices, *, step=0.01):
    """March by ``step`` until the trilinear share of the start's label is below 1/2."""
    out = np.zeros((len(points), len(vertices)))
    t = np.arange(0, np.linalg.norm(labels.shape) + 2, step)
    for n, point in enumerate(points):
        if labels[tuple(point)] == 0:
            continue
        inside = np.pad((labels == labels[tuple(point)]).astype(np.float64), 2)
        for r, vertex in enumerate(np.asarray(vertices, np.float64)):
            way = (np.asarray(point) + 2)[:, None] + vertex[:, None] * t
            share = map_coordinates(inside, way, order=1, mode="constant")
            out[n, r] = t[np.argmax(share < 0.5)]
    return out


def star_distances_stardist(labels, points, vertices):
    """StarDist's distances: unit steps to another label; the steps, and the length at rounded offsets."""

    def nearest(x):
        return np.floor(np.abs(x) + 0.5) * np.sign(x)

    steps, out = np.zeros((2, len(points), len(vertices)))
    for n, point in enumerate(points):
        if labels[tuple(point)] == 0:
            continue
        for r, vertex in enumerate(np.asarray(vertices, np.float64)):
            k = 1
            while True:
                voxel = nearest(point + k * vertex).astype(int)
                outside = (voxel < 0).any() or (voxel >= labels.shape).any()
                if outside or labels[tuple(voxel)] != labels[tuple(point)]:
                    break
                k += 1
            steps[n, r], out[n, r] = k, np.linalg.norm(nearest(k * vertex))
    return steps, out


def object_probability(labels):
    """SciPy's distance transform of every object in turn, divided by its maximum."""
    out = np.zeros(labels.shape)
    if (labels == labels.flat[0]).all() and labels.flat[0]:
        return object_probability(np.pad(labels, 1))[1:-1, 1:-1, 1:-1]
    for label in np.unique(labels[labels > 0]):
        mask = labels == label
        distance = distance_transform_edt(mask)
        out[mask] = distance[mask] / distance.max()
    return out
