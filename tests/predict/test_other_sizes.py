"""Remarks on objects of another size, and on a single object that may be the whole specimen."""

import numpy as np
import pytest

from anystar.predict.other_sizes import RunnerUp, report_sizes
from anystar.predict.scale_search import SearchResult
from anystar.predict.scale_search.search import SecondScale
from anystar.preprocess import Preprocessing
from tests.predict.scale_search.made import scale_at

SHAPE = (100, 100, 100)
SPOTS = [(z, 50, 50) for z in range(10, 90, 4)]


def notes(chosen, other, *, second=None, unit=1.0):
    found = SearchResult(
        diameter=chosen.diameter,
        aspect=(1.0, 1.0, 1.0),
        preprocessing=Preprocessing(),
        best=chosen,
        runner_up=other,
        second=None if second is None else SecondScale(diameter=second, zoom=1.0, prob_thresh=0.5),
    )
    return report_sizes(found, SHAPE, unit=unit)[1]


def test_the_runner_up_is_counted_in_the_whole_image_and_named_as_the_argument_takes_it():
    """Of a scale that was tried in an eighth of the image, eight times as many objects are expected."""
    large = scale_at(0.5, [(30, 30, 30), (70, 70, 70)], 9.0, SHAPE, diameter=20.0)
    small = scale_at(2.0, [(z, 30, 30) for z in range(5, 45, 2)], 1.0, (50, 50, 50), diameter=4.0)
    assert RunnerUp.of(small, large, 1e6).num_objects == 160
    (note,) = notes(large, small, unit=0.5)
    assert note.kind == "runner_up"
    assert (
        str(note) == "also visible: some 160 objects with a diameter of about 2; use diameter=2 to find these"
    )
    (note,) = notes(small, large)
    assert str(note).startswith("also visible: some 2 objects with a diameter of about 20;")


@pytest.mark.parametrize(
    ("weight", "prob", "diameter", "reported"),
    [(1.0, 0.8, 4.0, True), (1.0, 0.6, 4.0, False), (0.1, 0.8, 4.0, False), (1.0, 0.8, 12.0, False)],
    ids=["serious", "unsure", "little evidence", "nearly the same size"],
)
def test_only_a_serious_runner_up_is_worth_a_note(weight, prob, diameter, reported):
    large = scale_at(0.5, SPOTS[:10], 4.0, SHAPE, diameter=20.0)
    other = scale_at(2.0, SPOTS, weight, SHAPE, prob=prob, diameter=diameter)
    assert bool(notes(large, other)) == reported
    assert RunnerUp.of(other, large, 1e6).share == pytest.approx(weight / 2)


def test_two_sizes_that_are_both_found_are_named_instead():
    large = scale_at(0.5, SPOTS[:10], 4.0, SHAPE, diameter=20.0)
    (note,) = notes(large, scale_at(2.0, SPOTS, 1.0, SHAPE, diameter=4.0), second=4.2)
    assert note.kind == "two_sizes"
    assert "4.2 and 20" in str(note)


def test_a_single_object_that_fills_the_image_may_be_a_specimen():
    whole = scale_at(0.3, [(50, 50, 50)], 400.0, SHAPE, diameter=90.0)
    assert [note.kind for note in notes(whole, None)] == ["specimen"]
    assert not notes(scale_at(0.3, [(50, 50, 50)], 400.0, SHAPE, diameter=30.0), None)
    assert not notes(scale_at(0.3, [(50, 50, 50)] * 2, 400.0, SHAPE, diameter=90.0), None)
    parts = scale_at(2.0, SPOTS, 0.5, SHAPE, diameter=6.0)
    (note,) = notes(parts, whole)
    assert str(note).startswith("also visible: 1 object with a diameter of about 90;")


def test_without_a_chosen_scale_the_runner_up_is_still_reported():
    other = scale_at(2.0, SPOTS, 1.0, SHAPE)
    made = RunnerUp.of(other, None, 1e6)
    assert (made.num_objects, made.share, made.confidence) == (20, 0, pytest.approx(0.8))
    assert RunnerUp.of(None, other, 1e6) is None
    assert np.isfinite(made.score)
