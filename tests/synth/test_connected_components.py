"""Instances are cleaned as SciPy's components say."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label as components

from anystar.synth.connected_components import clean_batch, clean_labels


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30))
def test_clean_labels_keeps_the_largest_piece_of_each(seed, min_voxels):
    rng = np.random.default_rng(seed)
    key = rng.integers(0, 3, (6, 6, 6)) * (rng.random((6, 6, 6)) < 0.5) * 1000
    cleaned = clean_labels(key, min_voxels=min_voxels)
    expected = 0
    for value in np.unique(key[key > 0]):
        pieces, num = components(key == value, np.ones((3, 3, 3)))
        largest = max(np.bincount(pieces.ravel())[1:]) if num else 0
        expected += largest >= min_voxels
        numbers = np.unique(cleaned[(key == value) & (cleaned > 0)])
        assert len(numbers) <= 1
        if largest >= min_voxels:
            assert (cleaned == numbers[0]).sum() == largest
    assert cleaned.max() == expected
    assert set(np.unique(cleaned)) - {0} == set(range(1, expected + 1))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.int64])
def test_a_batch_is_cleaned_as_its_samples_are(threads, dtype, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    rng = np.random.default_rng(1)
    keys = (rng.integers(0, 40, (5, 6, 7, 8)) * 100).astype(dtype)
    each = [clean_labels(key.astype(np.int64), min_voxels=2) for key in keys]
    assert np.array_equal(clean_batch(keys, min_voxels=2), each)
    assert len({int(one.max()) for one in each}) > 1
