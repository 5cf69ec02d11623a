from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anystar.geometry.body.numba import radius_tables
from anystar.geometry.nms import suppress
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rays import golden_spiral
from anystar.geometry.voting import _distances_from, precedence, vote
from tests import reference, scenes

RAYS = golden_spiral(96)


def inside_points(rng, axes, num, within=0.6):
    directions = rng.normal(size=(num, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions * axes * (within * rng.random((num, 1)) ** (1 / 3))


@pytest.mark.parametrize("lengths", [(5, 5, 5), (4, 6, 9)])
def test_a_surface_is_distances_from_elsewhere_where_it_is(lengths):
    """Against the surface itself: a little inside is inside, a little outside is not."""
    rng = np.random.default_rng(0)
    axes = np.array(lengths, float)
    for _ in range(20):
        centre, eye = inside_points(rng, axes, 2)
        body = scenes.ellipsoid_distances(centre[None], axes, RAYS)[0]
        z, y, x = (eye - centre).astype(np.float32)
        seen = np.empty(96, np.float32)
        _distances_from(
            z, y, x, body, RAYS.vertices, radius_tables(RAYS).face_map, np.full(96, 5.0, "f"), seen
        )
        for further, expected in ((-0.1, True), (0.1, False)):
            ends = eye - centre + (seen + further)[:, None] * RAYS.vertices
            assert (reference.is_inside(ends, body, RAYS) == expected).mean() > 0.98


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_candidates_that_know_the_object_agree_on_it(seed):
    rng = np.random.default_rng(seed)
    axes = rng.uniform(4, 9, 3)
    points = inside_points(rng, axes, 40)
    ground_truth = scenes.ellipsoid_distances(points, axes, RAYS)
    voted = vote(Polyhedra(points, ground_truth, RAYS, rng.uniform(0.4, 0.9, 40)), np.arange(3))
    assert np.abs(voted.distances / ground_truth[:3] - 1).mean() < 0.03
    assert np.abs(voted.distances / ground_truth[:3] - 1).max() < 0.3  # between rays, far from a centre


def test_errors_average_out():
    rng = np.random.default_rng(1)
    axes = np.array([5.0, 6.0, 7.0])
    points = inside_points(rng, axes, 60)
    ground_truth = scenes.ellipsoid_distances(points, axes, RAYS)
    guessed = (ground_truth * np.exp(rng.normal(0, 0.1, ground_truth.shape))).astype(np.float32)
    voted = vote(Polyhedra(points, guessed, RAYS, np.full(60, 0.8)), np.arange(5))
    before, after = (np.abs(d / ground_truth[:5] - 1).mean() for d in (guessed[:5], voted.distances))
    assert after < 0.75 * before


def test_where_they_disagree_it_leans_outwards_and_no_vote_counts_without_limit():
    points, prob = np.zeros((4, 3)) + np.arange(4)[:, None] * 1e-3, np.full(4, 0.8)
    radii = np.repeat([[5.0], [5.0], [6.0], [6.0]], 96, axis=1)
    assert 5.55 < vote(Polyhedra(points, radii, RAYS, prob), np.array([0])).distances.mean() < 5.9
    radii[3] = 1000
    one = vote(Polyhedra(points, radii, RAYS, prob), np.array([0])).distances
    assert one.max() < 1.5 * 5


def test_the_probability_is_that_of_the_surest_voter_and_neighbours_do_not_vote():
    points = np.array([[0, 0, 0], [0, 0, 1], [0, 0, 12], [0, 0, 4.5]])
    radii, prob = np.full((4, 96), 5.0), np.array([0.6, 0.7, 0.9, 0.8])
    voted = vote(Polyhedra(points, radii, RAYS, prob), np.array([0, 2]))
    assert voted.prob.tolist() == pytest.approx([0.7, 0.9])
    np.testing.assert_array_equal(voted.distances[1], radii[2].astype(np.float32))
    # Who does not hold the kept centre does not vote, however sure
    radii[1] = 0.5
    assert vote(Polyhedra(points, radii, RAYS, prob), np.array([0])).prob[0] == pytest.approx(0.6)


@pytest.mark.parametrize("num_threads", ["1", "2"])
def test_neither_order_nor_threads_nor_what_is_elsewhere_matters(monkeypatch, num_threads):
    rng = np.random.default_rng(2)
    rays = golden_spiral(32)
    points = rng.uniform(0, 30, (400, 3)).round()
    prob = rng.uniform(0.3, 0.9, 400).astype(np.float32)
    some = Polyhedra(points, scenes.smooth_distances(rng, 400, rays), rays, prob)
    kept = suppress(some)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    want = vote(some, kept)
    assert np.abs(want.distances - some.distances[kept]).max() > 0.1
    np.testing.assert_array_equal(want.points, points[kept])
    shuffled = rng.permutation(400)
    elsewhere = Polyhedra(points + 100, some.distances, rays, prob)
    more = Polyhedra.joined([some.take(shuffled), elsewhere])
    monkeypatch.setenv("OMP_NUM_THREADS", num_threads)
    got = vote(more, np.argsort(shuffled)[kept])
    np.testing.assert_array_equal(got.distances, want.distances)
    np.testing.assert_array_equal(got.prob, want.prob)
    np.testing.assert_array_equal(got.spread, want.spread)
    assert want.spread.max() > 0.1


def test_the_spread_is_that_of_the_volumes_of_the_voters():
    """Weighted as the votes are; who is elsewhere, or alone, adds nothing."""
    points = np.array([[0, 0, 0], [0, 0, 1], [0, 2, 0], [0, 0, 20]], float)
    radii, prob = np.repeat([[5.0], [6.0], [7.0], [9.0]], 96, axis=1), np.array([0.8, 0.7, 0.5, 0.9])
    voted = vote(Polyhedra(points, radii, RAYS, prob), np.array([0, 3]))
    share = np.array([0, 1, 2]) / 5 / 0.8  # of the way to where votes end
    weight, volume = prob[:3] * (1 - share**2), 3 * np.log([5, 6, 7])
    mean = np.average(volume, weights=weight)
    expected = np.sqrt(np.average((volume - mean) ** 2, weights=weight))
    np.testing.assert_allclose(voted.spread, [expected, 0], rtol=0.01, atol=1e-6)
    assert vote(Polyhedra(points, radii, RAYS, np.zeros(4)), np.array([0])).spread.tolist() == [0]


def test_nothing_and_wrong_arguments():
    nothing = Polyhedra(np.zeros((0, 3)), np.zeros((0, 96)), RAYS, np.zeros(0))
    assert vote(nothing, np.zeros(0, int)).distances.shape == (0, 96)
    two = Polyhedra(np.zeros((2, 3)), np.ones((2, 96)), RAYS)
    with pytest.raises(ValueError, match="must have probabilities"):
        vote(two, np.array([0]))
    with pytest.raises(ValueError, match=r"kept must be indices, got bool; of a mask take np.flatnonzero"):
        vote(two.with_prob(np.ones(2)), np.array([True, False]))


def test_precedence_is_that_of_the_middle_of_a_long_object():
    """Candidates along its axis, equally probable, who see less of what is far: the middle one is first."""
    axes = np.array([4.0, 4.0, 14.0])
    points = np.array([[0, 0, x] for x in (-8, -4, 0, 4, 8)], float)
    ground_truth = scenes.ellipsoid_distances(points, axes, RAYS)
    seen = np.minimum(ground_truth, 9.0)
    candidates = Polyhedra(points, seen, RAYS, np.full(5, 0.8))
    order = precedence(candidates)
    assert order.argmax() == 2
    assert order[0] < order[1] < order[2] > order[3] > order[4]
    surer = precedence(candidates.with_prob(np.array([0.8, 0.8, 0.4, 0.8, 0.8])))
    assert surer.argmax() in (1, 3)
    assert (precedence(Polyhedra(np.zeros((1, 3)), np.zeros((1, 96)), RAYS, np.ones(1))) == 0).all()


def test_a_lower_group_takes_precedence_and_votes_stay_within_a_group():
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (30, 3))
    radii = np.repeat(np.where(np.arange(30) < 20, 9.0, 5.0)[:, None], 96, axis=1)
    both = Polyhedra(points, radii, RAYS, np.where(np.arange(30) < 20, 0.5, 0.9))
    both = replace(both, group=(np.arange(30) >= 20).astype(np.uint8))
    rank = precedence(both)
    assert rank[:20].min() > rank[20:].max()
    first, second = both.take(np.arange(20)), both.take(np.arange(20, 30))
    np.testing.assert_array_equal(precedence(first), precedence(replace(first, group=None)))
    voted = vote(both, np.array([25, 3, 21]))
    assert voted.group.tolist() == [1, 0, 1]
    np.testing.assert_array_equal(voted.points, points[[25, 3, 21]])
    alone = [vote(replace(one, group=None), np.array(rows)) for one, rows in ((first, [3]), (second, [5, 1]))]
    np.testing.assert_array_equal(voted.distances[1], alone[0].distances[0])
    np.testing.assert_array_equal(voted.distances[[0, 2]], alone[1].distances)
    np.testing.assert_array_equal(voted.spread[[0, 2]], alone[1].spread)
    assert vote(both, np.zeros(0, int)).group.shape == (0,)
