import numpy as np
import pytest

from anystar.geometry.rays import golden_spiral
from anystar.predict.candidates import Candidates
from anystar.predict.scale import _sample, evidence
from tests.predict.stub import stub_model
from tests.predict.test_segment import blobs


def candidates(radius, prob, num=1):
    points = np.arange(num)[:, None] * np.array([100.0, 0, 0])
    distances = np.full((num, 32), radius, np.float32)
    return Candidates(
        points=points.astype(np.float32), prob=np.full(num, prob, np.float32), distances=distances, floor=0.1
    )


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


def test_a_large_volume_is_judged_by_its_liveliest_part():
    image = np.zeros((200, 400, 300), np.float32)
    image[150:190, 330:390, 200:280] = np.random.default_rng(0).random((40, 60, 80))
    part = _sample(image, (1.0, 1.0, 1.0))
    assert part.size <= 160**3 * 1.01
    assert part.sum() > 0.5 * image.sum()
    small = image[:50]
    assert _sample(small[:, :100, :100], (1.0, 1.0, 1.0)).shape == (50, 100, 100)
