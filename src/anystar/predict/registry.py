"""The bundled models, and model files."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import torch
from torch import nn

from anystar.config import nearest
from anystar.errors import ConfigError
from anystar.nn.checkpoint import ModelFile, load_header, load_model_file
from anystar.nn.device import device_or_error
from anystar.nn.model import StarNet, to_device
from anystar.predict.calibration import Calibration
from anystar.predict.model import Model, with_defaults

__all__ = ["DEFAULT_MODEL", "list_models", "load_model", "model_path"]

DEFAULT_MODEL = "grain-small"


def load_model(name: str | Path | None = None, *, device: str = "auto") -> Model:
    """Load a bundled model by name, or a model file by path.

    Parameters
    ----------
    name : str or path, optional
        One of :func:`list_models`, or the path of a ``.safetensors`` file that ``anystar train`` wrote. The
        default model by default.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises
    ------
    ValueError
        If there is no such model, file or device.
    """
    where = device_or_error(device)
    path = model_path(DEFAULT_MODEL if name is None else name)
    file = load_model_file(path)
    Calibration.of_card(file.card)  # refused at once
    return Model(name=path.stem, network=_prepare(file, where), device=where, card=with_defaults(file.card))


def model_path(name: str | Path) -> Path:
    """Return the file of a bundled model, or of the path that was given; ``ConfigError`` without one."""
    wanted, paths = str(name), _bundled()
    if wanted in paths:
        return paths[wanted]
    path = Path(wanted).expanduser()
    if path.is_dir():
        raise ConfigError(f"{wanted} is a folder; give a model file, such as {path / 'model.safetensors'}")
    if path.is_file():
        return path
    if path.suffix == ".safetensors":
        raise ConfigError(f"there is no model file {wanted}; check the name")
    known = nearest(wanted, paths) if paths else "; none is bundled: give the path of a model file"
    raise ConfigError(f"unknown model '{wanted}'{known}")


def list_models() -> dict[str, dict[str, Any]]:
    """Return the cards of the bundled models by name, with the size of each file in bytes."""
    cards = {}
    for name, path in sorted(_bundled().items()):
        card = with_defaults(load_header(path)["card"])
        cards[name] = card | {"size": path.stat().st_size, "default": name == DEFAULT_MODEL}
    return cards


def _bundled() -> dict[str, Path]:
    folder = Path(str(resources.files("anystar") / "models"))
    return {path.stem: path for path in folder.glob("*.safetensors")}


def _prepare(file: ModelFile, device: torch.device) -> StarNet:
    """Fold batch normalisation into the convolutions of a file's network and put it on the device."""
    network = file.network
    for module in list(network.modules()):
        if not isinstance(module, nn.Sequential):
            continue
        for i in range(len(module) - 1):
            conv, norm = module[i], module[i + 1]
            if isinstance(conv, nn.Conv3d) and isinstance(norm, nn.BatchNorm3d):
                module[i] = nn.utils.fusion.fuse_conv_bn_eval(conv, norm)
                module[i + 1] = nn.Identity()
    return to_device(network, device)
