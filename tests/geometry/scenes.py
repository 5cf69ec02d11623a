"""Label volumes that the geometry tests share."""

from __future__ import annotations

import numpy as np

from anystar.geometry.polyhedra import Polyhedra


def ball(radius, *, shape=(31, 31, 31), center=None):
    """A digital ball of label 1."""
    center = [(s - 1) / 2 for s in shape] if center is None else center
    grid = np.indices(shape)
    return (sum((g - c) ** 2 for g, c in zip(grid, center, strict=True)) <= radius**2).astype(np.int32)


def ellipsoids(rng, *, num=6, shape=(40, 44, 48), semi_axes=(5.5, 10.0)):
    """Randomly turned ellipsoids, later ones over earlier ones: they touch, and the border cuts some."""
    labels = np.zeros(shape, np.int32)
    grid = np.moveaxis(np.indices(shape), 0, -1)
    for label in range(1, num + 1):
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        center = rng.uniform(0, np.array(shape) - 1)
        local = (grid - center) @ turn / rng.uniform(*semi_axes, 3)
        labels[(local**2).sum(-1) <= 1] = label
    return labels


def blocks(rng, *, shape=(17, 22, 26), size=4, num=5):
    """Cubes of random labels without any background between them, most in several pieces."""
    coarse = rng.integers(0, num, [-(-s // size) for s in shape])
    labels = coarse.repeat(size, 0).repeat(size, 1).repeat(size, 2)
    return labels[: shape[0], : shape[1], : shape[2]].astype(np.int32)


def smooth_distances(rng, num, rays, *, radius=(4.0, 9.0), bumps=0.3):
    """Star distances of ``num`` smooth, bumpy bodies."""
    waves = rng.normal(size=(num, 4, 3)) * 1.5
    phase = rng.uniform(0, 2 * np.pi, (num, 4, 1))
    relief = np.sin(waves @ rays.vertices.T + phase).mean(axis=1)
    size = rng.uniform(*radius, (num, 1))
    return (size * (1 + bumps * relief)).astype(np.float32)


def with_twins(some):
    """Make every seventh the very same one, and every next one another body at one place."""
    points, distances, prob = some.points.copy(), some.distances.copy(), some.prob.copy()
    points[::7], distances[::7], prob[::7] = points[0], distances[0], prob[0]
    points[1::7], prob[1::7] = points[1], prob[1]
    return Polyhedra(points, distances, some.rays, prob)


def candidates(rng, rays, *, num=2000, num_objects=40, extent=60):
    """What a network proposes: several noisy bodies around each of some centres, likelier near them."""
    centers = rng.uniform(0, extent, (num_objects, 3))
    shapes = smooth_distances(rng, num_objects, rays)
    owner = rng.integers(0, num_objects, num)
    shift = np.rint(rng.normal(0, 1.5, (num, 3)))
    points = np.rint(centers[owner]) + shift
    distances = shapes[owner] * rng.uniform(0.85, 1.15, (num, len(rays)))
    prob = np.round(np.exp(-(shift**2).sum(1) / 8) * rng.uniform(0.8, 1, num), 2)  # with ties
    return Polyhedra(points, distances, rays, prob.astype(np.float32))
