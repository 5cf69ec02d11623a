"""Weights and training states on disk: safetensors with a JSON header, never pickle, written atomically."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from anystar.config import ConfigError, from_dict, to_dict
from anystar.nn.model import NetworkConfig, StarNet
from anystar.runtime.atomic import staged

__all__ = ["ModelFile", "load_header", "load_model_file", "load_tensors", "save_model_file", "save_tensors"]

_KEY = "anystar"
_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """A network with what one must know to use it."""

    network: StarNet
    """In evaluation mode, float32, on the CPU."""
    card: dict[str, Any]
    """How it was trained, its default thresholds, what it scores."""


def save_tensors(path: str | Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write tensors and a JSON header; the file appears whole or not at all."""
    plain = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    with staged(path) as (temporary,):
        save_file(plain, temporary, metadata={_KEY: json.dumps(header)})


def load_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what :func:`save_tensors` wrote; ``ConfigError`` if it is not such a file."""
    with _opened(path) as (file, header):
        return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118


def load_header(path: str | Path) -> dict[str, Any]:
    """Read the header that :func:`save_tensors` wrote, without the tensors."""
    with _opened(path) as (_, header):
        return header


@contextmanager
def _opened(path: str | Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    try:
        with safe_open(str(path), framework="pt") as file:
            header = (file.metadata() or {}).get(_KEY)
            if header is None:
                raise ConfigError(f"{path} is a safetensors file, but not one of AnyStar's")
            yield file, json.loads(header)
    except (SafetensorError, OSError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from None


def save_model_file(
    path: str | Path, state: Mapping[str, Tensor], config: NetworkConfig, card: Mapping[str, Any]
) -> None:
    """Write weights as float16 with their network's configuration and card."""
    weights = {
        k: v.half() if v.is_floating_point() else v for k, v in state.items() if "num_batches" not in k
    }
    save_tensors(path, weights, {"format": _FORMAT, "network": to_dict(config), "card": dict(card)})


def load_model_file(path: str | Path) -> ModelFile:
    """Read a model file, checking that it fits its own description."""
    tensors, header = load_tensors(path)
    if header.get("format") != _FORMAT:
        raise ConfigError(f"{path} has model format {header.get('format')}; this AnyStar reads {_FORMAT}")
    network = StarNet(from_dict(NetworkConfig, header["network"]))
    state = {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
    missing, unexpected = network.load_state_dict(state, strict=False)
    if unexpected or any("num_batches" not in name for name in missing):
        raise ConfigError(f"{path} does not hold the weights that its header describes")
    return ModelFile(network=network.eval(), card=header["card"])
