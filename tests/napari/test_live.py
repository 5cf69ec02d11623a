"""What sliders keep and redraw; needs no window."""

import numpy as np
import pytest

import anystar
from anystar.napari.live import Canvas, draw, histogram, size_edges
from anystar.objects import FilterOptions
from anystar.objects.filters import keep_labels
from tests.predict.stub import stub_model
from tests.scenes import objects_on_texture


@pytest.fixture(scope="module")
def result():
    volume = anystar.Volume(data=objects_on_texture(), spacing=(1, 0.5, 0.5))
    return stub_model().segment(volume, diameter=4, prob_thresh=0.4)


@pytest.fixture(scope="module")
def drawing(result):
    return draw(result)


FILTERS = [
    FilterOptions(),
    FilterOptions(min_volume=10.0),
    FilterOptions(max_volume=12.0),
    FilterOptions(drop_border=True),
    FilterOptions(min_sphericity=0.9, min_contrast=1.0),
    FilterOptions(polarity="dark"),
]


@pytest.mark.parametrize("filters", FILTERS)
def test_filters_keep_what_the_result_keeps(result, drawing, filters):
    canvas = Canvas(drawing)
    canvas.show(drawing, drawing.kept(result.prob_thresh, filters))
    expected = result.filter(filters)
    np.testing.assert_array_equal(canvas.labels, expected.labels)
    np.testing.assert_array_equal(canvas.table["label"], expected.objects.label)


def test_any_sequence_of_filters_ends_where_its_last_one_leads(drawing):
    rng = np.random.default_rng(0)
    canvas = Canvas(drawing)
    for _ in range(20):
        kept = rng.random(len(drawing.table)) < 0.5
        canvas.show(drawing, kept)
        np.testing.assert_array_equal(canvas.labels, keep_labels(drawing.labels, drawing.objects.label[kept]))


def test_the_preview_of_a_threshold_has_the_objects_of_the_exact_result(result, drawing):
    exact = draw(result.rethreshold(0.6))
    kept = drawing.kept(0.6, FilterOptions())
    assert 0 < kept.sum() < len(kept)
    np.testing.assert_allclose(
        np.sort(drawing.table["probability"][kept]), np.sort(exact.table["probability"]), atol=1e-6
    )
    canvas = Canvas(drawing)
    canvas.show(drawing, kept)
    overlap = (canvas.labels > 0) == (exact.labels > 0)
    assert overlap.mean() > 0.98
    canvas.show(exact, np.ones(len(exact.table), bool))
    np.testing.assert_array_equal(canvas.labels, exact.labels)


def test_the_drawing_itself_is_left_alone(drawing):
    before = drawing.labels.copy()
    Canvas(drawing).show(drawing, np.zeros(len(drawing.table), bool))
    np.testing.assert_array_equal(drawing.labels, before)


@pytest.mark.parametrize("sizes", [[], [5.0], [3.0, 3.0, 3.0], [1.0, 50.0, 2000.0]])
def test_every_object_is_in_a_bin(sizes):
    sizes = np.array(sizes)
    kept = np.arange(len(sizes)) % 2 == 0
    found = histogram(sizes, kept, size_edges(sizes))
    assert found.all.sum() == len(sizes)
    assert found.kept.sum() == kept.sum()
    assert (found.kept <= found.all).all()
