"""Progress of a run: events, and ``log.csv``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from anystar.nn.model import Prediction
from anystar.runtime.atomic import write_csv
from anystar.train.synthetic_batches import TrainingBatch

__all__ = ["Log", "Preview", "Progress"]

Preview = tuple[TrainingBatch, Prediction]


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
    validation: float | None = None
    """Loss of the averaged weights on the validation volumes, at steps with a checkpoint."""
    preview: Preview | None = None
    """Input and output of the network, every ``preview_every`` steps."""


class Log:
    """``log.csv``; lines beyond the step from which a run is resumed are dropped."""

    columns = ("step", "loss", "probability", "distance", "learning_rate", "seconds", "waiting", "validation")

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        rows = []
        if step and path.exists():
            with open(path, newline="") as file:
                rows = [row for row in csv.reader(file) if row and row[0].isdigit() and int(row[0]) <= step]
        write_csv(path, self.columns, rows)

    def write(self, event: Progress, learning_rate: float) -> None:
        """Add a line."""
        values = [event.losses[name] for name in ("total", "probability", "distance")]
        values += [learning_rate, event.seconds, event.waiting]
        values += [] if event.validation is None else [event.validation]
        with open(self.path, "a", newline="") as file:
            csv.writer(file).writerow([event.step, *(f"{v:.6g}" for v in values)])
