"""Where the time of a training step goes, and how much of the device it uses."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from anystar.nn.device import device_or_error
from anystar.train.config import TrainConfig
from anystar.train.labelled import LabelledVolumes
from anystar.train.loop import training_batches, training_step, use_bfloat16
from anystar.train.processes import Processes
from anystar.train.provenance import describe_device
from anystar.train.state import TrainState

__all__ = ["Profile", "profile"]

_PEAK_SECONDS = 1.5


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One process's steps, one part after the other: worker processes would hide the samples' share."""

    device: str
    """What it ran on."""
    precision: str
    """Of the network's computations."""
    batch_size: int
    """Samples per step."""
    seconds: dict[str, float]
    """Median time per step of each part."""
    flop: float
    """Floating-point operations of one step's convolutions and matrix products, forward and backward."""
    peak: float
    """Operations per second that large matrix products reach on this device in this precision."""

    @property
    def samples_per_second(self) -> float:
        """Samples per second, everything included."""
        return self.batch_size / sum(self.seconds.values())

    @property
    def reached(self) -> float:
        """Operations a second while the network computes."""
        return self.flop / (self.seconds["forward and loss"] + self.seconds["backward"])

    def as_text(self) -> str:
        """Return a table for people."""
        total = sum(self.seconds.values())
        lines = [f"{self.device}, {self.precision}, batches of {self.batch_size}", ""]
        lines += [f"{name:<22} {1000 * t:9.1f} ms {t / total:6.1%}" for name, t in self.seconds.items()]
        lines += [f"{'all':<22} {1000 * total:9.1f} ms: {self.samples_per_second:.2f} samples per second", ""]
        lines.append(
            f"{self.flop / 1e9:.1f} GFLOP per step; the network computes at {self.reached / 1e9:,.0f} "
            f"GFLOP/s, {self.reached / self.peak:.0%} of the {self.peak / 1e9:,.0f} GFLOP/s of large matrix "
            "products"
        )
        return "\n".join(lines)


def profile(
    config: TrainConfig,
    *,
    device: str = "auto",
    labelled: LabelledVolumes | None = None,
    steps: int = 10,
    warmup: int = 3,
) -> Profile:
    """Train for a few steps, measuring each part; nothing is written.

    Parameters
    ----------
    config : TrainConfig
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    labelled : LabelledVolumes, optional
        As for :func:`anystar.train.fit`.
    steps, warmup : int
        Steps that are measured, and steps before them.
    """
    from torch.utils.flop_counter import FlopCounterMode  # imports Triton, which training may not need

    where, processes = device_or_error(device), Processes()
    state = TrainState(config, where, processes=processes, labelled=labelled)
    batches = training_batches(config, where, processes, labelled)
    laps: dict[str, list[float]] = {}
    mark = 0.0

    def lap(name: str) -> None:
        nonlocal mark
        _wait(where)
        now = time.perf_counter()
        laps.setdefault(name, []).append(now - mark)
        mark = now

    for step in range(warmup + steps):
        if step == warmup:
            laps.clear()
        mark = time.perf_counter()
        samples = batches.samples(step)
        lap("samples")
        batch = batches.with_targets(samples)
        lap("targets")
        training_step(state, batch, where, lap=lap)
    with FlopCounterMode(display=False) as counter:
        training_step(state, batch, where)
    bfloat16 = use_bfloat16(config, where)
    return Profile(
        device=describe_device(where),
        precision="bfloat16" if bfloat16 else "float32",
        batch_size=config.batch_size,
        seconds={name: sorted(times)[len(times) // 2] for name, times in laps.items()},
        flop=float(counter.get_total_flops()),
        peak=_measure_peak(where, torch.bfloat16 if bfloat16 else torch.float32),
    )


def _measure_peak(device: torch.device, dtype: torch.dtype) -> float:
    """Return the operations a second of the best of many products of large square matrices."""
    size = 2048 if device.type == "cpu" else 8192
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    best, begun = float("inf"), time.perf_counter()
    while time.perf_counter() - begun < _PEAK_SECONDS or best == float("inf"):
        start = time.perf_counter()
        torch.mm(a, b)
        _wait(device)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
