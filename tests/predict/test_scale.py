from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anystar.config import ConfigError
from anystar.geometry.rays import golden_spiral
from anystar.predict import pyramid
from anystar.predict.candidates import Candidates
from anystar.predict.pyramid import Level, _weigh, _weights, best_level, narrow, sample
from anystar.predict.scale import diameter_in_voxels
from anystar.preprocess import Preprocessing
from anystar.preprocess.arrays import whole_box
from tests.predict.stub import stub_model
from tests.predict.test_segment import blobs


def candidates(radius, prob, num=1):
    points = np.arange(num)[:, None] * np.array([100.0, 0, 0])
    distances = np.full((num, 32), radius, np.float32)
    return Candidates(
        points=points.astype(np.float32), prob=np.full(num, prob, np.float32), distances=distances, floor=0.1
    )


def evidence(found, rays):
    return _weigh(*_weights(found, rays, threshold=0.5)[2:])


def test_evidence_grows_with_number_size_and_probability():
    rays = golden_spiral(32)
    one = evidence(candidates(4, 0.6), rays)
    assert one.confidence == pytest.approx(0.6)
    assert one.score == pytest.approx((0.6 - 0.2) ** 3 * 8**1.5, rel=1e-3)
    assert evidence(candidates(4, 0.6, num=3), rays).score == pytest.approx(3 * one.score, rel=1e-3)
    assert evidence(candidates(5, 0.6), rays).score > one.score
    assert evidence(candidates(4, 0.7), rays).score > one.score
    assert evidence(candidates(4, 0.15), rays) == (0, 0)
    assert evidence(Candidates.none(32, 0.1), rays) == (0, 0)


def test_duplicates_count_once():
    twice = candidates(4, 0.6, num=2)
    twice.points[:] = 0
    rays = golden_spiral(32)
    assert evidence(twice, rays) == evidence(candidates(4, 0.6), rays)


def test_without_a_diameter_the_objects_are_found_and_a_size_is_told():
    result = stub_model().segment(blobs((48, 48, 48), [(14, 14, 14), (34, 34, 30)], 5))
    assert result.diameter_vox is not None
    assert result.labels[14, 14, 14] > 0
    assert result.labels[34, 34, 30] > 0


def scene_of(image):
    return Preprocessing().apply(image)


@given(st.tuples(*[st.integers(4, 400)] * 3), st.floats(1, 100), st.floats(0.1, 2))
def test_a_part_fits_the_voxels_that_are_allowed_whatever_the_proportions(shape, ratio, factor):
    size = np.array([ratio, 1, 1]) * factor
    side = pyramid._fitting(np.array(shape), size, pyramid.LEVEL_VOXELS)
    assert (side >= 4).all()
    assert (side <= shape).all()
    assert (side * size).prod() <= 1.3 * pyramid.LEVEL_VOXELS


def test_a_large_volume_is_judged_by_its_liveliest_part():
    image = np.zeros((200, 400, 300), np.float32)
    image[150:190, 330:390, 200:280] = np.random.default_rng(0).random((40, 60, 80))
    part = image[sample(scene_of(image), (1.0, 1.0, 1.0))]
    assert part.size <= 160**3 * 1.01
    assert part.sum() > 0.5 * image.sum()
    small = image[:50, :100, :100]
    assert small[sample(scene_of(small), (1.0, 1.0, 1.0))].shape == (50, 100, 100)


def found_at(factor, spots, weight, shape):
    """Return a level that found objects at the given places of a whole volume."""
    num = len(spots)
    return Level(
        factor=factor,
        inner=np.array([[0.0, 0, 0], shape]),
        points=np.array(spots, np.float64).reshape(num, 3),
        diameters=np.full(num, 10.0),
        weight=np.full(num, weight),
        prob=np.full(num, 0.8),
    )


def test_a_fine_level_looks_where_the_best_so_far_has_found_most():
    image = np.random.default_rng(0).random((200, 200, 200), np.float32)
    crowd = np.random.default_rng(1).uniform(120, 180, (30, 3))
    best = found_at(0.7, [*crowd, (20, 20, 20), (60, 20, 20)], 1.0, image.shape)
    box = narrow(scene_of(image), whole_box(image.shape), (1.0, 1.0, 1.0), 1.0, best)
    low, high = np.array([(s.start, s.stop) for s in box]).T
    assert np.prod(high - low) <= 88**3
    assert ((crowd >= low) & (crowd < high)).all()
    assert narrow(scene_of(image), box, (1.0, 1.0, 1.0), 1.0, best) == box


@given(
    shape=st.tuples(st.integers(4, 60), st.integers(4, 400), st.integers(4, 400)),
    z=st.sampled_from([1.0, 2.5, 5.0]),
    factor=st.sampled_from([0.5, 1.0, 2.0]),
)
def test_a_narrowed_box_lies_in_the_box_and_is_not_larger_than_asked(shape, z, factor):
    image = np.broadcast_to(np.float32(0), shape)
    box = narrow(scene_of(image), whole_box(shape), (z, 1.0, 1.0), factor, None)
    sides = [s.stop - s.start for s in box]
    assert all(0 <= s.start < s.stop <= n for s, n in zip(box, shape, strict=True))
    assert np.prod(sides) * z * factor**3 <= 2 * 88**3 or min(sides) <= 4


