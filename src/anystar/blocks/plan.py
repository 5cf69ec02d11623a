"""What decides the result of a run: settled before it begins, kept beside it, compared when it goes on."""

from __future__ import annotations

import dataclasses
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import zarr

from anystar.arrays import measuring
from anystar.config import ConfigError, dump_toml, from_dict, load_toml, to_dict
from anystar.preprocess import Preprocessing
from anystar.runtime.atomic import staged

__all__ = ["Plan", "Request", "read_plan", "refuse_other", "sign", "signed", "write_plan"]

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
    """Size of a voxel, if known."""
    unit: Literal["um", "relative"]
    """Of the spacing: micrometres, or none that is a length."""
    model: str
    """Name of the model."""
    weights: str
    """Digest of its weights."""
    diameter: float | None = None
    """In micrometres if there is a spacing; ``None`` to estimate it."""
    prob_thresh: float | None = None
    """Least probability of an object; ``None`` to settle it."""
    nms_thresh: float
    """Largest overlap of two objects."""
    tta: bool
    """Whether predictions of mirror images are averaged."""
    fast: bool
    """Whether the network sees objects smaller than it knows best."""
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
    voxel_size: Vec
    """Length of a voxel along each axis in units of the shortest, told or estimated."""
    preprocessing: Preprocessing
    """What is done to the intensities of the image."""
    diameter_vox: float | None = None
    """Object size that is scaled for, in voxels of the finest axis; ``None``: there are no objects."""
    prob_thresh: float
    """Least probability of an object, told or settled."""
    factor: float = 1.0
    """Magnification of the finest axis."""
    notes: tuple[str, ...] = ()
    """Remarks for the user."""
    tiles_along: int
    """Tiles of the network along each axis that make a block of the first stage."""
    block: Shape
    """Voxels along Z, Y, X of a block of the last stage."""

    @property
    def spacing(self) -> Vec:
        """Size of a voxel: the request's, or in units of its shortest edge."""
        return measuring(self.request.spacing, self.request.unit, self.voxel_size)[0]

    @property
    def unit(self) -> Literal["um", "relative"]:
        """Of :attr:`spacing`."""
        return measuring(self.request.spacing, self.request.unit, self.voxel_size)[1]


_DIGESTS = ("voxels", "mask_voxels")
_CHECK = b"# checksum "
_SIGNED = "anystar"
"""Attribute of a label image."""
_NAMES = {
    "table": "--table",
    "distances": "--distances",
    "mask": "--mask",
    "voxels": "a digest of the image's voxels",
    "mask_voxels": "a digest of the mask's voxels",
    "memory": "--memory",
    "diameter": "--diameter",
    "spacing": "--spacing",
    "prob_thresh": "--prob-thresh",
    "nms_thresh": "--nms-thresh",
}


def write_plan(path: Path, plan: Plan) -> None:
    """Write the plan as TOML with its checksum; it appears whole or not at all."""
    text = dump_toml(plan).encode()
    with staged(path) as (temporary,):
        temporary.write_bytes(text + b"%s%08x\n" % (_CHECK, zlib.crc32(text)))


def read_plan(path: Path) -> Plan:
    """Read what :func:`write_plan` wrote; ``ConfigError`` if that is damaged."""
    text, found, check = path.read_bytes().rpartition(_CHECK)
    if not found or check.strip() != b"%08x" % zlib.crc32(text):
        raise ConfigError(f"{path} is damaged; begin anew with --overwrite instead of --resume")
    return load_toml(Plan, path)


def refuse_other(begun: Request, now: Request, where: Path) -> None:
    """Raise :class:`anystar.errors.ConfigError`, saying what differs, unless the two requests are equal."""
    differing = [
        f"{_NAMES.get(field.name, field.name)} was {_plain(old)}, is {_plain(new)}"
        for field in dataclasses.fields(Request)
        if (old := getattr(begun, field.name)) != (new := getattr(now, field.name))
        and not (old is None and field.name == "filters")
        and not (field.name in _DIGESTS and None in (old, new))  # another mask is told by its name
    ]
    if differing:
        raise ConfigError(
            f"{where} was begun differently ({', '.join(differing)}); "
            "resume with what it was begun with, or begin anew with --overwrite instead of --resume"
        )


def sign(store: Path, request: Request, num_objects: int) -> None:
    """Let a label image bear what was asked for and how many objects it has."""
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
