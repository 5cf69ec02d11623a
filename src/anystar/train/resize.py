"""Weights of one network as the beginning of another of a similar shape."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from anystar.nn.model import NetworkConfig, StarNet

__all__ = ["resized_weights"]


def resized_weights(weights: Mapping[str, Tensor], network: NetworkConfig, *, seed: int) -> dict[str, Tensor]:
    """Return weights for ``network`` that answer about as those given.

    Layers of the same shape are kept and wider ones cut to their first channels; what is missing is random. A
    3x3x3 convolution becomes a 1x1x1 one by the sum of its taps, which is the same where features are smooth.

    Parameters
    ----------
    weights : mapping of str to tensor
        Of another network (:meth:`torch.nn.Module.state_dict`).
    network : NetworkConfig
    seed : int
        Of the random weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = StarNet(network).state_dict()
    return {
        name: _fitted(weights[name], value) if name in weights else value for name, value in fresh.items()
    }


def _fitted(old: Tensor, new: Tensor) -> Tensor:
    if old.ndim == 5 and new.shape[2:] == (1, 1, 1):
        old = old.sum((2, 3, 4), keepdim=True)
    found = new.clone()
    common = tuple(slice(min(a, b)) for a, b in zip(old.shape, new.shape, strict=True))
    found[common] = old[common]
    return found