def test_evidence_counts_only_the_objects_within():
    level = found_at(1.0, [(5, 5, 5), (50, 50, 50)], 2.0, (64, 64, 64))
    assert level.evidence.score == pytest.approx(4)
    assert level.within(np.array([[0.0, 0, 0], [10, 10, 10]])).score == pytest.approx(2)
    assert level.within(np.array([[0.0, 0, 0], [2, 2, 2]])) == (0, 0)


def test_the_diameter_of_a_level_is_that_of_the_objects_that_weigh_most():
    level = found_at(1.0, [(5, 5, 5), (50, 50, 50), (20, 50, 50)], 1.0, (64, 64, 64))
    level.diameters[:] = 4, 9, 12
    assert level.diameter == 9
    level.weight[:] = 1, 1, 10
    assert level.diameter == 12


def test_objects_next_to_a_cut_do_not_decide_where_a_fine_level_looks():
    """What is found there does not count, so that a box with all objects at its edges would show nothing."""
    image = np.random.default_rng(0).random((300, 300, 300), np.float32)
    star = 100 + 41 * np.array([[0, 0, 0], [0, 0, 1], [0, 0, -1], [0, 1, 0], [0, -1, 0], [1, 0, 0]])
    best = found_at(0.7, [*star, (240, 240, 240), (243, 240, 240), (240, 243, 240)], 1.0, image.shape)
    box = narrow(scene_of(image), whole_box(image.shape), (1.0, 1.0, 1.0), 1.0, best)
    low, high = np.array([(s.start, s.stop) for s in box]).T
    inner = (best.points >= low + 6) & (best.points < high - 6)
    assert inner.all(1).sum() >= 3


@pytest.mark.parametrize(("weight", "wins"), [(0.5, False), (1.5, True)])
def test_a_fine_level_wins_with_more_than_one_object_of_the_best(weight, wins, monkeypatch):
    """Where the best shows nothing, next to nothing must not beat it."""
    image = np.random.default_rng(0).random((64, 64, 64), np.float32)

    def level(model, scene, box, voxel_size, factor, floor):
        if factor < 1:
            return found_at(factor, [(10, 10, 10), (50, 50, 50)], 1.0, image.shape)
        found = found_at(factor, [(30, 30, 30)], weight, image.shape)
        return replace(found, inner=np.array([[20.0, 20, 20], [40, 40, 40]]))

    monkeypatch.setattr(pyramid, "_try", level)
    best = best_level(None, scene_of(image), whole_box(image.shape), (1.0, 1.0, 1.0), 0.1)
    assert (best.factor >= 1) == wins


@pytest.mark.parametrize(
    ("near", "best", "tried"),
    [(0.5, 0.707, [0.25, 0.354, 0.5, 0.707]), (0.5, 0.354, [0.25, 0.354, 0.5]), (5.0, 5.0, [5.0])],
)
def test_next_to_a_known_magnification_no_other_level_is_looked_at(near, best, tried, monkeypatch):
    image = np.random.default_rng(0).random((64, 128, 64), np.float32)
    asked = []

    def level(model, scene, box, voxel_size, factor, floor):
        asked.append(round(factor, 3))
        weight = 1.0 - abs(np.log2(factor / best)) / 4
        return found_at(factor, [(10, 10, 10), (50, 50, 50)], weight, image.shape)

    monkeypatch.setattr(pyramid, "_try", level)
    found = best_level(None, scene_of(image), whole_box(image.shape), (1.0, 1.0, 1.0), 0.1, near=near)
    assert asked == tried
    assert found.factor == pytest.approx(best, abs=1e-3)


def test_a_diameter_in_the_wrong_unit_is_one_line():
    assert diameter_in_voxels(None, (1, 1, 1), (8, 8, 8)) is None
    assert diameter_in_voxels(12, (2, 0.5, 0.5), (8, 64, 64)) == 24
    assert diameter_in_voxels(2, None, (8, 8, 8)) == 2
    for diameter, spacing in ((8, (1000, 1000, 1000)), (0.01, None), (12_000, (2, 0.5, 0.5))):
        with pytest.raises(ConfigError, match="correct it, or the voxel size"):
            diameter_in_voxels(diameter, spacing, (40, 40, 40))
    with pytest.raises(ConfigError, match=r"got 0\.008 \(8 um, with 1000 um a voxel\)"):
        diameter_in_voxels(8, (1000, 1000, 1000), (40, 40, 40))
    assert diameter_in_voxels(70, (4, 1, 1), (10, 8, 8)) == 70, "40 voxels of the finest axis along Z"
