import numpy as np
import pytest
import torch

from anystar.geometry.object_probability import object_probability
from anystar.geometry.rays import golden_spiral
from anystar.geometry.star_distances import star_distances
from anystar.targets import make_targets
from tests import scenes

RAYS = golden_spiral(32)


def targets(labels, max_points=50):
    rngs = [np.random.default_rng(i) for i in range(len(labels))]
    return make_targets(labels, RAYS, grid=2, max_points=max_points, rngs=rngs)


@pytest.fixture
def labels():
    rng = np.random.default_rng(0)
    some = [scenes.ellipsoids(rng, shape=(24, 24, 24)) for _ in range(2)]
    return np.stack([some[0], np.zeros_like(some[0]), some[1]])


def test_points_are_chosen_among_the_objects_and_measured_there(labels):
    got = targets(labels)
    rows = got.points_P4[:, 0]
    assert rows.bincount(minlength=3).tolist() == [50, 0, 50]
    assert len(got.points_P4.unique(dim=0)) == 100
    for row in (0, 2):
        points = got.points_P4[rows == row, 1:].numpy()
        want = star_distances(labels[row], 2 * points, RAYS)
        np.testing.assert_array_equal(got.dist_PR[rows == row].numpy(), want)
        np.testing.assert_array_equal(got.prob_BZYX[row].numpy(), object_probability(labels[row], grid=2))
    assert len(targets(labels, max_points=None).points_P4) == (labels[:, ::2, ::2, ::2] > 0).sum()
    assert got.others_Q4[:, 0].bincount(minlength=3).tolist() == [50, 50, 50]
    assert torch.equal(got.taught_N4(), torch.cat([got.points_P4, got.others_Q4]))
    every = targets(labels, max_points=None).others_Q4
    assert torch.equal(every, torch.ones(3, 12, 12, 12).nonzero())
    with pytest.raises(ValueError, match="rngs must be one per sample, got 1 for 3 samples"):
        make_targets(labels, RAYS, grid=2, max_points=5, rngs=[np.random.default_rng(0)])


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_the_same_wherever_they_are_made(labels, device):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    want = targets(labels)
    got = targets(torch.tensor(labels, device=device))
    assert {t.device.type for t in got[:4]} == {device}
    assert torch.equal(got.points_P4.cpu(), want.points_P4)
    assert torch.equal(got.others_Q4.cpu(), want.others_Q4)
    torch.testing.assert_close(got.prob_BZYX.cpu(), want.prob_BZYX, atol=1e-6, rtol=0)
    assert ((got.dist_PR.cpu() - want.dist_PR).abs() < 1e-4).float().mean() > 0.999
