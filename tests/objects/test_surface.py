"""Surfaces of labels, against bodies whose surface is known."""

import math

import numpy as np
import pytest

from anystar.objects.surface import label_surfaces


def ball(radius, spacing, centre=(0.3, 0.1, 0.2)):
    halves = [math.ceil(radius / s) + 2 for s in spacing]
    axes = [(np.arange(2 * n + 1) - n - c) * s for n, s, c in zip(halves, spacing, centre, strict=True)]
    return (np.linalg.norm(np.meshgrid(*axes, indexing="ij"), axis=0) <= radius).astype(np.int32)


@pytest.mark.parametrize(
    ("radius", "spacing", "tolerance"),
    [(3, (1, 1, 1), 0.02), (8, (1, 1, 1), 0.01), (8, (2, 1, 1), 0.01), (16, (4.5, 1, 1), 0.015)],
)
def test_a_ball_has_the_surface_of_a_ball(radius, spacing, tolerance):
    (surface,) = label_surfaces(ball(radius, spacing), 1, tuple(map(float, spacing)))
    assert surface == pytest.approx(4 * math.pi * radius**2, rel=tolerance)


def test_a_long_ellipsoid():
    a, c = 6.0, 24.0  # prolate: Gradshteyn's closed form
    grid = np.meshgrid(np.arange(-26, 27) / c, *[np.arange(-8, 9) / a] * 2, indexing="ij")
    labels = (np.linalg.norm(grid, axis=0) <= 1).astype(np.int32)
    e = math.sqrt(1 - a**2 / c**2)
    expected = 2 * math.pi * a**2 * (1 + c / (a * e) * math.asin(e))
    assert label_surfaces(labels, 1, (1.0, 1.0, 1.0))[0] == pytest.approx(expected, rel=0.02)


def test_labels_are_measured_alone_wherever_they_lie():
    one = ball(6, (1, 1, 1))
    alone = label_surfaces(one, 1, (1.0, 1.0, 1.0))[0]
    two = np.concatenate([one, 3 * one], axis=2)
    two[0, 0, 0] = 2  # one voxel in the corner of the volume
    found = label_surfaces(two, 3, (1.0, 1.0, 1.0))
    assert found[0] == found[2] == pytest.approx(alone)
    single = np.ones((1, 1, 1), np.int32)
    assert found[1] == pytest.approx(label_surfaces(single, 1, (1.0, 1.0, 1.0))[0])


def test_touching_labels_share_no_surface():
    block = np.ones((12, 12, 12), np.int32)
    halves = block.copy()
    halves[:, :, 6:] = 2
    whole = label_surfaces(block, 1, (1.0, 1.0, 1.0))[0]
    assert label_surfaces(halves, 2, (1.0, 1.0, 1.0)).sum() > whole + 2 * 12 * 12 * 0.8


def test_labels_beyond_those_that_are_measured_are_neighbours_only():
    """They lie outside the table of counts, which a compiled kernel would write to without a check."""
    one, unit = ball(6, (1, 1, 1)), (1.0, 1.0, 1.0)
    among = np.concatenate([10**6 * one, one, -one], axis=2)
    assert label_surfaces(among, 1, unit) == pytest.approx(label_surfaces(one, 1, unit))
    assert label_surfaces(among, 0, unit).shape == (0,)
