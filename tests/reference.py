"""Slow, literal versions of the geometry, to test the compiled ones against."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation, distance_transform_edt, map_coordinates


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


def is_inside(offsets, distances, rays):
    """Search all faces for the one around each offset ``(N, 3)``; the radius there is the rays' mixture."""
    inverse = np.linalg.inv(rays.vertices[rays.faces].astype(np.float64).transpose(0, 2, 1))
    mixture = np.einsum("fkc,nc->nfk", inverse, np.asarray(offsets, np.float64))
    face = mixture.min(axis=2).argmax(axis=1)
    own = mixture[np.arange(len(offsets)), face]
    total = np.maximum(own.sum(axis=1), 1e-30)
    radius = (own * np.asarray(distances)[rays.faces[face]]).sum(axis=1) / total
    return np.linalg.norm(offsets, axis=1) <= radius


def rasterise(points, distances, rays, shape, prob):
    """Every voxel goes to the most probable body that it is inside of."""
    out, best = np.zeros(shape, np.int32), np.full(shape, -np.inf)
    grid = np.moveaxis(np.indices(shape), 0, -1).reshape(-1, 3)
    for n, point in enumerate(points):
        mask = is_inside(grid - point, distances[n], rays).reshape(shape) & (prob[n] > best)
        out[mask], best[mask] = n + 1, prob[n]
    return out


def overlap(points, distances, rays, *, step=0.25):
    """Intersection over the smaller volume of two bodies, counted on a fine lattice."""
    points = np.asarray(points, np.float64)
    outer = distances.max(axis=1)[:, None]
    low, high = (points - outer).min(axis=0), (points + outer).max(axis=0)
    axes = [np.arange(a, b + step, step) for a, b in zip(low, high, strict=True)]
    lattice = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    masks = np.zeros((2, len(lattice)), bool)
    for mask, point, own in zip(masks, points, distances, strict=True):
        near = np.flatnonzero(((lattice - point) ** 2).sum(axis=1) <= own.max() ** 2)
        for part in np.array_split(near, 20):
            mask[part] = is_inside(lattice[part] - point, own, rays)
    return (masks[0] & masks[1]).sum() / masks.sum(axis=1).min()


def suppress(order, overlaps):
    """Sequential greedy suppression, given ``overlaps(n, m) -> bool``."""
    kept = []
    for n in order:
        if not any(overlaps(n, m) for m in kept):
            kept.append(n)
    return kept


def object_probability(labels, anisotropy=(1, 1, 1)):
    """SciPy's distance transform of every object in turn, divided by its maximum."""
    out = np.zeros(labels.shape)
    if (labels == labels.flat[0]).all() and labels.flat[0]:
        return object_probability(np.pad(labels, 1), anisotropy)[1:-1, 1:-1, 1:-1]
    for label in np.unique(labels[labels > 0]):
        mask = labels == label
        distance = distance_transform_edt(mask, sampling=anisotropy)
        out[mask] = distance[mask] / distance.max()
    return out


def contrast(labels, image, numbers, spacing):
    """Background and contrast ``(N, 2)`` of objects, each from masks of the whole volume."""
    rows = np.full((len(numbers), 2), np.nan)
    width = [max(1, round(2 * min(spacing) / s)) for s in spacing]
    for row, number in zip(rows, numbers, strict=True):
        inside = labels == number
        near = binary_dilation(inside, np.ones((3, 3, 3)))
        far = binary_dilation(inside, np.ones([2 * w + 3 for w in width]))
        around = far & ~near & (labels == 0)
        if around.any() and inside.any():
            own, other = image[inside].astype(np.float64), image[around].astype(np.float64)
            spread = np.sqrt((own.var() + other.var()) / 2)
            row[:] = other.mean(), (own.mean() - other.mean()) / spread
    return rows
