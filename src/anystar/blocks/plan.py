"""What the result of a run depends on: chosen before it begins, stored beside it, compared when it is
resumed.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import zarr

from anystar.arrays import VoxelSize
from anystar.config import ConfigError, dump_toml, from_dict, load_toml, to_dict
from anystar.predict.options import PredictionOptions
from anystar.predict.pipeline import Choices
from anystar.preprocess.arrays import Shape, Vec
from anystar.runtime.atomic import staged

__all__ = ["Plan", "Request", "read_plan", "refuse_other", "sign", "signed", "write_plan"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """The image and the options of a run."""

    image: str
    """Name of the image, with whatever chooses a part of the file."""
    shape: Shape
    """Voxels along Z, Y, X."""
    dtype: str
    """Type of the voxels."""
    spacing: Vec | None = None
    """Size of a voxel, if known."""
    unit: Literal["um", "relative"]
    """Of the spacing: micrometres, or none that is a length."""
    model: str
    """Name of the model."""
    weights: str
    """Digest of its weights."""
    options: PredictionOptions
    """How the image is segmented."""
    table: bool
    """Whether objects are measured."""
    distances: bool = False
    """Whether the table has their polyhedra."""
    mask: str | None = None
    """Name of the mask that the table says their overlap with."""
    voxels: str | None = None
    """Digest of some of the image's voxels; ``None`` in plans from before it was noted."""
    mask_voxels: str | None = None
    """The same of the mask."""
    filters: str | None = None
    """Which objects are kept, in words; ``None`` in plans from before it was noted."""
    memory: int
    """Bytes that a process may use."""
    version: str
    """Of this package."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The request, and what was found out about the image before the first block."""

    request: Request
    choices: Choices
    """What was chosen for the image."""
    tiles_along: int
    """Tiles of the network along each axis that make a block of the first stage."""
    block: Shape
    """Voxels along Z, Y, X of a block of the last stage."""

    @property
    def voxel_size(self) -> VoxelSize:
        """Voxel size that lengths are measured by."""
        request = self.request
        known = None if request.spacing is None else VoxelSize(request.spacing, request.unit)
        return self.choices.lengths(known)


_CHECK = b"# checksum "
_SIGNED = "anystar"
"""Attribute of a label image."""
_NAMES = {"voxels": "a digest of the image's voxels", "mask_voxels": "a digest of the mask's voxels"}
"""How the digests are called in messages."""


def write_plan(path: Path, plan: Plan) -> None:
    """Write the plan as TOML with its checksum; it appears whole or not at all."""
    text = dump_toml(plan).encode()
    with staged(path) as (temporary,):
        temporary.write_bytes(text + b"%s%08x\n" % (_CHECK, zlib.crc32(text)))


def read_plan(path: Path) -> Plan:
    """Read what :func:`write_plan` wrote; ``ConfigError`` if that is damaged."""
    text, found, check = path.read_bytes().rpartition(_CHECK)
    if not found or check.strip() != b"%08x" % zlib.crc32(text):
        raise ConfigError(f"{path} is damaged; begin anew with overwrite=True instead of resume=True")
    return load_toml(Plan, path)


def refuse_other(begun: Request, now: Request, where: Path) -> None:
    """Raise :class:`anystar.errors.ConfigError`, saying what differs, unless the two requests are equal."""
    before, after = ({**vars(each), **vars(each.options), "options": None} for each in (begun, now))
    differing = [
        f"{_NAMES.get(name, name)} was {_plain(old)}, is {_plain(after[name])}"
        for name, old in before.items()
        if old != after[name]
        and not (old is None and name == "filters")
        and not (name in _NAMES and None in (old, after[name]))  # another mask has another name
    ]
    if differing:
        raise ConfigError(
            f"{where} was begun differently ({', '.join(differing)}); "
            "resume with what it was begun with, or begin anew with overwrite=True instead of resume=True"
        )


def sign(store: Path, request: Request, num_objects: int) -> None:
    """Store the request and the number of objects in a label image."""
    group = zarr.open_group(store, mode="r+")
    group.attrs[_SIGNED] = {"objects": num_objects, "request": to_dict(request)}


def signed(store: Path) -> tuple[Request, int] | None:
    """Return what :func:`sign` wrote, or nothing for a label image that no run in blocks made."""
    try:
        found: Any = zarr.open_group(store, mode="r").attrs.get(_SIGNED)
    except FileNotFoundError:  # something else
        return None
    return None if found is None else (from_dict(Request, found["request"]), found["objects"])


def _plain(value: Any) -> str:
    if value is None or value == "":
        return "not given"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
