"""Compare changes of training at equal CPU time.

    python -m benchmarks.training baseline muon --seconds 300 --seeds 0 1 2 [--from grain-small]

Every variant sees the same samples in the same order for the same CPU time: that of its steps on all
threads, and the median time of making a sample, of which each is made once and kept. Other work on the
machine does not count. The learning rate falls by that clock. Prints a Markdown table of the loss on fixed
samples that none has seen: of the weights, of their average, and of the average with recomputed statistics
of batch normalisation.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch.optim.swa_utils import update_bn

from anystar.nn.model import StarNet, to_device
from anystar.train import TrainConfig, load_start, small_config
from anystar.train.loop import training_step
from anystar.train.state import TrainState
from benchmarks.training.held_out import HELD_OUT_SEED, Kept, batches_of, judged
from benchmarks.training.variants import VARIANTS
from scripts.resize_model import resized_weights

_CPU = torch.device("cpu")
_STATISTICS = 24
"""Batches that make the statistics of batch normalisation anew."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One variant, one seed."""

    variant: str
    seed: int
    seconds: float
    "CPU time that it was given."
    steps: int
    step_seconds: float
    "CPU time a step, without samples."
    weights: float
    average: float
    recomputed: float
    "Losses on the held-out samples."
    parts: tuple[float, float]
    "Of the average: of the probability, and of the distances."


def compare(name: str, base: TrainConfig, options: argparse.Namespace, seed: int) -> Found:
    """Train one variant for the CPU time given and judge it."""
    config = VARIANTS[name](replace(base, seed=seed, minutes=options.seconds / 60, iterations=10**9))
    kept, held_out = (Kept(replace(config, seed=s), options.cache) for s in (seed, HELD_OUT_SEED))
    start = None
    if options.start:
        start = load_start(options.start)
        own = resized_weights(start.weights, config.network, seed=seed)
        start = replace(start, network=config.network, weights=own, average=own)
    state = TrainState(config, _CPU, start)
    made, spent = kept.seconds() * config.batch_size, 0.0
    for batch in batches_of(kept, config.batch_size):
        started = time.process_time()
        training_step(state, batch, _CPU)
        spent += time.process_time() - started
        state.seconds = spent + made * state.step
        if state.step % 20 == 0:
            print(
                f"{name}, seed {seed}: step {state.step}, {state.seconds:.0f} s", file=sys.stderr, flush=True
            )
        if state.left == 0:
            break
    network = to_device(StarNet(config.network), _CPU)
    network.load_state_dict(state.network.state_dict())
    weights = judged(network, held_out, options.held_out, config)
    network.load_state_dict(network.state_dict() | state.average)
    average = judged(network, held_out, options.held_out, config)
    if options.save:
        torch.save(network.state_dict(), options.save / f"{name}-{seed}.pt")
    images = (b.image for b, _ in zip(batches_of(kept, config.batch_size), range(_STATISTICS), strict=False))
    update_bn(images, network)
    anew = judged(network, held_out, options.held_out, config)
    return Found(
        variant=name,
        seed=seed,
        seconds=options.seconds,
        steps=state.step,
        step_seconds=spent / state.step,
        weights=weights[0],
        average=average[0],
        recomputed=anew[0],
        parts=average[1:],
    )


def main() -> None:
    """Train and judge every variant; print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("variants", nargs="*", choices=VARIANTS, default=["baseline"], metavar="VARIANT")
    parser.add_argument("--seconds", type=float, default=300.0, help="CPU time of each, samples included")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--from", dest="start", help="weights to begin with; where they do not fit, cut")
    parser.add_argument("--recipes", nargs="+", default=["broad", "broad", "grainy"])
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--decay", type=float, default=0.3)
    parser.add_argument("--average", type=float, default=0.99)
    parser.add_argument("--patch", type=int, default=64)
    parser.add_argument("--held-out", type=int, default=48, help="samples to judge by")
    parser.add_argument("--cache", type=Path, default=Path("out/training"))
    parser.add_argument("--json", type=Path, help="file that results are added to, a line each")
    parser.add_argument("--save", type=Path, help="folder for the averaged weights")
    options = parser.parse_args()
    torch.set_num_threads(1)
    base = small_config(
        recipes=tuple(options.recipes),
        learning_rate=options.learning_rate,
        decay=options.decay,
        average=options.average,
        patch=(options.patch,) * 3,
        warmup=20,
    )
    print(
        "| variant | seed | steps | CPU ms per step | loss | average | recomputed | probability, distance |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    for seed in options.seeds:
        for name in options.variants:
            found = compare(name, base, options, seed)
            parts = ", ".join(f"{value:.4f}" for value in found.parts)
            losses = f"{found.weights:.4f} | {found.average:.4f} | {found.recomputed:.4f}"
            print(
                f"| {name} | {seed} | {found.steps} | {1000 * found.step_seconds:.0f} | {losses} | {parts} |",
                flush=True,
            )
            if options.json:
                with open(options.json, "a") as file:
                    file.write(json.dumps(asdict(found)) + "\n")


if __name__ == "__main__":
    main()
