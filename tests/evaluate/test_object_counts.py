"""Counts by object add up to the counts of the image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anystar.errors import InputError
from anystar.evaluate import match_labels
from anystar.evaluate.object_counts import count_by_object

LABELS = arrays(np.int32, (2, 5, 6), elements=st.integers(0, 4))


@given(ground_truth=LABELS, pred=LABELS)
def test_sums_over_objects_are_the_scores_of_the_image(ground_truth, pred):
    thresholds = (0.2, 0.5, 0.9)
    rows = count_by_object(ground_truth, pred, thresholds=thresholds)
    for got, want in zip(rows.scores(), match_labels(ground_truth, pred, thresholds=thresholds), strict=True):
        assert (got.threshold, got.num_true, got.num_pred, got.tp) == (
            want.threshold,
            want.num_true,
            want.num_pred,
            want.tp,
        )
        assert got.sum_iou == pytest.approx(want.sum_iou)
    true_rows = len(np.unique(ground_truth[ground_truth > 0]))
    assert (rows.tp + rows.fn)[:true_rows].tolist() == [[1] * 3] * true_rows
    assert not (rows.tp + rows.fn)[true_rows:].any()


@pytest.mark.parametrize("thresholds", [(), (0.0,), (0.5, 1.1)])
def test_thresholds_out_of_range_are_refused(thresholds):
    with pytest.raises(InputError, match="thresholds must be above 0 and at most 1"):
        count_by_object(np.zeros((1, 1, 1), int), np.zeros((1, 1, 1), int), thresholds=thresholds)
