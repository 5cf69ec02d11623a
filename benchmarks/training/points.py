"""Does learning the distances at a few object points train as well as learning them at all?

    python -m benchmarks.training.points [--points 0 1024 128] [--seeds 0 1] [--steps 1000]

Networks of a quarter of the small one's cost learn the same samples of `mild` with distances at so many
points per sample (0: at all object points), and are judged by the same fresh samples at all points. Prints a
Markdown table: seconds a sample for the targets, and both losses, a column a seed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from rich.progress import track

from anystar.nn.checkpoint import load_model_file
from anystar.nn.losses import star_loss
from anystar.train import TrainConfig, fit, small_config
from anystar.train.loop import training_batches
from anystar.train.processes import Processes
from anystar.train.synthetic_batches import Batches

HELD_OUT_SEED = 1_000_003
"""Of the samples that networks are judged by."""


def configuration(points: int, *, seed: int, steps: int) -> TrainConfig:
    """Return the run of one row and column."""
    small = small_config().network
    return small_config(
        seed=seed,
        iterations=steps,
        patch=(48, 48, 48),
        max_points=points or None,
        average=0.99,
        network=replace(small, channels=tuple(num // 2 for num in small.channels)),
    )


def single(config: TrainConfig) -> Batches:
    """Return the samples of a run, one a batch."""
    return training_batches(replace(config, batch_size=1), torch.device("cpu"), Processes(), None)


@torch.inference_mode()
def judged(model: Path, config: TrainConfig, count: int) -> tuple[float, float]:
    """Return the mean losses of probability and distance over fresh samples."""
    network = load_model_file(model).network.eval()
    batches = single(replace(config, seed=HELD_OUT_SEED, max_points=None))
    losses = [
        star_loss(network(b.image, points_P4=b.targets.taught_N4()), b.targets, config.loss)
        for b in map(batches.__getitem__, range(count))
    ]
    return tuple(sum(float(x[k]) for x in losses) / count for k in (1, 2))


def target_seconds(config: TrainConfig, count: int = 20) -> float:
    """Return the mean seconds that a sample's targets take."""
    batches = single(config)
    samples = [batches.samples(k) for k in range(count + 1)]
    batches.with_targets(samples.pop())  # compiles
    begun = time.perf_counter()
    for sample in samples:
        batches.with_targets(sample)
    return (time.perf_counter() - begun) / count


def main() -> None:
    """Train every combination and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--points", type=int, nargs="+", default=[0, 1024, 128])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--held-out", type=int, default=64, help="samples to judge by")
    options = parser.parse_args()

    print(
        "| points per sample | targets, ms per sample | probability | distance |\n|---|---:|---:|---:|",
        flush=True,
    )
    for points in options.points:
        found = []
        for seed in options.seeds:
            config = configuration(points, seed=seed, steps=options.steps)
            with tempfile.TemporaryDirectory() as folder:
                ticks = options.steps // config.log_every
                for _ in track(fit(config, folder), f"{points or 'all'} points, seed {seed}", total=ticks):
                    pass
                found.append(judged(Path(folder, "model.safetensors"), config, options.held_out))
        columns = [", ".join(f"{value:.4f}" for value in values) for values in zip(*found, strict=True)]
        milliseconds = 1000 * target_seconds(config)
        print(f"| {points or 'all'} | {milliseconds:.0f} | {' | '.join(columns)} |", flush=True)


if __name__ == "__main__":
    main()
