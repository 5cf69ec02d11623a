"""Training: one readable loop that can be killed at any moment and continues exactly."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from anystar.config import ConfigError, dump_toml
from anystar.geometry.rays import golden_spiral
from anystar.nn.device import device_or_error, fast_bfloat16
from anystar.nn.losses import Losses, star_loss
from anystar.nn.model import Prediction
from anystar.runtime.atomic import staged
from anystar.runtime.worker_process import signals_left_to_parent
from anystar.synth.recipes import get_recipe
from anystar.train.config import TrainConfig
from anystar.train.crops import CropBatches
from anystar.train.labelled import LabelledVolumes
from anystar.train.log import Log, Preview, Progress
from anystar.train.processes import Processes, joined
from anystar.train.start import load_start
from anystar.train.state import TrainState
from anystar.train.synthetic_batches import Batches, TrainingBatch, TrainingBatches, batch_loader
from anystar.train.validate import Validation

__all__ = ["BEFORE_DECAY", "fit", "training_batches", "training_step"]

BEFORE_DECAY = "before_decay.safetensors"
"""The checkpoint from which an extended run goes on."""


def fit(
    config: TrainConfig,
    out: str | Path,
    *,
    resume: bool = False,
    device: str = "auto",
    labelled: LabelledVolumes | None = None,
) -> Iterator[Progress]:
    """Train, yielding an event every ``log_every`` steps.

    Under ``torchrun``, all processes train the same network, each on its own part of every batch; only the
    first writes files and yields events.

    Parameters
    ----------
    config : TrainConfig
    out : path
        Run folder: ``config.toml``, ``log.csv``, ``checkpoint.safetensors`` (everything needed to continue)
        and ``model.safetensors`` (the averaged weights, for prediction). If the learning rate was constant at
        first, ``before_decay.safetensors`` is the checkpoint before it fell. With volumes to validate by,
        ``best.safetensors`` holds the averaged weights of the least validation loss.
    resume : bool
        Continue from the checkpoint in ``out``, or, if the budget was extended since the learning rate began
        to fall, from the one before that; otherwise a folder that holds a run is refused.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    labelled : LabelledVolumes, optional
        The volumes that ``config.labelled`` speaks of, read and prepared.

    Yields
    ------
    Progress
        After SIGTERM or SIGINT, and when the consumer stops, the state is saved first.

    Raises
    ------
    ConfigError
        If ``config``, ``out`` and ``resume`` do not fit together, or if training diverges: a step without a
        finite gradient changes nothing; several in a row end the run and leave its last checkpoint.
    """
    out, where = Path(out), device_or_error(device)
    checkpoint = out / "checkpoint.safetensors"
    if (config.labelled is None) != (labelled is None):
        raise ConfigError("labelled volumes must be given as configuration and as volumes, or not at all")
    if checkpoint.exists() and not resume:
        raise ConfigError(f"{out} already holds a run; continue it with --resume or choose another folder")
    for path in () if resume else (out / "model.safetensors", out / "best.safetensors"):
        if path.exists():
            raise ConfigError(f"{path} would be replaced by the run's own; choose another folder")
    begun = resume and checkpoint.exists()  # a run that was killed before its first checkpoint begins
    start = None if begun or config.start is None else load_start(config.start)
    if start is not None and start.network != config.network:
        raise ConfigError(
            f"{config.start} holds another network than the configuration says; give both the same [network]"
        )
    with joined(where) as (processes, where):
        state = TrainState(config, where, start, processes=processes, labelled=labelled)
        if begun:
            state.load(checkpoint)
            before_decay = out / BEFORE_DECAY
            if before_decay.exists() and not state.decaying:
                state.load(before_decay)
        state.remember()
        with _run_folder(out, state) if processes.first else nullcontext():
            yield from _loop(state, out, where, labelled)


@contextmanager
def _run_folder(out: Path, state: TrainState) -> Iterator[None]:
    """Make a run's folder and note its configuration; take back what is new if no step was done."""
    config = out / "config.toml"
    new = [path for path in (config, out / "log.csv", out, *out.parents) if not path.exists()]
    try:
        with staged(config) as (temporary,):
            temporary.write_text(dump_toml(state.config))
        yield
    finally:
        for path in new if state.step == 0 else ():
            with suppress(OSError):  # never made, or not empty: someone else's file
                if path.is_dir():
                    path.rmdir()
                else:
                    path.unlink()


