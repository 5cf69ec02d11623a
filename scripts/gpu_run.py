"""Use a short time on a GPU well, in one command: ``gpu_run.py OUT --minutes 12``.

Checks that what is computed there is right, measures the generator and a training step, then trains until the
minutes are over, from bundled weights, the learning rate falling over the last fifth of the time. Whatever
happens, OUT holds what was found so far, in at most five files of less than 16 MB: ``findings.json``,
``log.csv``, ``model.safetensors`` (the averaged weights, renewed every minute), ``before.safetensors`` (those
of the minute before) and, at the end, ``final.safetensors``. It runs on a CPU too, which is how it is tested.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from anystar.geometry.rays import golden_spiral
from anystar.nn.device import device_or_error
from anystar.nn.model import StarNet, to_device
from anystar.rng import stream
from anystar.runtime.atomic import staged
from anystar.synth.generate import generate
from anystar.synth.recipes import get_recipe
from anystar.targets import Targets, make_targets
from anystar.train import TrainConfig, fit, load_start, profile, small_config
from anystar.train.provenance import commit, describe_device

RECIPES = ("universal", "packed", "universal", "sparse")
LARGEST = 16_000_000
"""Bytes of a file that comes back."""
RESERVE = 0.5
"""Minutes kept for the last files."""


class Report:
    """``findings.json``, complete after every finding."""

    def __init__(self, out: Path) -> None:
        self.path, self.found, self.started = out / "findings.json", {}, time.monotonic()

    @property
    def minutes(self) -> float:
        """Minutes since the beginning."""
        return (time.monotonic() - self.started) / 60

    def add(self, name: str, work: Callable[[], Any]) -> Any:
        """Do some work and note what comes of it, an error too, and warnings."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                result, found = (value := work()), value
            except Exception as error:  # the rest of the time is not lost with it
                result, found = None, f"FAILED: {type(error).__name__}: {error}"
        self.found[name] = {"found": found, "minutes": round(self.minutes, 2)}
        if caught:
            self.found[name]["warnings"] = sorted({str(w.message) for w in caught})
        self.write()
        print(f"{name}: {json.dumps(self.found[name])}", flush=True)
        return result

    def write(self) -> None:
        """Write all findings."""
        with staged(self.path) as (temporary,):
            temporary.write_text(json.dumps(self.found, indent=1) + "\n")


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def check_targets(device: torch.device, shape: tuple[int, int, int]) -> dict[str, float]:
    """Compare the targets of labels on the device with those on the CPU."""
    labels = generate(get_recipe("universal"), seed=1, indices=[0, 1], shape=shape).labels
    ours, theirs = (_targets(labels.to(where)) for where in (device, torch.device("cpu")))
    same = torch.equal(ours.points_P4.cpu(), theirs.points_P4)
    differ = (ours.dist_PR.cpu() - theirs.dist_PR).abs()
    found = {
        "same points": float(same),
        "largest difference of distances": float(differ.max()),
        "share of distances that differ": float((differ > 0.01).float().mean()),
        "largest difference of probabilities": float((ours.prob_BZYX.cpu() - theirs.prob_BZYX).abs().max()),
    }
    if not same or found["share of distances that differ"] > 0.001:
        raise RuntimeError(f"targets differ from those of the CPU: {found}")
    return found


def _targets(labels: torch.Tensor) -> Targets:
    rngs = [stream(0, row, "targets") for row in range(len(labels))]
    return make_targets(labels, golden_spiral(96), grid=2, max_points=512, rngs=rngs)


def check_network(device: torch.device, model: str, shape: tuple[int, int, int]) -> dict[str, float]:
    """Compare predictions on the device with those on the CPU, in float32 and in bfloat16."""
    start = load_start(model)
    image = generate(get_recipe("universal"), seed=2, indices=[0], shape=shape).image
    network = StarNet(start.network)
    network.load_state_dict(network.state_dict() | start.weights)
    network.eval()
    found = {}
    with torch.inference_mode():
        expected = network(image).logits.sigmoid()
        network = to_device(network, device)
        for name, dtype in (("float32", None), ("bfloat16", torch.bfloat16)):
            with torch.autocast(device.type, dtype, enabled=dtype is not None):
                logits = network(image.to(device)).logits
            difference = float((logits.float().sigmoid().cpu() - expected).abs().max())
            found[f"largest difference of probabilities, {name}"] = difference
            if difference > (0.02 if dtype is None else 0.2):
                raise RuntimeError(f"predictions differ from those of the CPU: {found}")
    return found


def check_samples(device: torch.device, shape: tuple[int, int, int]) -> dict[str, float]:
    """Make a batch of every recipe on the device; images must be finite and within [0, 1]."""
    found = {}
    for name in dict.fromkeys(RECIPES):
        batch = generate(get_recipe(name), seed=3, indices=range(4), shape=shape, device=device)
        low, high = float(batch.image.min()), float(batch.image.max())
        if not (torch.isfinite(batch.image).all() and -1e-4 <= low <= high <= 1 + 1e-4):
            raise RuntimeError(f"{name}: intensities from {low} to {high}")
        found[name] = float((batch.labels > 0).float().mean())
    if not any(found.values()):
        raise RuntimeError("no sample of any recipe holds an object")
    return found


