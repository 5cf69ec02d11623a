"""The zoom at which a part of an image shows most."""

from dataclasses import replace

import numpy as np
import pytest

from anystar.predict.scale_search.config import SearchConfig
from anystar.predict.scale_search.scales import best_scale
from tests.predict.scale_search.made import scale_at

CONFIG, SHAPE = SearchConfig(), (64, 128, 64)


@pytest.mark.parametrize(("weight", "wins"), [(0.5, False), (1.5, True)])
def test_a_fine_scale_wins_with_more_than_one_object_of_the_best(weight, wins):
    """Where the best shows nothing, next to nothing must not beat it."""

    def try_zoom(zoom, best):
        if zoom < 1:
            return scale_at(zoom, [(10, 10, 10), (50, 50, 50)], 1.0, SHAPE)
        found = scale_at(zoom, [(30, 30, 30)], weight, SHAPE)
        return replace(found, inner=np.array([[20.0, 20, 20], [40, 40, 40]]))

    best, _ = best_scale(try_zoom, extent=64, config=CONFIG)
    assert (best.zoom >= 1) == wins


@pytest.mark.parametrize(
    ("near", "best", "tried"),
    [(0.5, 0.707, [0.25, 0.354, 0.5, 0.707]), (0.5, 0.354, [0.25, 0.354, 0.5]), (5.0, 5.0, [5.0])],
)
def test_near_a_known_zoom_no_other_scale_is_tried(near, best, tried):
    zooms = []

    def try_zoom(zoom, _):
        zooms.append(round(zoom, 3))
        weight = 1.0 - abs(np.log2(zoom / best)) / 4
        return scale_at(zoom, [(10, 10, 10), (50, 50, 50)], weight, SHAPE)

    found, _ = best_scale(try_zoom, extent=128, config=CONFIG, near=near)
    assert zooms == tried
    assert found.zoom == pytest.approx(best, abs=1e-3)


def test_without_evidence_the_zoom_nearest_to_one_is_taken():
    best, runner_up = best_scale(lambda zoom, _: scale_at(zoom, [], 0.0, SHAPE), extent=128, config=CONFIG)
    assert best.zoom == 1
    assert runner_up is None


@pytest.mark.parametrize(("fine", "expected"), [(6.0, 0.25), (9.0, 1.0)])
def test_the_runner_up_has_objects_of_another_size(fine, expected):
    """Neighbouring scales show the same objects; what else could be meant has another diameter."""
    weights = {0.25: 8.0, 0.354: 5.0, 0.5: 10.0, 0.707: 9.9, 1.0: fine}
    diameters = {0.25: 40.0, 0.354: 20.0, 0.5: 20.0, 0.707: 20.0, 1.0: 7.0}

    def try_zoom(zoom, _):
        zoom = round(zoom, 3)
        return scale_at(zoom, [(5, 5, 5)], weights.get(zoom, 0.1), SHAPE, diameter=diameters.get(zoom, 20.0))

    best, runner_up = best_scale(try_zoom, extent=128, config=CONFIG)
    assert best.zoom == 0.5
    assert runner_up.zoom == expected
    assert runner_up.diameter == diameters[expected]
