"""Evidence of a scale: certain and large objects, counted once."""

from dataclasses import replace

import numpy as np
import pytest

from anystar.geometry.rays import golden_spiral
from anystar.predict.candidates import Candidates
from anystar.predict.scale_search.config import SearchConfig
from anystar.predict.scale_search.evidence import weigh
from tests.predict.scale_search.made import scale_at

RAYS = golden_spiral(32)
EVERYWHERE = np.array([[[-1e3] * 3, [1e3] * 3]])


def candidates(radius, prob, num=1):
    points = np.arange(num)[:, None] * np.array([100.0, 0, 0])
    distances = np.full((num, 32), radius, np.float32)
    return Candidates(
        points=points.astype(np.float32),
        prob=np.full(num, prob, np.float32),
        distances=distances,
        rays=RAYS,
        floor=0.1,
    )


def evidence(found):
    made = weigh(found, 0.5, zoom=1.0, boxes=EVERYWHERE, config=SearchConfig())
    return made.evidence


def test_evidence_grows_with_number_size_and_probability():
    one = evidence(candidates(4, 0.6))
    assert one.confidence == pytest.approx(0.6)
    assert one.score == pytest.approx((0.6 - 0.2) ** 3 * 8**1.5, rel=1e-3)
    assert evidence(candidates(4, 0.6, num=3)).score == pytest.approx(3 * one.score, rel=1e-3)
    assert evidence(candidates(5, 0.6)).score > one.score
    assert evidence(candidates(4, 0.7)).score > one.score
    assert evidence(candidates(4, 0.15)) == (0, 0)
    assert evidence(Candidates.none(RAYS, 0.1)) == (0, 0)


def test_duplicates_count_once():
    twice = candidates(4, 0.6, num=2)
    twice.points[:] = 0
    assert evidence(twice) == evidence(candidates(4, 0.6))


def test_evidence_in_boxes_counts_objects_by_the_share_of_their_bodies():
    made = scale_at(1.0, [(5, 5, 5), (50, 50, 50)], 2.0, (64, 64, 64))
    assert made.evidence.score == pytest.approx(4)
    assert made.within(np.array([[[0.0, 0, 0], [10, 10, 10]]])).score == pytest.approx(2)
    assert made.within(np.array([[[0.0, 0, 0], [5, 10, 10]]])).score == pytest.approx(1)
    assert made.within(np.array([[[0.0, 0, 0], [5, 10, 10]], [[5.0, 0, 0], [64, 64, 64]]])) == (
        pytest.approx(4),
        pytest.approx(0.8),
    )
    assert made.within(np.array([[[20.0, 20, 20], [30, 30, 30]]])) == (0, 0)


def test_a_specimen_counts_in_a_small_part_of_it_by_that_part():
    """Its centre may lie elsewhere, and its evidence is not all there."""
    specimen = scale_at(0.4, [(50, 50, 50)], 400.0, (100, 100, 100), diameter=80.0)
    part = np.array([[[20.0, 40, 40], [40, 60, 60]]])
    share = 20**3 / (np.pi / 6 * 80**3)
    assert specimen.within(part).score == pytest.approx(400 * share)
    fine = replace(scale_at(2.0, [(30, 50, 50)], 500 * share, (100, 100, 100)), boxes=part)
    assert fine.outweighs(specimen)
    assert not replace(fine, weight=fine.weight / 2).outweighs(specimen)


def test_objects_beside_those_of_another_scale_neither_lie_in_them_nor_hold_them():
    large = scale_at(0.5, [(30, 30, 30)], 9.0, (100, 100, 100), diameter=40.0)
    small = scale_at(2.0, [(30, 30, 35), (30, 30, 80)], 1.0, (100, 100, 100), diameter=6.0)
    assert small.beside(large).points.tolist() == [[30, 30, 80]]
    assert len(large.beside(small).points) == 0
    assert len(large.beside(small.take(np.array([1]))).points) == 1
    unlikely = replace(large, prob=np.array([0.3]))
    assert len(small.beside(unlikely).points) == 2
    elsewhere = replace(large, boxes=np.array([[[0.0, 0, 0], [60, 60, 60]]]))
    assert len(small.beside(elsewhere).points) == 0


def test_the_diameter_is_that_of_the_objects_with_most_evidence():
    made = scale_at(1.0, [(5, 5, 5), (50, 50, 50), (20, 50, 50)], 1.0, (64, 64, 64))
    made.diameters[:] = 4, 9, 12
    assert made.diameter == 9
    made.weight[:] = 1, 1, 10
    assert made.diameter == 12


def test_objects_that_the_border_cuts_count_whole_where_all_was_tried():
    """Otherwise finer scales, whose objects are smaller, would win in small volumes."""
    cut = scale_at(0.3, [(1, 1, 1), (32, 32, 32)], 5.0, (64, 64, 64), diameter=20.0)
    assert cut.within(cut.boxes) == cut.evidence
    assert not replace(cut, weight=np.array([4.9, 5.0])).outweighs(cut)
