"""The losses equal their definition, written as loops."""

import numpy as np
import pytest
import torch

from anystar.nn.losses import LossConfig, star_loss
from anystar.nn.model import Prediction
from anystar.targets import Targets


def targets_and_prediction(seed=0):
    rng = np.random.default_rng(seed)
    prob = torch.from_numpy(rng.random((2, 4, 4, 4), np.float32))
    prob[:, :2] = 0
    at = (prob > 0).nonzero()
    dist = torch.from_numpy(rng.uniform(1, 9, (len(at), 5)).astype(np.float32))
    logits = torch.from_numpy(rng.normal(size=(2, 1, 4, 4, 4)).astype(np.float32))
    distances = torch.from_numpy(rng.uniform(1, 9, (2, 5, 4, 4, 4)).astype(np.float32))
    others = torch.ones(2, 4, 4, 4).nonzero()
    return Targets(prob, at, dist, others), Prediction(logits, distances)


@pytest.mark.parametrize("error", ["absolute", "logarithmic"])
def test_losses_equal_their_definition(error):
    targets, prediction = targets_and_prediction()
    config = LossConfig(distance_error=error)
    ours = star_loss(prediction.at(targets.taught_N4()), targets, config)
    p, q = targets.prob_BZYX.numpy(), 1 / (1 + np.exp(-prediction.logits[:, 0].numpy()))
    assert float(ours.probability) == pytest.approx(
        -(p * np.log(q) + (1 - p) * np.log(1 - q)).mean(), rel=1e-4
    )
    total, weights = 0.0, 0.0
    for (b, z, y, x), truth in zip(targets.points_P4.tolist(), targets.dist_PR.numpy(), strict=True):
        said = prediction.distances[b, :, z, y, x].numpy()
        off = said - truth if error == "absolute" else 5 * np.log(said / truth)
        total += p[b, z, y, x] * np.abs(off).mean()
        weights += p[b, z, y, x]
    background = prediction.distances.numpy().mean(1)[p == 0].sum() / p.size
    assert float(ours.distance) == pytest.approx(total / weights + 1e-4 * background, rel=1e-4)
    assert float(ours.total) == pytest.approx(float(ours.probability) + 0.2 * float(ours.distance), rel=1e-5)


def test_a_batch_without_objects_has_a_finite_loss():
    _, prediction = targets_and_prediction()
    nowhere = torch.zeros(0, 4, dtype=torch.int64)
    none = Targets(torch.zeros(2, 4, 4, 4), nowhere, torch.zeros(0, 5), nowhere)
    assert all(x.isfinite() for x in star_loss(prediction.at(nowhere), none, LossConfig()))
