"""Centres of objects: lattices and what is clear of others."""

import numpy as np
import pytest

from anystar.synth.placement import clear_of, lattice_centres, rotations


def test_rotations_are_proper_and_uniform():
    turns = rotations(np.random.default_rng(0), 4000)
    np.testing.assert_allclose(
        turns @ turns.transpose(0, 2, 1), np.broadcast_to(np.eye(3), turns.shape), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(turns), 1)
    assert np.abs(turns.mean(0)).max() < 0.05  # every axis points anywhere


@pytest.mark.parametrize("shape", [(32, 32, 32), (8, 64, 64)])
def test_a_lattice_without_jitter_has_its_step_and_fills_the_image(shape):
    step = 6.0
    points = lattice_centres(np.random.default_rng(1), shape, step=step, jitter=(0, 0), margin=3.0)
    assert ((points > -3) & (points < np.array(shape) + 3)).all()
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.testing.assert_allclose(np.sort(apart, axis=1)[:, 1], step)
    assert len(points) == pytest.approx(np.prod(np.array(shape) + 6.0) / step**3, rel=0.25)


def test_points_are_clear_as_a_loop_says():
    rng = np.random.default_rng(2)
    points, room = rng.uniform(0, 20, (50, 3)), rng.uniform(0, 3, 50)
    centre, radius = rng.uniform(0, 20, (20, 3)), rng.uniform(0, 4, 20)
    want = [
        all(np.linalg.norm(p - c) - r > a for c, r in zip(centre, radius, strict=True))
        for p, a in zip(points, room, strict=True)
    ]
    got = clear_of(points, room, centre, radius)
    assert got.tolist() == want
    assert 0 < got.sum() < len(got)
    assert clear_of(points, room, centre[:0], radius[:0]).all()
