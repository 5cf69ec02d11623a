"""Fit a model's weights to another network: ``resize_model.py MODEL OUT.safetensors --feature-kernel 1``.

What comes of it is less accurate than MODEL until it is trained further: ``anystar train --from
OUT.safetensors``.
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from anystar.nn.checkpoint import load_model_file, save_model_file
from anystar.nn.model import NetworkConfig, StarNet
from anystar.predict.registry import model_path


def resized_weights(weights: Mapping[str, Tensor], network: NetworkConfig, *, seed: int) -> dict[str, Tensor]:
    """Return weights for ``network`` that answer about as those given.

    Layers of the same shape are kept and wider ones cut to their first channels; what is missing is random. A
    3x3x3 convolution becomes a 1x1x1 one by the sum of its taps, which is the same where features are smooth.
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


def main() -> None:
    """Write the model file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", help="a bundled model's name, or a file")
    parser.add_argument("out", type=Path)
    parser.add_argument("--feature-kernel", type=int, choices=[1, 3], required=True)
    options = parser.parse_args()
    file = load_model_file(model_path(options.model))
    network = replace(file.network.config, feature_kernel=options.feature_kernel)
    weights = resized_weights(file.network.state_dict(), network, seed=0)
    save_model_file(options.out, weights, network, file.card | {"resized_from": options.model})
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
