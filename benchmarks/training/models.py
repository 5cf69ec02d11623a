"""The loss of models on fresh samples: ``python -m benchmarks.training.models grain-small MODEL``.

One row per model, one column per recipe; every model sees the same samples. With ``--mix`` the weights
between the first two models are judged as well (Wortsman et al. 2022), with new statistics of batch
normalisation.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.optim.swa_utils import update_bn

from anystar.nn.checkpoint import load_model_file, save_model_file
from anystar.nn.model import StarNet, to_device
from anystar.predict.registry import model_path
from anystar.train import TrainConfig, small_config
from benchmarks.training.held_out import HELD_OUT_SEED, Kept, judged

RECIPES = ("broad", "grainy", "universal", "packed", "sparse")
_CPU = torch.device("cpu")
_STATISTICS = 160
"""Samples that make the statistics of batch normalisation anew."""


def mixed(first: Mapping[str, Tensor], second: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Return weights between two networks of one shape: ``share`` of the second."""
    return {
        name: torch.lerp(value, second[name], share) if value.is_floating_point() else value
        for name, value in first.items()
    }


def row(network: StarNet, kept: Mapping[str, Kept], count: int, config: TrainConfig) -> str:
    """Return the losses as cells of a table."""
    return " | ".join(f"{judged(network, samples, count, config)[0]:.3f}" for samples in kept.values())


def main() -> None:
    """Judge every model; print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("models", nargs="+", help="names of bundled models, or files")
    parser.add_argument("--recipes", nargs="+", default=RECIPES)
    parser.add_argument("--held-out", type=int, default=48, help="samples of each recipe")
    parser.add_argument("--mix", type=float, nargs="+", default=[], help="shares of the second model")
    parser.add_argument("--cache", type=Path, default=Path("out/training"))
    parser.add_argument("--save", type=Path, help="folder for mixed models")
    options = parser.parse_args()
    if options.mix and len(options.models) < 2:
        parser.error("--mix needs two models")
    torch.set_num_threads(1)
    base = replace(small_config(), batch_size=1, max_points=1024, thin=0.15)
    kept = {
        name: Kept(replace(base, recipes=(name,), seed=HELD_OUT_SEED), options.cache)
        for name in options.recipes
    }
    print(f"| model | {' | '.join(kept)} |\n|---|{'---:|' * len(kept)}", flush=True)
    files = {name: load_model_file(model_path(name)) for name in options.models}
    for name, file in files.items():
        network = to_device(file.network, _CPU)
        print(f"| {name} | {row(network, kept, options.held_out, base)} |", flush=True)
    if not options.mix:
        return
    first, second = list(files.values())[:2]
    seen = Kept(replace(base, recipes=tuple(options.recipes), seed=7), options.cache)
    images = [seen[k].image for k in range(_STATISTICS)]
    for share in options.mix:
        network = StarNet(first.network.config)
        network.load_state_dict(mixed(first.network.state_dict(), second.network.state_dict(), share))
        network = to_device(network, _CPU)
        update_bn(images, network)
        print(f"| {share:g} of the second | {row(network, kept, options.held_out, base)} |", flush=True)
        if options.save:
            options.save.mkdir(parents=True, exist_ok=True)
            path = options.save / f"mix-{share:g}.safetensors"
            save_model_file(path, network.state_dict(), first.network.config, second.card)


if __name__ == "__main__":
    main()
