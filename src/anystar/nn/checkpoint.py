"""Weights and training states on disk: safetensors with a JSON header, never pickle, written atomically.

The header of a model file holds its card. What is decided or measured after training stands in a text file
beside it, NAME.toml. Its entries replace those of the header, so that figures need no new weights.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from anystar.config import ConfigError, from_dict, read_toml, to_dict
from anystar.nn.model import NetworkConfig, StarNet
from anystar.runtime.atomic import staged

__all__ = [
    "ModelFile",
    "interpreted",
    "load_header",
    "load_model_file",
    "load_tensors",
    "save_model_file",
    "save_tensors",
]

_KEY = "anystar"
_FORMAT = 1
_GIVE = "give a file that 'anystar train' wrote"
_OTHER = f"it is of another architecture, {_GIVE}"
_RANGES = {"prob_thresh": (0.0, 1.0), "nms_thresh": (0.0, 1.0), "diameter": (1.0, 512.0)}
"""Least and greatest values of a card's defaults; the diameter is in voxels as the network sees objects."""


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """A network with what one must know to use it."""

    network: StarNet
    """In evaluation mode, float32, on the CPU."""
    card: dict[str, Any]
    """How it was trained, its default thresholds, what it scores."""


def save_tensors(path: str | Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write tensors and a JSON header; the file appears whole or not at all.

    Raises
    ------
    OSError
        If it cannot be written: a full disk, a missing permission.
    """
    plain = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    with staged(path) as (temporary,):
        try:
            save_file(plain, temporary, metadata={_KEY: json.dumps(header)})
        except SafetensorError as error:  # not an OSError, though it is one; its text has the number
            found = re.search(r"os error (\d+)", str(error))
            number = errno.ENOSPC if "No space left" in str(error) else int(found[1]) if found else errno.EIO
            raise OSError(number, os.strerror(number)) from error


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
            text = (file.metadata() or {}).get(_KEY)
            if text is None:
                raise ConfigError(f"{path} is a safetensors file, but not one of AnyStar's; give another")
            yield file, _completed(Path(path), _parsed(path, text))
    except (SafetensorError, OSError) as error:
        raise ConfigError(f"{path} cannot be read ({error}); copy it again") from None


def _parsed(path: str | Path, text: str) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} has a header that is not JSON ({_brief(error)}); copy it again") from None
    if not isinstance(header, dict):
        raise ConfigError(f"{path} has a header that is no JSON object; copy it again")
    return header


def _completed(path: Path, header: dict[str, Any]) -> dict[str, Any]:
    """Return a model file's header with the card as NAME.toml beside NAME.safetensors completes it."""
    beside = path.with_suffix(".toml")
    if not (isinstance(header.get("card"), dict) and beside.is_file()):
        return header
    return header | {"card": header["card"] | read_toml(beside, dict)}


@contextmanager
def interpreted(path: str | Path) -> Iterator[None]:
    """Turn what goes wrong while values of a file's header are used into one ``ConfigError`` with its name.

    A header is JSON from anywhere: each value may be missing, or of another type than this package writes.
    """
    try:
        yield
    except ConfigError as error:
        text = str(error) if str(path) in str(error) else f"{path}: {error}"
        raise ConfigError(text if "; " in text else f"{text}; {_GIVE}") from error
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise ConfigError(f"{path} has a header that cannot be used ({_brief(error)}); {_GIVE}") from error


def _brief(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"


def save_model_file(
    path: str | Path, state: Mapping[str, Tensor], config: NetworkConfig, card: Mapping[str, Any]
) -> None:
    """Write weights as float16 with their network's configuration and card."""
    weights = {
        k: v.half() if v.is_floating_point() else v for k, v in state.items() if "num_batches" not in k
    }
    save_tensors(path, weights, {"format": _FORMAT, "network": to_dict(config), "card": dict(card)})


def load_model_file(path: str | Path) -> ModelFile:
    """Read a model file and check everything that later steps rely on.

    Raises
    ------
    ConfigError
        If the file is damaged, of another format, or for another network than its header describes. If
        weights are not finite, or are all zero. If the card states an impossible diameter or threshold.
    """
    tensors, header = load_tensors(path)
    if header.get("format") != _FORMAT:
        raise ConfigError(f"{path} has the model format {header.get('format')}, this AnyStar reads {_FORMAT}")
    with interpreted(path):
        network, card = _network(header, tensors), _card(header)
    return ModelFile(network=network, card=card)


def _network(header: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> StarNet:
    """Return the network that a header describes, with its weights."""
    if not isinstance(header.get("network"), Mapping):
        raise ConfigError(f"the header does not describe a network; {_GIVE}")
    config = from_dict(NetworkConfig, header["network"])
    with torch.device("meta"):  # without memory: what the file declares may be anything
        network = StarNet(config)
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    expected = {name for name in shapes if "num_batches" not in name}
    if missing := sorted(expected - tensors.keys()) + sorted(tensors.keys() - shapes.keys()):
        raise ConfigError(f"the weights are not those that the header describes ({missing[0]}); {_OTHER}")
    for name in sorted(expected):
        value = tensors[name]
        if value.shape != shapes[name]:
            raise ConfigError(
                f"the weights {name} have the shape {tuple(value.shape)}, but the header describes "
                f"{tuple(shapes[name])}; {_OTHER}"
            )
        if not value.is_floating_point():
            raise ConfigError(f"the weights {name} are {value.dtype}, no floating-point numbers; {_OTHER}")
        if not torch.isfinite(value.float()).all():
            raise ConfigError(f"the weights {name} contain NaN or infinite values; train it again")
        if value.ndim == 5 and not value.any():
            raise ConfigError(f"the weights {name} are all zero; train it again")
    counts = {name: torch.zeros(shapes[name], dtype=torch.long) for name in shapes.keys() - expected}
    weights = {name: tensors[name].float() for name in expected}
    network.load_state_dict(counts | weights, assign=True)
    network.eval()
    ramp = torch.linspace(0, 1, config.divisor**3).reshape(1, 1, *[config.divisor] * 3)
    with torch.inference_mode():
        logits, distances, _ = network(ramp)
    if not (torch.isfinite(logits).all() and torch.isfinite(distances).all()):
        raise ConfigError("the weights give NaN or infinite values for any image; train it again")
    return network


def _card(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the card, whose defaults are numbers in their ranges."""
    card = header.get("card")
    if not isinstance(card, dict):
        raise ConfigError(f"there is no card; {_GIVE}")
    defaults = card.get("defaults", {})
    if not isinstance(defaults, dict):
        raise ConfigError(f"the defaults of the card are no table but {defaults!r:.60}; correct them")
    for name, (low, high) in _RANGES.items():
        value = defaults.get(name, low)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            raise ConfigError(
                f"the card states {name} = {value!r:.60}; it must be {low:g} to {high:g}, correct it"
            )
    return card
