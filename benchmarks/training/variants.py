"""What is compared: changes of the small network's run."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from anystar.nn.model import NetworkConfig, StarNet
from anystar.train import TrainConfig

Variant = Callable[[TrainConfig], TrainConfig]


def _network(**changes: object) -> Variant:
    return lambda config: replace(config, network=replace(config.network, **changes))  # type: ignore[arg-type]


def _run(**changes: object) -> Variant:
    return lambda config: replace(config, **changes)  # type: ignore[arg-type]


VARIANTS: dict[str, Variant] = {
    "baseline": lambda config: config,
    "features1": _network(feature_kernel=1),
    "slim": _network(channels=(16, 64, 128, 256), head_channels=32),
    "slim-features1": _network(channels=(16, 64, 128, 256), head_channels=64, feature_kernel=1),
    "muon": _run(optimiser="muon"),
    "half-rate": lambda config: replace(config, learning_rate=config.learning_rate / 2),
    "double-rate": lambda config: replace(config, learning_rate=config.learning_rate * 2),
    "muon-features1": lambda config: replace(VARIANTS["features1"](config), optimiser="muon"),
    "batch4": _run(batch_size=4),
}


def transplanted(weights: dict[str, Tensor], network: NetworkConfig, *, seed: int) -> dict[str, Tensor]:
    """Return weights for another network: those that fit, others cut to their first channels.

    A 3x3x3 convolution becomes a 1x1x1 one by the sum of its taps: the same where features are smooth.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = StarNet(network).state_dict()
    return {
        name: _fitted(weights[name], value) if name in weights else value for name, value in fresh.items()
    }


def _fitted(old: Tensor, new: Tensor) -> Tensor:
    if old.shape == new.shape:
        return old.clone()
    if old.ndim == 5 and new.shape[2:] == (1, 1, 1):
        old = old.sum((2, 3, 4), keepdim=True)
    found = new.clone()
    common = tuple(slice(min(a, b)) for a, b in zip(old.shape, new.shape, strict=True))
    found[common] = old[common]
    return found
