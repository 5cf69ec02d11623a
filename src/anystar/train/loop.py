"""Training: one readable loop that can be killed at any moment and continues exactly."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from anystar.atomic import staged
from anystar.config import ConfigError, dump_toml
from anystar.data import TrainingBatch, TrainingBatches, batch_loader
from anystar.geometry.rays import golden_spiral
from anystar.nn.device import device_or_error, fast_bfloat16
from anystar.nn.losses import Losses, star_loss
from anystar.nn.model import Prediction
from anystar.synth.recipes import get_recipe
from anystar.targets import Targets
from anystar.train.config import TrainConfig
from anystar.train.log import Log, Progress
from anystar.train.start import load_start
from anystar.train.state import TrainState

__all__ = ["fit"]


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
    start = None if resume or config.start is None else load_start(config.start)
    if start is not None and start.network != config.network:
        raise ConfigError(
            f"{config.start} holds another network than the configuration says; give both the same [network]"
        )
    state = TrainState(config, where, start)
    out.mkdir(parents=True, exist_ok=True)
    if resume:
        state.load(checkpoint)
    state.remember()
    with staged(out / "config.toml") as (temporary,):
        temporary.write_text(dump_toml(config))
    yield from _loop(state, out, where)


def _loop(state: TrainState, out: Path, device: torch.device) -> Iterator[Progress]:
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
    log = Log(out / "log.csv", state.step)
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


def _step(state: TrainState, batch: TrainingBatch, device: torch.device) -> tuple[Prediction, Losses]:
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
