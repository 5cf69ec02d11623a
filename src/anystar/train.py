"""Training: one readable loop that can be killed at any moment and continues exactly."""

from __future__ import annotations

import csv
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from anystar._version import __version__
from anystar.atomic import staged
from anystar.config import ConfigError, dump_toml, to_dict
from anystar.data import TrainingBatch, TrainingBatches, batch_loader
from anystar.geometry.rays import golden_spiral
from anystar.nn.checkpoint import load_tensors, save_model_file, save_tensors
from anystar.nn.device import device_or_error, fast_bfloat16
from anystar.nn.losses import LossConfig, Losses, star_loss
from anystar.nn.model import NetworkConfig, Prediction, StarNet, place
from anystar.synth.recipes import get_recipe
from anystar.targets import Targets

__all__ = ["Progress", "TrainConfig", "fit", "paper_config", "small_config"]


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that decides a training run. The defaults are the paper's ("Implementation details")."""

    recipes: tuple[str, ...] = ("as-mix",)
    """Recipes that samples follow in turn."""
    seed: int = 0
    """Seed of the samples and of the initial weights."""
    iterations: int = 180_000
    """Optimiser steps."""
    batch_size: int = 1
    """Samples a step."""
    patch: tuple[int, int, int] = (64, 64, 64)
    """Voxels of a sample (ZYX)."""
    learning_rate: float = 2e-4
    """Initial learning rate of Adam, decayed linearly to 0."""
    warmup: int = 0
    """Steps over which the learning rate rises to its initial value."""
    average: float = 0.999
    """Decay of the exponential moving average of the weights, which is the model that is kept."""
    clip: float = 10.0
    """Gradients of a larger norm are scaled down to it."""
    max_points: int | None = 2048
    """Object points a sample whose distances are learnt; drawn uniformly."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """``auto``: bfloat16 autocast where the device computes it natively."""
    workers: int = 1
    """Processes that make samples (0: the training process itself)."""
    log_every: int = 20
    """Steps between lines of the log."""
    checkpoint_every: int = 200
    """Steps between checkpoints."""
    preview_every: int = 500
    """Steps between preview pictures."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """Shape of the network."""
    loss: LossConfig = field(default_factory=LossConfig)
    """Weights of the losses."""

    def __post_init__(self) -> None:
        for name in ("iterations", "batch_size", "log_every", "checkpoint_every", "preview_every"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.recipes:
            raise ConfigError("recipes must name at least one recipe")
        for name in self.recipes:
            get_recipe(name)
        if any(n % self.network.divisor for n in self.patch):
            raise ConfigError(f"patch must be multiples of {self.network.divisor}, got {list(self.patch)}")
        if not self.learning_rate > 0:
            raise ConfigError(f"learning_rate must be positive, got {self.learning_rate}")


def paper_config(**changes: Any) -> TrainConfig:
    """Return the paper's run: five resolutions from 32 channels, grid 1, 180,000 iterations."""
    return TrainConfig(**changes)


