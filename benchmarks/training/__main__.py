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
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from anystar.nn.batchnorm_statistics import recompute_statistics
from anystar.nn.losses import star_loss
from anystar.nn.model import StarNet, to_device
from anystar.runtime.atomic import staged
from anystar.targets import Targets
from anystar.train import TrainConfig, load_start, small_config
from anystar.train.loop import training_batches, training_step, use_bfloat16
from anystar.train.processes import Processes
from anystar.train.resize import resized_weights
from anystar.train.state import TrainState
from anystar.train.synthetic_batches import TrainingBatch
from benchmarks.training.variants import VARIANTS

HELD_OUT_SEED = 1_000_003
"""Of the samples that networks are judged by."""
_CPU = torch.device("cpu")
_TIMED = 12
"""Samples that are made at least before their time is told."""
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


class Kept:
    """Batches of one sample, made once and kept on disk."""

    def __init__(self, config: TrainConfig, folder: Path) -> None:
        self.batches = training_batches(replace(config, batch_size=1), _CPU, Processes(), None)
        said = repr((self.batches.recipes, config.seed, config.patch, config.thin, config.max_points))  # type: ignore[attr-defined]
        self.folder = folder / hashlib.sha256(said.encode()).hexdigest()[:12]
        self.folder.mkdir(parents=True, exist_ok=True)

    def __getitem__(self, index: int) -> TrainingBatch:
        path = self.folder / f"{index}.pt"
        if not path.exists():
            started = time.process_time()
            batch = self.batches[index]
            spent = time.process_time() - started
            stored = {
                "image": batch.image.half(),
                "targets": [
                    None if t is None else t.half() if t.is_floating_point() else t for t in batch.targets
                ],
                "seconds": spent,
            }
            with staged(path) as (temporary,):
                torch.save(stored, temporary)
        stored = torch.load(path)
        targets = Targets(
            *(t.float() if t is not None and t.is_floating_point() else t for t in stored["targets"])
        )
        return TrainingBatch(stored["image"].float(), torch.empty(0), targets)

    def seconds(self) -> float:
        """Return the median CPU time of making one; the first also compiles."""
        for index in range(_TIMED):
            self[index]
        return float(
            np.median([torch.load(path)["seconds"] for path in sorted(self.folder.glob("*.pt"))[:200]])
        )


def joined(batches: list[TrainingBatch]) -> TrainingBatch:
    """Return several batches of one sample as one; all must have the same shape."""

    def rows(points: list[torch.Tensor]) -> torch.Tensor:
        return torch.cat([p + torch.tensor([row, 0, 0, 0]) for row, p in enumerate(points)])

    parts = [b.targets for b in batches]
    known = [p.valid_BZYX for p in parts]
    valid = None
    if any(k is not None for k in known):
        valid = torch.cat(
            [
                torch.ones_like(p.prob_BZYX, dtype=torch.bool) if k is None else k
                for k, p in zip(known, parts, strict=True)
            ]
        )
    return TrainingBatch(
        torch.cat([b.image for b in batches]),
        torch.empty(0),
        Targets(
            torch.cat([p.prob_BZYX for p in parts]),
            rows([p.points_P4 for p in parts]),
            torch.cat([p.dist_PR for p in parts]),
            rows([p.others_Q4 for p in parts]),
            valid,
        ),
    )


def batches_of(kept: Kept, size: int, first: int = 0) -> Iterator[TrainingBatch]:
    """Yield an endless series of batches of ``size`` samples."""
    while True:
        yield joined([kept[first + k] for k in range(size)])
        first += size


@torch.inference_mode()
def judged(network: StarNet, kept: Kept, count: int, config: TrainConfig) -> tuple[float, float, float]:
    """Return the mean losses, total, probability, distance, over held-out samples."""
    network.eval()
    sums = np.zeros(3)
    for k in range(count):
        batch = kept[k]
        image = batch.image.to(memory_format=torch.channels_last_3d)
        with torch.autocast("cpu", torch.bfloat16, enabled=use_bfloat16(config, _CPU)):
            prediction = network(image, points_P4=batch.targets.taught_N4())
        sums += [float(x) for x in star_loss(prediction, batch.targets, config.loss)]
    total, probability, distance = (sums / count).tolist()
    return total, probability, distance


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
    recompute_statistics(network, images)
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
