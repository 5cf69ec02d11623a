import numpy as np
import pytest
import torch

from anystar.geometry.nms import numba as by_numba
from anystar.geometry.nms import suppress
from anystar.geometry.nms import torch as suppression
from anystar.geometry.nms import torch_pairs as pairs
from anystar.geometry.rays import golden_spiral
from tests.geometry import scenes

RAYS = golden_spiral(64)


def on(device, *arrays):
    return [torch.tensor(a, device=device) for a in arrays]


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("batch", [16, 1024])
def test_same_survivors_as_numba(device, monkeypatch, threshold, batch):
    monkeypatch.setattr(suppression, "_FIRST_BATCH", batch)
    monkeypatch.setattr(pairs, "chunk_size", lambda device: 20_000)
    for seed in range(2):
        points, distances, prob = scenes.candidates(np.random.default_rng(seed), RAYS, num=900)
        want = by_numba.suppress(points, distances, prob, RAYS, threshold=threshold).kept
        got = suppress(*on(device, points, distances, prob), RAYS, threshold=threshold)
        assert got.kept.tolist() == want.tolist()
        assert (got.candidates, got.survivors) == (900, len(want))


def test_input_order_twins_and_ties(device):
    rng = np.random.default_rng(1)
    points, distances, prob = scenes.candidates(rng, RAYS, num=700)
    points[::7], distances[::7], prob[::7] = points[0], distances[0], prob[0]  # the very same one often
    points[1::7], prob[1::7] = points[1], prob[1]  # different ones at one place
    shuffle = rng.permutation(700)
    want = by_numba.suppress(points, distances, prob, RAYS).kept
    for order in (np.arange(700), shuffle):
        got = suppress(*on(device, points[order], distances[order], prob[order]), RAYS).kept.cpu().numpy()
        np.testing.assert_array_equal(distances[order][got], distances[want])
        np.testing.assert_array_equal(points[order][got], points[want])


def test_none_one_many_alike_and_empty_bodies(device):
    none = suppress(*on(device, np.zeros((0, 3)), np.zeros((0, 64)), np.zeros(0)), RAYS)
    assert (none.candidates, none.survivors, len(none.kept)) == (0, 0, 0)
    one = suppress(*on(device, np.ones((1, 3)), np.ones((1, 64)), np.ones(1)), RAYS)
    assert one.kept.tolist() == [0]
    alike = suppress(*on(device, np.full((5000, 3), 7.0), np.full((5000, 64), 6.0), np.ones(5000)), RAYS)
    assert alike.survivors == 1
    flat = suppress(*on(device, np.zeros((3, 3)), np.zeros((3, 64)), np.ones(3)), RAYS)
    assert flat.survivors == 3


@pytest.mark.parametrize("size", [1e3, 1e6])
def test_outliers_change_only_what_they_cover(device, size):
    points, distances, prob = scenes.candidates(np.random.default_rng(3), RAYS)
    far = np.array([[1e9, 0, 0], [-1e9, 0, 0]])
    points = np.concatenate([points, far])
    distances = np.concatenate([distances, np.full((2, 64), size, np.float32)])
    prob = np.append(prob, [0.0, 1.0])
    want = by_numba.suppress(points, distances, prob, RAYS).kept
    assert suppress(*on(device, points, distances, prob), RAYS).kept.tolist() == want.tolist()


def test_wrong_arguments_are_named(device):
    points, distances, prob = on(device, *scenes.candidates(np.random.default_rng(6), RAYS, num=10))
    with pytest.raises(ValueError, match=r"threshold must be from 0 to 1, got 1\.5"):
        suppress(points, distances, prob, RAYS, threshold=1.5)
    with pytest.raises(ValueError, match="prob must be finite and of shape \\(10,\\), got shape \\(9,\\)"):
        suppress(points, distances, prob[:9], RAYS)
    with pytest.raises(ValueError, match="points must be finite"):
        suppress(points / 0, distances, prob, RAYS)
    with pytest.raises(ValueError, match="distances must have shape \\(10, 64\\), got \\(10, 63\\)"):
        suppress(points, distances[:, :63], prob, RAYS)
    for value in (torch.nan, torch.inf, -1.0):
        distances[3, 3] = value
        with pytest.raises(ValueError, match=r"finite and not negative, got .* for point 3"):
            suppress(points, distances, prob, RAYS)


def test_a_tensor_on_the_host_goes_through_numba():
    points, distances, prob = scenes.candidates(np.random.default_rng(0), RAYS)
    got = suppress(*on("cpu", points, distances, prob), RAYS).kept
    np.testing.assert_array_equal(got.numpy(), by_numba.suppress(points, distances, prob, RAYS).kept)
