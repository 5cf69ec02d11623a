"""The sparse joint histogram against counting in a loop."""

import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from anystar.evaluate import match_blocks, match_labels, overlap, overlap_of_blocks

overlap_module = sys.modules["anystar.evaluate.overlap"]

SHAPE = (2, 7, 9)
TYPES = st.sampled_from([np.uint8, np.uint16, np.int32, np.uint64])


def some_labels(dtype):
    return hnp.arrays(dtype, SHAPE, elements=st.sampled_from([0, 1, 2, np.iinfo(dtype).max]))


@settings(max_examples=60, deadline=None)
@given(TYPES.flatmap(some_labels), some_labels(np.int32))
def test_counts_every_pair(ground_truth, pred):
    pairs = overlap(ground_truth, pred)
    count = Counter(zip(ground_truth.ravel().tolist(), pred.ravel().tolist(), strict=True))
    found = {
        (int(pairs.true_labels[i]), int(pairs.pred_labels[j])): int(n)
        for i, j, n in zip(pairs.true_index, pairs.pred_index, pairs.shared, strict=True)
    }
    assert found == {k: n for k, n in count.items() if 0 not in k}
    assert dict(zip(pairs.true_labels.tolist(), pairs.true_volume.tolist(), strict=True)) == {
        t: int((ground_truth == t).sum()) for t in np.unique(ground_truth).tolist() if t
    }
    assert pairs.pred_labels.tolist() == [p for p in np.unique(pred).tolist() if p]


def test_the_table_grows():
    ground_truth = np.arange(1, 20_001).reshape(20, 100, 10)
    pred = ground_truth[::-1].copy()
    pairs = overlap(ground_truth, pred)
    assert len(pairs.shared) == 20_000
    assert (pairs.iou == 1).all()


def test_order_in_memory_does_not_matter():
    rng = np.random.default_rng(0)
    ground_truth, pred = rng.integers(0, 5, (2, 4, 6, 8))
    straight, turned = overlap(ground_truth, pred), overlap(np.asfortranarray(ground_truth), pred)
    np.testing.assert_array_equal(straight.shared, turned.shared)


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match=r"differ in shape: \(1, 2, 3\) and \(1, 2, 4\)"):
        overlap(np.zeros((1, 2, 3), int), np.zeros((1, 2, 4), int))


@settings(max_examples=30, deadline=None)
@given(some_labels(np.uint64), some_labels(np.int32), st.integers(0, 7), st.integers(0, 9), st.randoms())
def test_blocks_add_up_to_the_whole(ground_truth, pred, y, x, random):
    places = [np.s_[:, a, b] for a in (slice(0, y), slice(y, None)) for b in (slice(0, x), slice(x, None))]
    random.shuffle(places)
    whole, parts = overlap(ground_truth, pred), overlap_of_blocks((ground_truth[p], pred[p]) for p in places)
    for name, value in vars(whole).items():
        np.testing.assert_array_equal(getattr(parts, name), value, err_msg=name)
    assert match_blocks((ground_truth[p], pred[p]) for p in places) == match_labels(ground_truth, pred)


def test_the_memory_of_many_blocks_is_that_of_their_pairs(monkeypatch):
    seen = []
    added = overlap_module._added
    monkeypatch.setattr(
        overlap_module, "_added", lambda rows: seen.append(sum(len(r[0]) for r in rows)) or added(rows)
    )
    block = np.arange(30_000).reshape(30, 100, 10)
    pairs = overlap_of_blocks((block, block) for _ in range(100))
    assert (pairs.shared == 100).all()
    assert len(seen) > 2
    assert max(seen) < 100 * 30_000 / 2


def test_no_blocks_at_all():
    assert overlap_of_blocks([]).shared.shape == (0,)
    with pytest.raises(ValueError, match="differ in shape"):
        overlap_of_blocks([(np.zeros((1, 2), int), np.zeros((2, 1), int))])
