"""Muon: updates of convolutions are orthogonal, everything else is Adam's."""

import dataclasses

import pytest
import torch

from anystar.config import ConfigError
from anystar.nn.checkpoint import load_tensors
from anystar.nn.model import StarNet
from anystar.train import fit
from anystar.train.muon import Muon, make_optimiser, orthogonalised
from tests.train.test_loop import TINY

MUON = dataclasses.replace(TINY, optimiser="muon")


@pytest.mark.parametrize("shape", [(8, 8), (6, 40), (40, 6)])
def test_singular_values_come_close_to_one_and_directions_stay(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    found = orthogonalised(matrix)
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    values = torch.linalg.svdvals(found)[s > 0.05 * s[0]]
    assert values.min() > 0.6
    assert values.max() < 1.3
    aligned = (u.mT @ found @ v.mT).diagonal()
    assert (aligned[s > 0.05 * s[0]] > 0.6).all()


def test_the_first_step_of_a_convolution_is_its_orthogonal_gradient():
    weight = torch.nn.Parameter(torch.zeros(4, 5, 3, 3, 3))
    weight.grad = torch.randn(weight.shape, generator=torch.Generator().manual_seed(2))
    Muon([{"params": [weight], "orthogonal": True}], lr=0.1).step()
    matrix = weight.detach().flatten(1)
    values = torch.linalg.svdvals(matrix)
    expected = 0.1 * 0.2 * (5 * 27) ** 0.5
    assert (values > 0.6 * expected).all()
    assert (values < 1.3 * expected).all()
    assert (matrix * weight.grad.flatten(1)).sum() < 0


def test_the_rest_is_adam():
    start = torch.randn(7, generator=torch.Generator().manual_seed(3))
    gradients = torch.randn(5, 7, generator=torch.Generator().manual_seed(4))
    ours, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    pairs = (
        (ours, Muon([{"params": [ours], "orthogonal": False}], lr=0.01)),
        (theirs, torch.optim.Adam([theirs], lr=0.01)),
    )
    for gradient in gradients:
        for parameter, optimiser in pairs:
            parameter.grad = gradient.clone()
            optimiser.step()
    assert torch.allclose(ours, theirs, atol=1e-7)


def test_every_parameter_is_in_one_group_and_only_wide_convolutions_are_orthogonal():
    network = StarNet(MUON.network)
    optimiser = make_optimiser(network, MUON, torch.device("cpu"))
    names = {parameter: name for name, parameter in network.named_parameters()}
    first, second = ({names[p] for p in group["params"]} for group in optimiser.param_groups)
    assert first | second == set(names.values())
    assert not first & second
    assert "features.0.weight" in first
    assert "backbone.stem.0.0.weight" in second  # a filter for each output channel, of one input channel
    assert "prob.weight" in second
    assert all(dict(network.named_parameters())[name].ndim == 5 for name in first)


def test_a_resumed_run_equals_one_that_was_never_stopped(tmp_path):
    for _ in fit(MUON, tmp_path / "whole", device="cpu"):
        pass
    for event in fit(MUON, tmp_path / "parts", device="cpu"):
        if event.step == 2:
            break
    with pytest.raises(ConfigError, match="trained with the optimiser muon"):
        next(iter(fit(TINY, tmp_path / "parts", resume=True, device="cpu")))
    for _ in fit(MUON, tmp_path / "parts", resume=True, device="cpu"):
        pass
    whole, parts = (load_tensors(tmp_path / n / "checkpoint.safetensors")[0] for n in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