def training_batches(
    config: TrainConfig,
    device: torch.device,
    processes: Processes,
    labelled: LabelledVolumes | None,
    *,
    start: tuple[int, int] = (0, 0),
) -> Batches:
    """Return the endless series of this process's batches; ``start`` is that of :class:`Batches`."""
    common: dict[str, Any] = {
        "seed": config.seed,
        "batch_size": config.batch_size,
        "shape": config.patch,
        "rays": golden_spiral(config.network.num_rays),
        "grid": config.network.grid,
        "max_points": config.max_points or None,
        "rank": processes.rank,
        "world_size": processes.size,
        "start": start,
    }
    if labelled is not None:
        assert config.labelled is not None
        return CropBatches(labelled.training, config.labelled, **common)
    where = device if made_on_device(config, device) else torch.device("cpu")
    recipes = [get_recipe(name) for name in config.recipes]
    divisor = config.network.divisor
    return TrainingBatches(recipes, device=where, thin=config.thin, divisor=divisor, **common)


def made_on_device(config: TrainConfig, device: torch.device) -> bool:
    """Return whether samples are made where they are learnt from, rather than by worker processes."""
    if config.labelled is not None:
        return False
    return config.samples == "device" or (config.samples == "auto" and device.type == "cuda")


class _Due(NamedTuple):
    """What is due after a step."""

    last: bool
    saved: bool
    validated: bool
    previewed: bool

    @classmethod
    def after(cls, state: TrainState, stopped: bool, labelled: bool, device: torch.device) -> _Due:
        """Return what is due after the step of a state; the processes of a run agree on the last one."""
        config, processes = state.config, state.processes
        exchange = processes.size == 1 or state.step % config.log_every == 0
        last = state.left == 0 or (exchange and processes.any(stopped, device))
        saved = last or state.step % config.checkpoint_every == 0
        return cls(last, saved, saved and labelled, state.step % config.preview_every == 0)

    def logged(self, state: TrainState) -> bool:
        """Return whether an event is due."""
        return self.last or self.validated or self.previewed or state.step % state.config.log_every == 0


class _Since:
    """Losses, and time spent waiting for samples, since the last event."""

    def __init__(self, start: float) -> None:
        self.start, self.waited, self.count = start, 0.0, 0
        self.sums: dict[str, Tensor] = {}

    def add(self, losses: Losses, waited: float) -> None:
        """Add a step; losses stay on the device, so that nothing waits for them."""
        self.waited += waited
        self.count += 1
        for name, value in losses._asdict().items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def progress(self, state: TrainState, validation: float | None, preview: Preview | None) -> Progress:
        """Return the event of the steps so far."""
        means = {k: float(state.processes.mean(v)) / self.count for k, v in self.sums.items()}
        return Progress(
            step=state.step,
            losses=means,
            seconds=state.seconds,
            waiting=self.waited / max(time.perf_counter() - self.start, 1e-9),
            validation=validation,
            preview=preview,
        )


