"""Weights, their average and the optimiser: what a checkpoint holds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from anystar._version import __version__
from anystar.config import ConfigError, from_dict, to_dict
from anystar.nn.checkpoint import interpreted, load_tensors, save_model_file, save_tensors
from anystar.nn.model import NetworkConfig, StarNet, to_device
from anystar.nn.sync_batchnorm import synchronise_statistics
from anystar.train.config import TrainConfig
from anystar.train.labelled import LabelledVolumes
from anystar.train.muon import make_optimiser
from anystar.train.processes import Processes
from anystar.train.provenance import commit, describe_device
from anystar.train.start import Start, count_samples

__all__ = ["TrainState"]

_SKIPPED = 5
"""Steps in a row without a finite gradient after which a run is given up."""
_PATHS = ("images", "labels", "validation_images", "validation_labels")


class TrainState:
    """Weights, their average and the optimiser."""

    def __init__(
        self,
        config: TrainConfig,
        device: torch.device,
        start: Start | None = None,
        *,
        processes: Processes | None = None,
        labelled: LabelledVolumes | None = None,
    ) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = StarNet(config.network)
        if start is not None:
            network.load_state_dict(network.state_dict() | start.weights)
        self.network = to_device(network, device).train()
        self.processes = processes or Processes()
        if self.processes.size > 1:
            synchronise_statistics(self.network, device)
        if config.compile:
            self.network.compile()
        self.config, self.step, self.seconds, self.saved = config, 0, 0.0, 0
        self.samples = 0  # of the series, over all processes
        self.labelled, self.best = labelled, math.inf
        self.origin = {} if start is None else start.origin
        self.defaults = {} if start is None else start.defaults
        self.history: list[dict[str, Any]] = []
        self.commit = commit()
        self.skipped = torch.zeros((), dtype=torch.int64, device=device)  # steps in a row, up to this one
        self.optimiser = make_optimiser(self.network, config, device)
        floating = {k: v for k, v in self.network.state_dict().items() if v.is_floating_point()}
        self.average = {k: v.clone() for k, v in floating.items()}
        self._weights = list(floating.values())  # the network's own, and its running statistics
        self._before = [v.clone() for v in self._weights]
        if start is not None:
            self._load_average(start.average)

    def _load_average(self, average: dict[str, Tensor]) -> None:
        for name, value in self.average.items():
            value.copy_(average[name])

    def learning_rate(self) -> float:
        """Return the learning rate of the next step."""
        c = self.config
        rise = min(1.0, (self.step + 1) / c.warmup) if c.warmup else 1.0
        return c.learning_rate * rise * min(1.0, self.left / c.decay)

    @property
    def left(self) -> float:
        """Share of the budget that is left, in steps or by the clock, whichever ends first."""
        c = self.config
        steps = 1 - self.step / c.iterations
        return max(0.0, steps if c.minutes is None else min(steps, 1 - self.seconds / (60 * c.minutes)))

    @property
    def decaying(self) -> bool:
        """Whether the final fall of the learning rate has begun."""
        return self.left < self.config.decay

    @torch.no_grad()
    def update_average(self) -> None:
        """Move the average towards the weights; early on it follows them closely."""
        decay = min(self.config.average, (1 + self.step) / (10 + self.step))
        current = self.network.state_dict()
        names = list(self.average)
        torch._foreach_lerp_([self.average[n] for n in names], [current[n] for n in names], 1 - decay)

    @torch.no_grad()
    def begin_step(self) -> None:
        """Note what a step changes of the network, for :meth:`update`."""
        torch._foreach_copy_(self._before, self._weights)

    @torch.no_grad()
    def update(self, sound: Tensor) -> None:
        """Let the optimiser do its step; undo all since :meth:`begin_step` unless the gradient is ``sound``.

        That is a bool on the device, for which nothing waits. Where it is not, all that the optimiser itself
        notes is a gradient of 0.
        """
        for parameter in self.network.parameters():
            if parameter.grad is not None:
                parameter.grad.masked_fill_(~sound, 0)
        self.optimiser.step()
        for now, old in zip(self._weights, self._before, strict=True):
            torch.where(sound, now, old, out=now)
        self.skipped = torch.where(sound, 0, self.skipped + 1)

    @property
    def diverged(self) -> bool:
        """Whether several steps in a row, up to this one, had no finite gradient; waits for the device."""
        return int(self.skipped) >= _SKIPPED

    def refuse_diverged(self) -> None:
        """Raise :class:`anystar.errors.ConfigError` if the run has :attr:`diverged`."""
        if self.diverged:
            raise ConfigError(
                f"no step from {self.step - int(self.skipped) + 1} to {self.step} had a finite gradient, and "
                f"nothing is saved since step {self.saved}; go on from there with a lower --learning-rate"
            )

    def tensors(self) -> dict[str, Tensor]:
        """Return all that is needed to go on exactly."""
        found = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        found |= {f"average.{k}": v for k, v in self.average.items()}
        for index, entry in self.optimiser.state_dict()["state"].items():
            found |= {f"adam.{index}.{k}": v for k, v in entry.items()}
        return found

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        try:
            tensors, header = load_tensors(path)
        except ConfigError as error:
            model = path.with_name("model.safetensors")
            raise ConfigError(f"{error}; or begin a run in another folder with --from {model}") from None
        with interpreted(path):
            self._restore(path, tensors, header)

    def _restore(self, path: Path, tensors: dict[str, Tensor], header: dict[str, Any]) -> None:
        if from_dict(NetworkConfig, header["network"]) != self.config.network:
            raise ConfigError(f"{path} holds another network than the configuration; start a new run instead")
        if header.get("optimiser", "adam") != self.config.optimiser:
            raise ConfigError(
                f"{path} was trained with the optimiser {header.get('optimiser', 'adam')}, not with "
                f"{self.config.optimiser}; give the same, or begin a new run from its weights"
            )
        if header["step"] > self.config.iterations:
            raise ConfigError(
                f"{path.parent} is at step {header['step']} already, beyond the {self.config.iterations} "
                f"iterations of the configuration; give --iterations {header['step']} or more"
            )
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "adam": {}}
        for name, value in tensors.items():
            group, rest = name.split(".", 1)
            parts[group][rest] = value
        self.network.load_state_dict(parts["network"])
        self._load_average(parts["average"])
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in parts["adam"].items():
            index, key = name.split(".", 1)
            state.setdefault(int(index), {})[key] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": state, "param_groups": groups})
        self.step, self.seconds, self.history = header["step"], header["seconds"], header["history"]
        self.samples = header["seen"] if "seen" in header else _samples_at_most(self.history)
        self.origin, self.saved = header.get("origin", {}), self.step
        self.defaults = header.get("defaults", {})
        best = header.get("best")
        self.best = math.inf if best is None else best

    def remember(self) -> None:
        """Note what the steps from here on are trained with, if it differs from those before."""
        config = to_dict(self.config)
        entry = {k: config[k] for k in ("recipes", "seed", "batch_size", "patch", "loss")}
        entry |= {"processes": self.processes.size} if self.processes.size > 1 else {}
        entry |= {"volumes": [v.name for v in self.labelled.training]} if self.labelled else {}
        before = {k: v for k, v in (self.history or [{}])[-1].items() if k not in ("first", "last")}
        if before != entry:
            self.history.append(entry | {"first": self.step, "last": self.step})

    def save(self, out: Path, device: torch.device, validation: float | None = None) -> None:
        """Write the checkpoint, and the averaged weights as a model; as the best one too, if it is."""
        if not self.processes.first:
            return
        config = self.config
        self.saved = self.step
        names = ["model"]
        if validation is not None and validation < self.best:
            self.best = validation
            names.append("best")
        self.history[-1]["last"] = self.step
        defaults = self._defaults()
        card = {
            "recipes": list(config.recipes),
            "iterations": self.step,
            "samples": count_samples(self.history),
            "history": self.history,
            "minutes": round(self.seconds / 60, 1),
            "device": describe_device(device, self.processes.size),
            "commit": self.commit,
            "seed": config.seed,
            "version": __version__,
            "config": _public(config),
        }
        card |= {"from": self.origin} if self.origin else {}
        card |= {"defaults": defaults} if defaults else {}
        if self.labelled is not None:
            card["volumes"] = [v.name for v in self.labelled.training]
            card["objects"] = sum(len(v.centres) for v in self.labelled.training)
        card |= {} if validation is None else {"validation loss": round(validation, 4)}
        for name in names:
            save_model_file(out / f"{name}.safetensors", self.average, config.network, card)
        # Last: what it says of the best loss holds only once that model is there
        self.save_checkpoint(out / "checkpoint.safetensors")

    def save_checkpoint(self, path: Path) -> None:
        """Write all that is needed to go on exactly."""
        if not self.processes.first:
            return
        self.history[-1]["last"] = self.step
        header = {
            "network": to_dict(self.config.network),
            "optimiser": self.config.optimiser,
            "step": self.step,
            "seen": self.samples,
            "seconds": self.seconds,
            "history": self.history,
            "origin": self.origin,
            "defaults": self._defaults(),
            "best": self.best if math.isfinite(self.best) else None,
            "version": __version__,
        }
        save_tensors(path, self.tensors(), header)

    def _defaults(self) -> dict[str, float]:
        """Return the defaults for prediction: the initial weights', with the diameter trained on here."""
        labelled = self.config.labelled
        return self.defaults | ({} if labelled is None else {"diameter": labelled.diameter})


def _samples_at_most(history: list[dict[str, Any]]) -> int:
    """Return a bound for the samples of a run whose checkpoint does not hold their number.

    Such runs counted batches from the beginning with the current batch size, so samples may have come twice.
    """
    return max(part["last"] * part["batch_size"] * part.get("processes", 1) for part in history)


def _public(config: TrainConfig) -> dict[str, Any]:
    """Return the configuration for a card: names of files, not where they lie."""
    found = to_dict(config)
    for table, keys in ((found, ("start",)), (found.get("labelled", {}), _PATHS)):
        table |= {key: Path(table[key]).name for key in keys if key in table}
    return found
