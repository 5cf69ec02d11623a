"""Evidence of a scale: certain and large objects, counted once."""

import numpy as np
import pytest

from anystar.geometry.rays import golden_spiral
from anystar.predict.candidates import Candidates
from anystar.predict.scale_search.config import SearchConfig
from anystar.predict.scale_search.evidence import weigh
from tests.predict.scale_search.made import scale_at

RAYS = golden_spiral(32)
EVERYWHERE = np.array([[-1e3] * 3, [1e3] * 3])


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
    made = weigh(found, 0.5, zoom=1.0, inner=EVERYWHERE, start=np.zeros(3), config=SearchConfig())
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


def test_evidence_counts_only_the_objects_within():
    made = scale_at(1.0, [(5, 5, 5), (50, 50, 50)], 2.0, (64, 64, 64))
    assert made.evidence.score == pytest.approx(4)
    assert made.within(np.array([[0.0, 0, 0], [10, 10, 10]])).score == pytest.approx(2)
    assert made.within(np.array([[0.0, 0, 0], [2, 2, 2]])) == (0, 0)


def test_the_diameter_is_that_of_the_objects_with_most_evidence():
    made = scale_at(1.0, [(5, 5, 5), (50, 50, 50), (20, 50, 50)], 1.0, (64, 64, 64))
    made.diameters[:] = 4, 9, 12
    assert made.diameter == 9
    made.weight[:] = 1, 1, 10
    assert made.diameter == 12
