"""What is unusual, and in what."""

import numpy as np
import pytest

from anystar.evaluate import describe, outlier_scores
from tests.scenes import balls


def scene(**changed):
    """Nine balls of radius 3 and their image; the fifth has the radius and intensity that are given."""
    places = [(6, y, x) for y in (8, 22, 36) for x in (8, 22, 36)]
    radius = [changed.get("radius", 3) if n == 5 else 3 for n in range(1, 10)]
    labels = balls(
        (13, 45, 45), *((n, place, r) for n, (place, r) in enumerate(zip(places, radius, strict=True), 1))
    )
    image = np.where(labels > 0, 100.0 + labels, 0.0)
    image[labels == 5] = changed.get("intensity", 105.0)
    return describe(labels, image)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"radius": 5}, "4.2 times the typical volume"),
        ({"radius": 1}, "0.057 times the typical volume"),
        ({"intensity": 300.0}, "brighter than the others"),
        ({"intensity": 1.0}, "darker than the others"),
    ],
)
def test_the_unusual_object_comes_first(changed, reason):
    objects = scene(**changed)
    first, *others = outlier_scores(objects)
    assert objects.label[first.row] == 5
    assert first.reasons == (reason,)
    assert first.score >= 1 > max(one.score for one in others)


def test_a_low_probability_counts_and_a_high_one_does_not():
    probability = np.array([0.8, 0.82, 0.81, 0.8, 0.3, 0.79, 0.83, 0.8, 0.9999])
    first, *others = outlier_scores(scene(), probability)
    assert (first.row, first.reasons) == (4, ("probability only 0.30",))
    assert all(one.score < 1 for one in others)


def test_no_objects_and_unknown_probabilities():
    assert outlier_scores(describe(np.zeros((2, 3, 4), int))) == []
    assert all(one.score < 1 for one in outlier_scores(scene(), np.full(9, np.nan)))