def _loop(
    state: TrainState, out: Path, device: torch.device, labelled: LabelledVolumes | None
) -> Iterator[Progress]:
    config, processes = state.config, state.processes
    if not state.left:
        return
    loader = _loader(state, device, labelled)
    validation = Validation(config, labelled, device) if labelled and processes.first else None
    log = Log(out / "log.csv", state.step) if processes.first else None
    started = mark = time.perf_counter()
    since, spent = _Since(started), state.seconds
    decayed = config.decay == 1 or state.decaying
    with _stop_signal() as stopped:
        try:
            with signals_left_to_parent():  # worker processes start here
                source = iter(loader)
            for batch in source:
                waited = time.perf_counter() - mark
                if state.decaying and not decayed:
                    state.save_checkpoint(out / BEFORE_DECAY)
                    decayed = True
                prediction, losses = training_step(state, batch, device)
                since.add(losses, waited)
                state.seconds = _agreed(spent + time.perf_counter() - started, state, device)
                due = _Due.after(state, stopped.is_set(), labelled is not None, device)
                if due.saved or due.logged(state):
                    state.refuse_diverged()
                if due.saved:
                    loss = validation.loss(state.average) if validation else None
                    state.save(out, device, loss)
                if due.logged(state):
                    event = since.progress(
                        state,
                        validation=loss if due.validated else None,
                        preview=(batch, prediction) if due.previewed else None,
                    )
                    since = _Since(time.perf_counter())
                    if log is not None:
                        log.write(event, state.learning_rate())
                        yield event
                if due.last:
                    return
                mark = time.perf_counter()
        finally:
            if state.step != state.saved and not state.diverged:
                state.save(out, device)


def _loader(
    state: TrainState, device: torch.device, labelled: LabelledVolumes | None
) -> Iterable[TrainingBatch]:
    """Return the batches of the steps that are left."""
    config, first = state.config, state.step
    batches = training_batches(config, device, state.processes, labelled, start=(first, state.samples))
    if isinstance(batches, TrainingBatches) and made_on_device(config, device):
        return batches.ahead(first, config.iterations)
    return batch_loader(batches, first=first, last=config.iterations, workers=config.workers)


def _agreed(seconds: float, state: TrainState, device: torch.device) -> float:
    """Return the time spent: with a limit its mean over the processes, whose learning rates must be equal."""
    if state.config.minutes is None or state.processes.size == 1:
        return seconds
    return float(state.processes.mean(torch.tensor(seconds, device=device, dtype=torch.float32)))


def _no_clock(stage: str) -> None:
    pass


def training_step(
    state: TrainState, batch: TrainingBatch, device: torch.device, *, lap: Callable[[str], None] = _no_clock
) -> tuple[Prediction, Losses]:
    """Learn from one batch; ``lap`` is called after each part with its name."""
    config = state.config
    state.begin_step()
    image = batch.image.to(device, memory_format=torch.channels_last_3d, non_blocking=True)
    targets = batch.targets.to(device)
    lap("transfer")
    with torch.autocast(device.type, torch.bfloat16, enabled=use_bfloat16(config, device)):
        prediction = state.network(image, points_P4=targets.taught_N4())
    losses = star_loss(prediction, targets, config.loss, mean_over_processes=state.processes.mean)
    lap("forward and loss")
    for group in state.optimiser.param_groups:
        group["lr"] = state.learning_rate()
    state.optimiser.zero_grad(set_to_none=True)
    losses.total.backward()
    state.processes.average_gradients(state.network)
    lap("backward")
    norm = torch.nn.utils.clip_grad_norm_(state.network.parameters(), config.clip)
    state.update(norm.isfinite())
    state.step += 1
    state.samples += config.batch_size * state.processes.size
    state.update_average()
    lap("optimiser and average")
    return Prediction(*(p.detach() for p in prediction)), Losses(*(x.detach() for x in losses))


def use_bfloat16(config: TrainConfig, device: torch.device) -> bool:
    """Return whether the network computes in bfloat16."""
    return fast_bfloat16(device) if config.precision == "auto" else config.precision == "bfloat16"


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """Turn SIGTERM, SIGINT and SIGHUP into an event, so that the step in progress ends and is saved."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    numbers = [signal.SIGTERM, signal.SIGINT]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = [signal.signal(n, lambda *_: stopped.set()) for n in numbers]
    try:
        yield stopped
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
