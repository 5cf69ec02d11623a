"""What decides the result of a run: settled before it begins, kept beside it, compared when it goes on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anystar.atomic import staged
from anystar.config import ConfigError, dump_toml, load_toml
from anystar.predict.level import Illumination

__all__ = ["Plan", "Request", "read_plan", "refuse_other", "write_plan"]

Vec = tuple[float, float, float]
Shape = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for, of which image."""

    image: str
    """Name of the image, with whatever chooses a part of the file."""
    shape: Shape
    """Voxels along Z, Y, X."""
    dtype: str
    """Type of the voxels."""
    spacing: Vec | None = None
    """Micrometres per voxel, if known."""
    model: str
    """Name of the model."""
    weights: str
    """Digest of its weights."""
    diameter: float | None = None
    """In micrometres if there is a spacing; ``None`` to estimate it."""
    prob_thresh: float
    """Least probability of an object."""
    nms_thresh: float
    """Largest overlap of two objects."""
    memory: int
    """Bytes that a process may use."""
    version: str
    """Of this package."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The request, and what was found out about the image before the first block."""

    request: Request
    voxel_size: Vec
    """Length of a voxel along each axis in units of the shortest."""
    limits: tuple[float, float]
    """Intensities that become 0 and 1, after the light is evened out."""
    light_cells: Shape = (1, 1, 1)
    """Regions along Z, Y, X between which the light is evened out."""
    light_ground: tuple[float, ...] = ()
    """Background of each region; none if the light is even."""
    light_reach: tuple[float, ...] = ()
    """Intensities above it."""
    diameter_vox: float | None = None
    """Object size that is scaled for, in voxels of the finest axis; ``None``: there are no objects."""
    factor: float = 1.0
    """Magnification of the finest axis."""
    notes: tuple[str, ...] = ()
    """Remarks for the user."""
    tiles_along: int
    """Tiles of the network along each axis that make a block of the first stage."""
    block: Shape
    """Voxels along Z, Y, X of a block of the last stage."""

    @property
    def light(self) -> Illumination | None:
        """What is evened out, if anything."""
        if not self.light_ground:
            return None
        ground, reach = (np.array(v).reshape(self.light_cells) for v in (self.light_ground, self.light_reach))
        return Illumination(self.request.shape, ground, reach)


_NAMES = {"prob_thresh": "--prob-thresh", "nms_thresh": "--nms-thresh"}


def write_plan(path: Path, plan: Plan) -> None:
    """Write the plan as TOML; it appears whole or not at all."""
    with staged(path) as (temporary,):
        temporary.write_text(dump_toml(plan), encoding="utf-8")


def read_plan(path: Path) -> Plan:
    """Read what :func:`write_plan` wrote."""
    return load_toml(Plan, path)


def refuse_other(begun: Request, now: Request, where: Path) -> None:
    """Raise :class:`anystar.config.ConfigError`, saying what differs, unless the two requests are equal."""
    differing = [
        f"{_NAMES.get(field.name, field.name)} was {_plain(old)}, is {_plain(new)}"
        for field in dataclasses.fields(Request)
        if (old := getattr(begun, field.name)) != (new := getattr(now, field.name))
    ]
    if differing:
        raise ConfigError(
            f"{where} was begun differently ({', '.join(differing)}); "
            "resume with what it was begun with, or begin anew with --overwrite"
        )


def _plain(value: Any) -> str:
    if value is None:
        return "not given"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
