"""The distance between planes, where no voxel size is known."""

import numpy as np
import pytest

from anystar.predict.scale_search.aspect import search_aspect
from anystar.predict.scale_search.config import SearchConfig
from tests.predict.scale_search.made import trial


def trials(confidence):
    """Return a score of settings, at a zoom of a half along X, and a list of the distances tried."""
    made = []

    def score(setting):
        known = [confidence(distance) >= 0.55 for distance in made]
        assert setting.near == (0.5 if any(known) else None)
        best = max(map(confidence, made), default=0)
        assert setting.least == pytest.approx(best - 0.04 if best >= 0.65 else 0)
        z, _, x = setting.aspect
        made.append(z / x)
        return trial(setting, confidence(made[-1]), zoom=0.5 / x)

    return score, made


def chosen(score):
    z, _, x = search_aspect(score, SearchConfig()).setting.aspect
    assert min(z, x) == 1
    return z / x


@pytest.mark.parametrize(
    ("true", "taken"),
    [
        (0.3, 0.5),
        (0.5, 0.5),
        (0.7, 0.75),
        (1.5, 1.5),
        (2, 2),
        (2.9, 3),
        (3.2, 3),
        (4.54, 4),
        (5.5, 6),
        (20, 8),
    ],
)
def test_the_distance_with_the_highest_confidence_is_taken(true, taken):
    score, made = trials(lambda distance: 0.79 - 0.1 * abs(np.log2(distance / true)))
    assert chosen(score) == pytest.approx(taken)
    assert len(made) == len(set(made)) <= 7


@pytest.mark.parametrize(("highest", "most"), [(0.9, 1), (0.77, 3)])
def test_cubic_voxels_cost_no_further_trial_where_objects_are_clear(highest, most):
    score, made = trials(lambda distance: highest - 0.1 * abs(np.log2(distance)))
    assert chosen(score) == 1
    assert len(made) == most


def test_a_distance_that_hardly_helps_is_not_taken():
    score, _ = trials(lambda distance: 0.77 + 0.01 * (distance == 1.5))
    assert chosen(score) == 1


def test_where_cubic_voxels_show_nothing_noise_does_not_lead_astray():
    """In a light-sheet volume 2 was a little better than 1, and only 0.5 showed the nuclei."""
    confidence = {0.5: 0.55, 0.75: 0.54, 1: 0.36, 1.5: 0.45, 2: 0.4, 3: 0.3, 4: 0.32}
    score, made = trials(confidence.__getitem__)
    assert chosen(score) == 0.5
    assert len(made) <= 5


def test_a_whole_specimen_that_is_surer_than_its_parts_does_not_decide():
    def score(setting):
        z, _, x = setting.aspect
        return trial(setting, 0.7 if z == x else 0.9, num=10 if z == x else 1)

    assert chosen(score) == 1
    assert chosen(lambda setting: trial(setting, 0.7 if setting.aspect[0] == 1 else 0.9, num=1)) > 1
