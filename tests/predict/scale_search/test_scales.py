"""The zoom at which a part of an image shows most."""

from dataclasses import replace

import numpy as np
import pytest

from anystar.predict.scale_search.config import SearchConfig
from anystar.predict.scale_search.scales import best_scale, find_runner_up, find_second
from tests.predict.scale_search.made import scale_at

CONFIG, SHAPE, WHOLE = SearchConfig(), (64, 128, 64), (128, 128, 128)


@pytest.mark.parametrize(("weight", "wins"), [(0.5, False), (1.5, True)])
def test_a_fine_scale_wins_with_more_than_one_object_of_the_best(weight, wins):
    """Where the best shows nothing, next to nothing must not beat it."""

    def try_zoom(zoom, best):
        if zoom < 1:
            return scale_at(zoom, [(10, 10, 10), (50, 50, 50)], 1.0, SHAPE)
        found = scale_at(zoom, [(30, 30, 30)], weight, SHAPE)
        return replace(found, boxes=np.array([[[20.0, 20, 20], [40, 40, 40]]]))

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
        return scale_at(zoom, [(10, y, 10) for y in range(10, 90, 20)], weight, SHAPE)

    found, _ = best_scale(try_zoom, extent=128, config=CONFIG, near=near)
    assert zooms == tried
    assert found.zoom == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize(("least", "tried"), [(0.79, {0.25, 0.354, 0.5, 0.707}), (0.81, {0.5})])
def test_without_the_least_confidence_at_the_known_zoom_no_other_is_tried(least, tried):
    zooms = set()

    def try_zoom(zoom, _):
        zooms.add(round(zoom, 3))
        found = scale_at(zoom, [(10, y, 10) for y in range(10, 90, 20)], zoom, SHAPE)
        return replace(found, prob=np.full_like(found.prob, 0.8))

    found, made = best_scale(try_zoom, extent=128, config=CONFIG, near=0.5, least=least)
    assert zooms == tried
    assert found.zoom == max(each.zoom for each in made)


def test_without_evidence_the_zoom_nearest_to_one_is_taken():
    best, tried = best_scale(lambda zoom, _: scale_at(zoom, [], 0.0, SHAPE), extent=128, config=CONFIG)
    assert best.zoom == 1
    assert find_runner_up(best, tried, CONFIG) is None
    assert find_second(best, tried, CONFIG) is None


@pytest.mark.parametrize(("fine", "expected"), [(6.0, 0.25), (9.0, 1.0)])
def test_the_runner_up_has_objects_of_another_size(fine, expected):
    """Neighbouring scales show the same objects; what else could be meant has another diameter."""
    weights = {0.25: 8.0, 0.354: 5.0, 0.5: 10.0, 0.707: 9.9, 1.0: fine}
    diameters = {0.25: 40.0, 0.354: 20.0, 0.5: 20.0, 0.707: 20.0, 1.0: 7.0}

    def try_zoom(zoom, _):
        zoom = round(zoom, 3)
        return scale_at(zoom, [(5, 5, 5)], weights.get(zoom, 0.1), SHAPE, diameter=diameters.get(zoom, 20.0))

    best, tried = best_scale(try_zoom, extent=128, config=CONFIG)
    runner_up = find_runner_up(best, tried, CONFIG)
    assert best.zoom == 0.5
    assert runner_up.zoom == expected
    assert runner_up.diameter == diameters[expected]


def specimen(parts, *, num=400, prob=0.7, diameter=8.0):
    """Return a score of zooms: a specimen at coarse ones, and from 1.4 on ``parts`` of it, in two places."""
    rng, zooms = np.random.default_rng(0), []

    def try_zoom(zoom, best):
        zooms.append(round(zoom, 2))
        if zoom < 0.5:
            return scale_at(zoom, [(64, 64, 64)], 400.0, WHOLE, prob=0.9, diameter=100.0)
        if zoom < 1.4:
            return scale_at(zoom, [], 0.0, WHOLE)
        found = scale_at(zoom, rng.uniform(30, 98, (num, 3)), parts, WHOLE, prob=prob, diameter=diameter)
        boxes = np.array([[[30.0, 30, 30], [50, 50, 50]], [[60.0, 60, 60], [90, 90, 90]]])
        return replace(found, boxes=boxes)

    return try_zoom, zooms


def test_many_confident_parts_win_over_a_specimen_that_outweighs_them():
    try_zoom, zooms = specimen(0.1)
    best, tried = best_scale(try_zoom, extent=128, config=CONFIG)
    assert best.zoom == pytest.approx(1.41, abs=0.01)
    assert zooms[-1] == 2
    whole = find_runner_up(best, tried, CONFIG)
    assert (len(whole.points), whole.diameter) == (1, 100)


@pytest.mark.parametrize(
    "texture",
    [{"prob": 0.5}, {"num": 8}, {"num": 0}, {"diameter": 40.0}],
    ids=["dim", "few", "none", "large"],
)
def test_a_single_object_without_many_confident_parts_stays_one_and_every_zoom_is_tried(texture):
    try_zoom, zooms = specimen(0.1, **texture)
    best, _ = best_scale(try_zoom, extent=128, config=CONFIG)
    assert len(best.points) == 1
    assert zooms[-1] == 2


def test_details_of_several_large_objects_do_not_win_by_their_number():
    rng = np.random.default_rng(0)
    cells = [(z, y, x) for z in (32, 96) for y in (32, 96) for x in (32, 96)]

    def try_zoom(zoom, best):
        if zoom < 0.8:
            return scale_at(zoom, cells, 60.0, WHOLE, diameter=50.0)
        return scale_at(zoom, rng.uniform(0, 128, (400, 3)), 0.5, WHOLE, prob=0.7, diameter=6.0)

    best, _ = best_scale(try_zoom, extent=128, config=CONFIG)
    assert len(best.points) == len(cells)


def two_sizes(ratio, *, prob=0.85):
    """Return a score of zooms: 8 large objects, and from 1.4 on 60 small ones beside them."""
    zooms = []

    def try_zoom(zoom, best):
        zooms.append(round(zoom, 2))
        if zoom < 0.9:
            large = [(z, y, x) for z in (20, 50) for y in (30, 90) for x in (30, 90)]
            return scale_at(zoom, large, 60.0 if zoom < 0.6 else 50.0, WHOLE, diameter=30.0)
        small = np.random.default_rng(0).uniform((90, 0, 0), (128, 128, 128), (60, 3))
        return scale_at(zoom, small if zoom > 1 else small[:5], 1.0, WHOLE, prob=prob, diameter=30 / ratio)

    return try_zoom, zooms


@pytest.mark.parametrize(
    ("ratio", "prob", "found"), [(4, 0.85, 60), (6, 0.85, 60), (4, 0.6, 0), (1.5, 0.85, 0)]
)
def test_objects_of_a_much_different_size_beside_the_others_are_a_second_scale(ratio, prob, found):
    try_zoom, zooms = two_sizes(ratio, prob=prob)
    best, tried = best_scale(try_zoom, extent=128, config=CONFIG)
    assert best.diameter == 30
    second = find_second(best, tried, CONFIG)
    assert (0 if second is None else len(second.points)) == found
    assert (zooms[-1] > 1.1) == (prob >= 0.7)  # finer zooms are tried while something is left over
