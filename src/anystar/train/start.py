"""Initial weights: another model's, for fine-tuning or to continue with other samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from anystar.config import from_dict, to_dict
from anystar.nn.checkpoint import interpreted, load_model_file, load_tensors
from anystar.nn.losses import LossConfig
from anystar.nn.model import NetworkConfig
from anystar.predict.registry import model_path
from anystar.train.labelled import LabelledConfig

__all__ = ["Start", "count_samples", "load_start"]

_REMEMBERED = ("recipes", "iterations", "samples", "minutes", "device", "from")


@dataclass(frozen=True, kw_only=True)
class Start:
    """Initial weights of a run, and their origin."""

    network: NetworkConfig
    """Shape of the network."""
    weights: dict[str, Tensor]
    """Of the network, float32 on the CPU."""
    average: dict[str, Tensor]
    """Their moving average. It is all that a model file holds: then both are equal."""
    loss: LossConfig | None
    """The loss that they were trained with, if the file says."""
    seeds: tuple[int, ...]
    """Seeds of the samples that they and their own initial weights were trained on."""
    defaults: dict[str, float]
    """What they are used with: ``prob_thresh``, ``nms_thresh``, ``diameter`` in voxels, if the file says."""
    origin: dict[str, Any]
    """What the new model's card says of the old one."""

    def settings(self, labelled: LabelledConfig | None = None) -> dict[str, Any]:
        """Return the fields of a configuration that these weights decide, of ``labelled`` the diameter."""
        own: dict[str, Any] = {"network": self.network} | ({"loss": self.loss} if self.loss else {})
        if labelled is not None and "diameter" in self.defaults:
            own["labelled"] = replace(labelled, diameter=self.defaults["diameter"])
        return own

    def complete(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return a configuration's plain values; where it says nothing, with these weights' own."""
        own = {name: to_dict(value) for name, value in self.settings().items()}
        if "labelled" in values and "diameter" in self.defaults:
            own["labelled"] = {"diameter": self.defaults["diameter"]}
        return {**values, **{k: table | dict(values.get(k, {})) for k, table in own.items()}}


def load_start(name: str | Path) -> Start:
    """Read the weights of a bundled model, of a model file, or of a run's checkpoint.

    Raises
    ------
    ConfigError
        If there is no such model or file, or it is not one of AnyStar's.
    """
    path = model_path(name)
    tensors, header = load_tensors(path)
    with interpreted(path):
        return _start(path, tensors, header)


def _start(path: Path, tensors: dict[str, Tensor], header: dict[str, Any]) -> Start:
    """Return what a model file or a checkpoint holds."""
    if "card" in header:
        card = header["card"]
        weights = {k: v for k, v in load_model_file(path).network.state_dict().items() if k in tensors}
        average, defaults = weights, card.get("defaults", {})
        loss = card.get("config", {}).get("loss")
        seeds = {card.get("seed", 0)} | {part["seed"] for part in card.get("history", ())}
        origin = {k: card[k] for k in _REMEMBERED if k in card}
    else:
        parts = [
            {k.removeprefix(part): v for k, v in tensors.items() if k.startswith(part)}
            for part in ("network.", "average.")
        ]
        (weights, average), defaults = parts, header.get("defaults", {})
        history = header["history"]
        loss, seeds = history[-1]["loss"], {part["seed"] for part in history}
        origin = {
            "recipes": history[-1]["recipes"],
            "iterations": header["step"],
            "samples": count_samples(history),
            "minutes": round(header["seconds"] / 60, 1),
        }
        origin |= {"from": header["origin"]} if header.get("origin") else {}
    origin["seeds"] = sorted(seeds)
    before: dict[str, Any] = origin
    while before := before.get("from", {}):
        seeds |= set(before.get("seeds", ()))
    return Start(
        network=from_dict(NetworkConfig, header["network"]),
        weights=weights,
        average=average,
        loss=from_dict(LossConfig, loss) if loss else None,
        seeds=tuple(sorted(seeds)),
        defaults=defaults,
        origin={"model": path.stem if "card" in header else path.name} | origin,
    )


def count_samples(history: Sequence[dict[str, Any]]) -> int:
    """Return the number of samples in the parts of a run's history."""
    return sum(
        (part["last"] - part["first"]) * part["batch_size"] * part.get("processes", 1) for part in history
    )
