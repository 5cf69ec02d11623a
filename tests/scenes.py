"""Balls, blobs and textures that tests of several packages share: labels, images and star distances."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.special import expit
from scipy.stats import norm

from anystar.geometry.polyhedra import Polyhedra


def ball(radius, *, shape=(31, 31, 31), center=None):
    """A digital ball of label 1."""
    center = [(s - 1) / 2 for s in shape] if center is None else center
    grid = np.indices(shape)
    return (sum((g - c) ** 2 for g, c in zip(grid, center, strict=True)) <= radius**2).astype(np.int32)


def balls(shape, *objects):
    """Digital balls, each given as ``(label, centre, radius)``; later ones over earlier ones."""
    labels = np.zeros(shape, np.int32)
    grid = np.ogrid[tuple(slice(0, n) for n in shape)]
    for label, centre, radius in objects:
        labels[sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)) <= radius**2] = label
    return labels


def noisy_balls(shape, *, seed, num=12, radius=4.0, bright=True):
    """A noisy uint8 image of balls that do not touch, and their labels."""
    rng = np.random.default_rng(seed)
    step = int(2 * radius + 4)
    lattice = np.stack(
        np.meshgrid(*[np.arange(step // 2 + 1, n - step // 2, step) for n in shape], indexing="ij")
    )
    centres = lattice.reshape(3, -1).T + rng.uniform(-1, 1, (lattice[0].size, 3))
    chosen = enumerate(rng.permutation(centres)[:num], start=1)
    labels = balls(shape, *((number, centre, radius) for number, centre in chosen)).astype(np.uint16)
    image = ndimage.gaussian_filter((labels > 0).astype(float), 0.7)
    image = 40 + 150 * (image if bright else 1 - image) + rng.normal(0, 4, shape)
    return image.clip(0, 255).astype(np.uint8), labels


def annotated_balls(*, name="balls", num=48, radius=7.0, spacing=None, seed=0, dtype=np.float32):
    """A volume to train on: 2 x 2 x 2 bright balls on dark noise; ``radius`` in units of ``spacing``."""
    from anystar.train import RawVolume

    rng = np.random.default_rng(seed)
    unit = np.array((1.0, 1.0, 1.0) if spacing is None else spacing)
    shape = np.maximum(1, np.round(num / (unit / unit.min()))).astype(int)
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), -1) * unit
    labels = np.zeros(shape, np.int32)
    for k, index in enumerate(np.ndindex(2, 2, 2), start=1):
        centre = (np.array(index) + 0.5) / 2 * shape * unit
        labels[np.linalg.norm(grid - centre, axis=-1) < radius] = k
    image = 50 + 100 * (labels > 0) + rng.normal(0, 5, labels.shape)
    return RawVolume(name=name, image=image.astype(dtype), labels=labels, spacing=spacing)


def blobs(shape, centres, width, spacing=(1, 1, 1)):
    """Gaussian blobs whose width is in units of the spacing."""
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), -1) * np.array(spacing)
    image = np.zeros(shape)
    for centre in centres:
        away = np.linalg.norm(grid - np.array(centre) * np.array(spacing), axis=-1)
        image = np.maximum(image, np.exp(-((away / width) ** 2)))
    return image


def spots(levels):
    """A volume of 72 places, with spots of these heights in some of them."""
    image = np.zeros((40, 56, 72), np.float32)
    centres = [(z, y, x) for z in (8, 20, 32) for y in range(6, 56, 10) for x in range(6, 72, 12)]
    order = np.random.default_rng(0).permutation(len(centres))
    at = np.stack(np.meshgrid(*map(np.arange, image.shape), indexing="ij"), axis=-1)
    for row, level in zip(order, levels, strict=False):
        np.maximum(image, level * np.exp(-((at - centres[row]) ** 2).sum(-1) / 9), out=image)
    return image


def objects_on_texture():
    """20 objects, and 52 spots that the stub takes for objects with less and less certainty."""
    grain = expit(norm.ppf(np.linspace(0.99, 0.01, 52)) * 0.45 - 0.7)
    return spots([1.0] + [0.95] * 19 + list(grain / 0.83))  # smoothing takes the rest


def texture(seed, shape):
    """Smooth noise: a network that takes bright for probable finds overlapping bodies everywhere."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 2.5)
    noise = (noise - noise.min()) / np.ptp(noise)
    return (60000 * noise**2).astype(np.uint16)


def lit(shape, light, seed=0):
    """Return small spots everywhere, lit by a factor along x."""
    rng = np.random.default_rng(seed)
    spots = (rng.random(shape) < 0.05) * 1.0
    return (0.1 + spots) * light + 0.01 * rng.normal(size=shape)


class Counted:
    """An array that counts the voxels read of it."""

    def __init__(self, data):
        self.data, self.shape, self.dtype, self.voxels = data, data.shape, data.dtype, 0

    def __getitem__(self, box):
        part = self.data[box]
        self.voxels += part.size
        return part


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


def ellipsoid_distances(points, axes, rays):
    """Exact distances from points to the surface of an ellipsoid around the origin, ``(N, R)``."""
    p, u = np.asarray(points, float)[:, None] / axes, rays.vertices.astype(float) / axes
    a, b, c = (u * u).sum(-1), (p * u).sum(-1), (p * p).sum(-1) - 1
    return ((-b + np.sqrt(b * b - a * c)) / a).astype(np.float32)
