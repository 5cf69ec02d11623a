"""Labels on the disk, filtered as they are read; needs no window."""

import numpy as np
import pytest

from anystar.napari.lazy_labels import live_store
from anystar.objects import FilterOptions
from anystar.objects.filters import keep_labels
from anystar.objects.measure import measure
from tests.correction.scenes import labels_of_four


@pytest.fixture
def store():
    labels = labels_of_four()
    table = measure(labels, spacing=(1, 1, 1))
    probability = np.linspace(0.9, 0.517, len(table)).astype(np.float32)
    table = table.with_columns({"probability": probability})
    return labels, table, live_store(table, [labels, labels[::2, ::2, ::2]])


def test_what_is_left_out_is_background_at_every_resolution(store):
    labels, table, live = store
    finest, coarse = live.canvas.labels
    assert (finest.shape, finest.ndim, finest.size, finest.dtype) == (labels.shape, 3, labels.size, np.int32)
    np.testing.assert_array_equal(np.asarray(finest), labels)
    live.update(0.6, FilterOptions())
    kept = table["label"][table["probability"] >= 0.6]
    assert 0 < len(kept) < len(table)
    np.testing.assert_array_equal(finest[12], keep_labels(labels, kept)[12])
    np.testing.assert_array_equal(np.asarray(coarse), keep_labels(labels, kept)[::2, ::2, ::2])
    assert live.canvas.table["label"].tolist() == kept.tolist()
    live.update(live.exact.prob_thresh, FilterOptions())
    np.testing.assert_array_equal(np.asarray(finest), labels)


def test_the_lowest_threshold_is_that_of_the_objects_and_nothing_more_exact_follows(store):
    live = store[2]
    assert live.exact.prob_thresh == pytest.approx(0.51)
    assert live.exact.kept(live.exact.prob_thresh, FilterOptions()).all()
    live.update(0.8, FilterOptions())
    assert live.is_exact
    assert live.result() is None


def test_a_store_without_objects_is_empty():
    labels = np.zeros((4, 4, 4), np.int32)
    live = live_store(measure(labels), [labels])
    assert not np.asarray(live.canvas.labels[0]).any()
    assert not live.canvas.table
