import numpy as np
import pytest

from anystar.geometry.nms import suppress
from anystar.geometry.nms import torch as by_torch
from anystar.geometry.nms import torch_pairs as pairs
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rays import golden_spiral
from tests import scenes

RAYS = golden_spiral(64)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("batch", [16, 1024])
def test_same_survivors_as_numba(device, monkeypatch, threshold, batch):
    monkeypatch.setattr(pairs, "chunk_size", lambda device: 20_000)
    for seed in range(2):
        some = scenes.candidates(np.random.default_rng(seed), RAYS, num=900)
        got = by_torch.suppress(some, threshold, device, first_batch=batch)
        assert got.tolist() == suppress(some, threshold=threshold).tolist()


def test_input_order_twins_and_ties(device):
    rng = np.random.default_rng(1)
    some = scenes.with_twins(scenes.candidates(rng, RAYS, num=700))
    want = some.take(suppress(some))
    for order in (np.arange(700), rng.permutation(700)):
        shuffled = some.take(order)
        got = shuffled.take(by_torch.suppress(shuffled, 0.3, device))
        np.testing.assert_array_equal(got.distances, want.distances)
        np.testing.assert_array_equal(got.points, want.points)


@pytest.mark.parametrize(
    ("num", "radius", "survivors"), [(0, 1.0, 0), (1, 1.0, 1), (5000, 6.0, 1), (3, 0.0, 3)]
)
def test_none_one_many_alike_and_empty_bodies(device, num, radius, survivors):
    some = Polyhedra(np.full((num, 3), 7.0), np.full((num, 64), radius), RAYS, np.ones(num))
    assert len(by_torch.suppress(some, 0.3, device)) == survivors


@pytest.mark.parametrize("size", [1e3, 1e6])
def test_outliers_change_only_what_they_cover(device, size):
    far = np.array([[1e9, 0, 0], [-1e9, 0, 0]])
    outliers = Polyhedra(far, np.full((2, 64), size), RAYS, np.array([0.0, 1.0]))
    some = Polyhedra.joined([scenes.candidates(np.random.default_rng(3), RAYS), outliers])
    assert by_torch.suppress(some, 0.3, device).tolist() == suppress(some).tolist()


def test_the_device_makes_no_difference(device):
    some = scenes.candidates(np.random.default_rng(0), RAYS)
    np.testing.assert_array_equal(suppress(some, device=device), suppress(some))