def measure_generator(
    device: torch.device, shape: tuple[int, int, int], sizes: Sequence[int], seconds: float
) -> dict[str, float]:
    """Return samples per second of each recipe and batch size."""
    found = {}
    for name in dict.fromkeys(RECIPES):
        for size in sizes:
            count, started = 0, 0.0
            while not started or time.perf_counter() - started < seconds:
                indices = range(count, count + size)
                generate(get_recipe(name), seed=4, indices=indices, shape=shape, device=device)
                synchronise(device)
                if started:
                    count += size
                else:  # the first compiles
                    started = time.perf_counter()
            found[f"{name}, batches of {size}"] = round(count / (time.perf_counter() - started), 2)
    return found


def measure_step(config: TrainConfig, device: str) -> dict[str, Any]:
    """Return where the time of a step goes, and the share of the device's peak."""
    found = profile(config, device=device, steps=5, warmup=2)
    return {
        "samples per second, one part after the other": round(found.samples_per_second, 2),
        "milliseconds": {name: round(1000 * s, 2) for name, s in found.seconds.items()},
        "TFLOP per second": round(found.reached / 1e12, 3),
        "share of large matrix products": round(found.reached / found.peak, 3),
        "precision": found.precision,
    }


def train(config: TrainConfig, out: Path, device: str) -> dict[str, Any]:
    """Train until the configuration's minutes are over; renew the weights in ``out`` every minute."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        copied = time.monotonic()
        for event in fit(config, run, device=device):
            last = event
            if time.monotonic() - copied >= 60 and (run / "model.safetensors").exists():
                keep(run, out)
                copied = time.monotonic()
        keep(run, out)
        shutil.copy(out / "model.safetensors", out / "final.safetensors")
    samples = last.step * config.batch_size
    return {
        "steps": last.step,
        "samples": samples,
        "samples per second": round(samples / last.seconds, 2),
        "waiting for samples": round(last.waiting, 3),
        "loss": {name: round(value, 4) for name, value in last.losses.items()},
    }


def keep(run: Path, out: Path) -> None:
    """Copy the log and the averaged weights; those of before are kept beside them."""
    model = out / "model.safetensors"
    if (size := (run / model.name).stat().st_size) > LARGEST:
        raise RuntimeError(f"the weights take {size} bytes, which do not come back; train a smaller network")
    if model.exists():
        model.replace(out / "before.safetensors")
    for name in (model.name, "log.csv"):
        with staged(out / name) as (temporary,):
            shutil.copy(run / name, temporary)


def configuration(options: argparse.Namespace, device: torch.device) -> TrainConfig:
    """Return the run, without its minutes."""
    start, cuda = load_start(options.start), device.type == "cuda"
    base = small_config(
        recipes=RECIPES,
        start=options.start,
        seed=max(start.seeds) + 1,
        patch=(options.patch,) * 3,
        batch_size=options.batch_size or (16 if cuda else 2),
        learning_rate=options.learning_rate,
        iterations=10**9,
        decay=0.2,
        thin=0.15,
        warmup=50,
        workers=0,
        log_every=10,
        checkpoint_every=20 if cuda else 5,
        preview_every=10**9,
    )
    return dataclasses.replace(base, **start.settings())


def main(arguments: Sequence[str] | None = None) -> None:
    """Check, measure, train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=12.0, help="in all")
    parser.add_argument("--from", dest="start", default="grain-small", help="weights to begin with")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch-size", type=int, help="16 on a GPU, otherwise 2")
    parser.add_argument("--learning-rate", type=float, default=6e-4)
    parser.add_argument("--patch", type=int, default=64)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    report, device = Report(options.out), device_or_error(options.device)
    shape, config = (options.patch,) * 3, configuration(options, device)
    report.add(
        "machine", lambda: {"device": describe_device(device), "torch": torch.__version__, "commit": commit()}
    )
    report.add("targets", lambda: check_targets(device, shape))
    report.add("network", lambda: check_network(device, options.start, shape))
    report.add("samples", lambda: check_samples(device, shape))
    sizes = (1, 16, 64) if device.type == "cuda" else (1,)
    seconds = min(3.0, options.minutes * 60 / 40 / len(sizes))
    for name, measure in (
        ("generator", lambda: measure_generator(device, shape, sizes, seconds)),
        ("step", lambda: measure_step(config, options.device)),
    ):
        late = report.minutes > options.minutes / 3  # a slow machine: training matters more
        report.add(name, (lambda: "left out: a third of the time was over") if late else measure)
    left = max(0.01, options.minutes - report.minutes - min(RESERVE, options.minutes / 10))
    timed = dataclasses.replace(config, minutes=left)
    report.add("training", lambda: train(timed, options.out, options.device))


if __name__ == "__main__":
    main()
