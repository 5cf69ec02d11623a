"""The overlap of two bodies: bounds, and estimates from samples, against a fine voxel count."""

import numba as nb
import numpy as np

from anystar.geometry.body.numba import radius_tables
from anystar.geometry.nms import overlap
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rays import golden_spiral
from tests import reference, scenes

RAYS = golden_spiral(64)


# The kernels have no wrapper for Python, which would double the time to compile them.
@nb.njit
def overlaps(*args):
    return overlap.overlaps(*args)


@nb.njit
def estimates(*args):
    return overlap.overlap_estimates(*args)


@nb.njit
def bounds(*args):
    return overlap.overlap_bounds(*args)


def pairs(points, distances, rays, threshold):
    """What the package decides about pairs: ``(overlaps(n, m), estimates(n, m))``."""
    bodies = overlap.body_table(Polyhedra(points, distances, rays))
    sampling, scratch = overlap.sampling(radius_tables(rays)), overlap.new_scratch(len(rays))

    def decide(n, m):
        square = float(((bodies.sizes[n, :3] - bodies.sizes[m, :3]) ** 2).sum())
        return overlaps(bodies, sampling, n, m, square, threshold, scratch)

    return decide, lambda n, m: estimates(bodies, sampling, n, m, threshold, scratch)


def test_estimates_are_within_their_stated_error():
    rng = np.random.default_rng(0)
    rays = golden_spiral(96)
    errors = []
    for _ in range(16):
        distances = scenes.smooth_distances(rng, 2, rays, radius=(4.0, 6.0))
        points = np.array([[0, 0, 0], rng.normal(0, 4, 3)])
        exact = reference.overlap(points, distances, rays, step=0.5)
        # At a threshold at the truth both stages are used.
        errors.append(np.array(pairs(points, distances, rays, exact)[1](0, 1)) - exact)
    one, eight = np.abs(errors).T
    assert one.max() < 0.12  # the margin within which one sample per ray does not decide
    assert np.sqrt((one**2).mean()) < 0.05
    assert eight.max() < 0.03
    assert np.sqrt((eight**2).mean()) < 0.012


def test_bounds_hold():
    rng = np.random.default_rng(1)
    for _ in range(8):
        distances = scenes.smooth_distances(rng, 2, RAYS, radius=(4.0, 6.0))
        points = np.array([[0, 0, 0], rng.normal(0, 5, 3)])
        exact = reference.overlap(points, distances, RAYS, step=0.5)
        bodies = overlap.body_table(Polyhedra(points, distances, RAYS))
        low, high = bounds(bodies.sizes, 0, 1, float((points[1] ** 2).sum()))
        assert low - 0.02 <= exact <= high + 0.02