def small_config(**changes: Any) -> TrainConfig:
    """Return a run that two CPU cores finish in two hours: four resolutions on a grid of 2."""
    defaults: dict[str, Any] = {
        "iterations": 8000,
        "batch_size": 2,
        "learning_rate": 1e-3,
        "warmup": 100,
        "recipes": ("mild",),
        "max_points": 1024,
        "network": NetworkConfig(
            channels=(32, 64, 128, 256), grid=2, head_channels=64, distances="exponential"
        ),
        "loss": LossConfig(distance_error="logarithmic", background_weight=0.0),
    }
    return TrainConfig(**(defaults | changes))


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One finished step."""

    step: int
    """Steps done so far."""
    losses: dict[str, float]
    """Loss and its parts, averaged since the last event."""
    seconds: float
    """Time spent training, over all sessions of the run."""
    waiting: float
    """Share of the time since the last event spent waiting for samples."""
    preview: tuple[TrainingBatch, Prediction] | None = None
    """Now and then, what the network sees and says."""


class _State:
    """Weights, their average and the optimiser: what a checkpoint holds."""

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.network = place(StarNet(config.network), device).train()
        self.config, self.step, self.seconds = config, 0, 0.0
        self.history: list[dict[str, Any]] = []
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=config.learning_rate, foreach=True)
        self.average = {
            k: v.detach().clone() for k, v in self.network.state_dict().items() if v.is_floating_point()
        }

    def learning_rate(self) -> float:
        c = self.config
        rise = min(1.0, (self.step + 1) / c.warmup) if c.warmup else 1.0
        return c.learning_rate * rise * max(0.0, 1 - self.step / c.iterations)

    @torch.no_grad()
    def update_average(self) -> None:
        decay = min(self.config.average, (1 + self.step) / (10 + self.step))
        current = self.network.state_dict()
        names = list(self.average)
        torch._foreach_lerp_([self.average[n] for n in names], [current[n] for n in names], 1 - decay)

    def tensors(self) -> dict[str, Tensor]:
        found = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        found |= {f"average.{k}": v for k, v in self.average.items()}
        for index, entry in self.optimiser.state_dict()["state"].items():
            found |= {f"adam.{index}.{k}": v for k, v in entry.items()}
        return found

    def load(self, path: Path) -> None:
        tensors, header = load_tensors(path)
        if header["network"] != to_dict(self.config.network):
            raise ConfigError(f"{path} holds another network than the configuration; start a new run instead")
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "adam": {}}
        for name, value in tensors.items():
            group, rest = name.split(".", 1)
            parts[group][rest] = value
        self.network.load_state_dict(parts["network"])
        for name, value in parts["average"].items():
            self.average[name].copy_(value)
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in parts["adam"].items():
            index, key = name.split(".", 1)
            state.setdefault(int(index), {})[key] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": state, "param_groups": groups})
        self.step, self.seconds, self.history = header["step"], header["seconds"], header["history"]

    def remember(self) -> None:
        """Note what the steps from here on are trained with, if it differs from those before."""
        config = to_dict(self.config)
        entry = {k: config[k] for k in ("recipes", "seed", "batch_size", "patch", "loss")}
        if not self.history or any(self.history[-1][k] != v for k, v in entry.items()):
            self.history.append(entry | {"first": self.step, "last": self.step})

    def save(self, out: Path, device: torch.device) -> None:
        config = self.config
        self.history[-1]["last"] = self.step
        header = {
            "network": to_dict(config.network),
            "step": self.step,
            "seconds": self.seconds,
            "history": self.history,
            "version": __version__,
        }
        save_tensors(out / "checkpoint.safetensors", self.tensors(), header)
        card = {
            "recipes": list(config.recipes),
            "iterations": self.step,
            "samples": sum((h["last"] - h["first"]) * h["batch_size"] for h in self.history),
            "history": self.history,
            "minutes": round(self.seconds / 60, 1),
            "device": str(device),
            "seed": config.seed,
            "version": __version__,
            "config": to_dict(config),
        }
        save_model_file(out / "model.safetensors", self.average, config.network, card)


def fit(
    config: TrainConfig, out: str | Path, *, resume: bool = False, device: str = "auto"
) -> Iterator[Progress]:
    """Train, yielding an event every ``log_every`` steps.

    Parameters
    ----------
    config : TrainConfig
    out : path
        Run folder: ``config.toml``, ``log.csv``, ``checkpoint.safetensors`` (everything needed to continue)
        and ``model.safetensors`` (the averaged weights, for prediction).
    resume : bool
        Continue from the checkpoint in ``out``; otherwise a folder that holds a run is refused.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Yields
    ------
    Progress
        After SIGTERM or SIGINT, and when the consumer stops, the state is saved first.
    """
    out, where = Path(out), device_or_error(device)
    checkpoint = out / "checkpoint.safetensors"
    if checkpoint.exists() and not resume:
        raise ConfigError(f"{out} already holds a run; continue it with --resume or choose another folder")
    if resume and not checkpoint.exists():
        raise ConfigError(f"{out} holds no run to resume (no checkpoint.safetensors); leave out --resume")
    out.mkdir(parents=True, exist_ok=True)
    state = _State(config, where)
    if resume:
        state.load(checkpoint)
    state.remember()
    with staged(out / "config.toml") as (temporary,):
        temporary.write_text(dump_toml(config))
    yield from _loop(state, out, where)


def _loop(state: _State, out: Path, device: torch.device) -> Iterator[Progress]:
    config = state.config
    batches = TrainingBatches(
        [get_recipe(name) for name in config.recipes],
        seed=config.seed,
        batch_size=config.batch_size,
        shape=config.patch,
        rays=golden_spiral(config.network.num_rays),
        grid=config.network.grid,
        max_points=config.max_points,
    )
    loader = batch_loader(batches, first=state.step, last=config.iterations, workers=config.workers)
    log = _Log(out / "log.csv", state.step)
    sums: dict[str, float] = {}
    started = mark = time.perf_counter()
    spent, waited, count = state.seconds, 0.0, 0
    with _stop_signal() as stopped:
        try:
            for batch in loader:
                ready = time.perf_counter()
                waited += ready - mark
                prediction, losses = _step(state, batch, device)
                for name, value in losses._asdict().items():
                    sums[name] = sums.get(name, 0.0) + float(value)
                count += 1
                state.seconds = spent + time.perf_counter() - started
                last = state.step == config.iterations or stopped.is_set()
                if last or state.step % config.checkpoint_every == 0:
                    state.save(out, device)
                if last or state.step % config.log_every == 0:
                    now = time.perf_counter()
                    event = Progress(
                        step=state.step,
                        losses={k: v / count for k, v in sums.items()},
                        seconds=state.seconds,
                        waiting=waited / max(now - log.since, 1e-9),
                        preview=(batch, prediction) if state.step % config.preview_every == 0 else None,
                    )
                    log.write(event, state.learning_rate())
                    sums, waited, count, log.since = {}, 0.0, 0, now
                    yield event
                if last:
                    return
                mark = time.perf_counter()
        finally:
            state.save(out, device)


def _step(state: _State, batch: TrainingBatch, device: torch.device) -> tuple[Prediction, Losses]:
    config = state.config
    image = batch.image.to(device, memory_format=torch.channels_last_3d, non_blocking=True)
    targets = Targets(*(t.to(device, non_blocking=True) for t in batch.targets))
    with torch.autocast(device.type, torch.bfloat16, enabled=_use_bfloat16(config, device)):
        prediction = state.network(image)
    losses = star_loss(prediction, targets, config.loss)
    for group in state.optimiser.param_groups:
        group["lr"] = state.learning_rate()
    state.optimiser.zero_grad(set_to_none=True)
    losses.total.backward()
    torch.nn.utils.clip_grad_norm_(state.network.parameters(), config.clip)
    state.optimiser.step()
    state.step += 1
    state.update_average()
    return Prediction(*(p.detach() for p in prediction)), Losses(*(x.detach() for x in losses))


def _use_bfloat16(config: TrainConfig, device: torch.device) -> bool:
    return fast_bfloat16(device) if config.precision == "auto" else config.precision == "bfloat16"


class _Log:
    """``log.csv``; lines beyond the step a run is resumed from are dropped."""

    columns = ("step", "loss", "probability", "distance", "learning_rate", "seconds", "waiting")

    def __init__(self, path: Path, step: int) -> None:
        self.path, self.since = path, time.perf_counter()
        rows = []
        if step and path.exists():
            with open(path, newline="") as file:
                rows = [row for row in csv.reader(file) if row and row[0].isdigit() and int(row[0]) <= step]
        with staged(path) as (temporary,), open(temporary, "w", newline="") as file:
            csv.writer(file).writerows([self.columns, *rows])

    def write(self, event: Progress, learning_rate: float) -> None:
        losses = event.losses
        values = [
            losses["total"],
            losses["probability"],
            losses["distance"],
            learning_rate,
            event.seconds,
            event.waiting,
        ]
        with open(self.path, "a", newline="") as file:
            csv.writer(file).writerow([event.step, *(f"{v:.6g}" for v in values)])


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """Turn SIGTERM and SIGINT into an event, so that the step in progress ends and is saved."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(n, lambda *_: stopped.set()) for n in numbers]
    try:
        yield stopped
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
