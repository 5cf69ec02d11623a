"""What OME-Zarr (NGFF 0.1 to 0.5) says about a multiscale image: axes, units and where each level lies."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from anystar.errors import FileError
from anystar.io.axes import clean_names
from anystar.io.axis_names import axis_letter
from anystar.io.calibration import Calibration, Spacing, calibrate, number_of, unknown_size

__all__ = ["Level", "Multiscale", "label_metadata", "namespace", "parse_multiscale"]

_MOST_LEVELS = 100
"""Levels of a pyramid; 64 would halve any lengths down to 1."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """One array of the pyramid."""

    path: str
    """Name of the array in the group."""
    scale: tuple[float, ...]
    """Size of a voxel along every axis, in the axis' unit."""
    translation: tuple[float, ...]
    """Position of the centre of the first voxel along every axis."""


@dataclass(frozen=True, kw_only=True)
class Multiscale:
    """A pyramid, finest level first."""

    version: str
    """Of the metadata, ``"0.4"`` say."""
    axes: str
    """A letter an axis, upper case."""
    units: tuple[str, ...]
    """Unit of every axis, empty where none is stated."""
    levels: tuple[Level, ...]
    """At least one."""
    channel_names: tuple[str, ...] = ()
    """Labels of the channels (``omero``), empty for one without; none if no channel has one."""
    stated: bool = True
    """Whether the size of a voxel is stated: in NGFF 0.1 to 0.3 it is not."""
    size_notes: tuple[str, ...] = ()
    """What is wrong with the statements."""

    def spatial(self, values: tuple[float, ...]) -> Spacing:
        """Return the values of Z, Y, X of values for every axis."""
        z, y, x = (values[self.axes.index(a)] if a in self.axes else 1.0 for a in "ZYX")
        return z, y, x

    def calibration(self, level: int) -> Calibration:
        """Return the size of a voxel of a level.

        The finest level decides whether the size is known: where it is not, NGFF requires 1 without a unit,
        which makes 2 of the next level.
        """
        if not self.stated:
            return Calibration(notes=self.size_notes)
        units = [self.units[self.axes.index(a)] if a in self.axes else "" for a in "ZYX"]
        sizes = [self.spatial(each.scale) for each in self.levels]
        finest, chosen = sizes[0], sizes[level]
        for size in (finest, chosen):
            if not all(math.isfinite(s) and s > 0 for s in size):
                return calibrate(size, units)
        for finer, coarser in itertools.pairwise(sizes):
            for axis, one, two in zip("ZYX", finer, coarser, strict=True):
                if two < one:
                    return Calibration(
                        fault=f"has a pyramid whose voxels shrink along {axis}, {one:g} to {two:g}"
                    )
        found = calibrate([s if a in self.axes else None for a, s in zip("ZYX", finest, strict=True)], units)
        return found.scaled([c / f for c, f in zip(chosen, finest, strict=True)])


def namespace(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return where the metadata lies: under ``ome`` since 0.5, at the top before."""
    inner = attributes.get("ome")
    return inner if isinstance(inner, Mapping) else attributes


def parse_multiscale(attributes: Mapping[str, Any]) -> Multiscale:
    """Return the first multiscale image of a group.

    Raises
    ------
    FileError
        If there is none, or its metadata contradicts itself.
    """
    found = namespace(attributes)
    if not found.get("multiscales"):
        raise FileError("is a Zarr group without a multiscale image; name one inside, STORE.zarr/GROUP")
    stated = found["multiscales"][0]
    version = str(found.get("version") or stated.get("version") or "0.4")
    # Before 0.3 every image was TCZYX, in 0.3 axes were bare letters; from 0.6 on they lie in a system.
    systems = stated.get("coordinateSystems") or [{}]
    given = stated.get("axes") or systems[0].get("axes") or list("tczyx")
    axes = [a if isinstance(a, Mapping) else {"name": a} for a in given]
    common = _transform(stated.get("coordinateTransformations"), len(axes))
    known, notes = common.stated, [common.note]
    if len(stated["datasets"]) > _MOST_LEVELS:
        count = len(stated["datasets"])
        raise FileError(
            f"states a pyramid of {count} levels, more than {_MOST_LEVELS}; its metadata are damaged, export "
            "it again"
        )
    levels: list[Level] = []
    for dataset in stated["datasets"]:
        own = _transform(dataset.get("coordinateTransformations"), len(axes))
        known = known or (own.stated and not levels)
        notes.append(own.note)
        shift = zip(own.shift, common.scale, common.shift, strict=True)
        levels.append(
            Level(
                path=str(dataset["path"]),
                scale=tuple(s * c for s, c in zip(own.scale, common.scale, strict=True)),
                translation=tuple(t * c + d for t, c, d in shift),
            )
        )
    if not levels:
        raise FileError("has a pyramid without levels; export it again")
    return Multiscale(
        version=version,
        axes=_letters(axes),
        units=tuple(str(a.get("unit") or "") for a in axes),
        levels=tuple(levels),
        channel_names=_channel_names(found.get("omero")),
        stated=known and not any(notes),
        size_notes=tuple(filter(None, notes))[:1],
    )


def _letters(axes: list[Mapping[str, Any]]) -> str:
    """Return a letter per axis; three of space whose names say nothing are Z, Y, X."""
    letters = [axis_letter(a.get("name"), a.get("type")) for a in axes]
    unknown = [i for i, a in enumerate(axes) if letters[i] == "Q" and (a.get("type") or "space") == "space"]
    if len(unknown) == len("ZYX") and not set(letters) & set("ZYX"):
        for i, letter in zip(unknown, "ZYX", strict=True):
            letters[i] = letter
    return "".join(letters)


def _channel_names(omero: Any) -> tuple[str, ...]:
    channels = omero.get("channels") if isinstance(omero, Mapping) else None
    if not isinstance(channels, list) or not all(isinstance(channel, Mapping) for channel in channels):
        return ()
    return clean_names([channel.get("label") for channel in channels])


class _Transform(NamedTuple):
    """The product of the transformations in a row."""

    scale: list[float]
    shift: list[float]
    stated: bool
    """Whether there is a scale among them."""
    note: str
    """What is wrong with one of them, if anything; it is left out."""


def _transform(given: Any, count: int) -> _Transform:
    """Return the product of transformations as one scale and one translation."""
    scale, shift, stated, note = [1.0] * count, [0.0] * count, False, ""
    for step in given or ():
        kind = step.get("type") if isinstance(step, Mapping) else None
        if kind == "identity":
            continue
        numbers = step.get(kind) if kind in ("scale", "translation") else None
        values = [number_of(v) for v in numbers] if isinstance(numbers, list | tuple) else []
        known = [v for v in values if v is not None]
        if len(values) != count or len(known) != count:
            note = unknown_size(f"the file states the transformation {step!s:.80} for {count} axes")
        elif kind == "scale":
            stated = True
            scale = [s * v for s, v in zip(scale, known, strict=True)]
            shift = [s * v for s, v in zip(shift, known, strict=True)]
        else:
            shift = [s + v for s, v in zip(shift, known, strict=True)]
    return _Transform(scale, shift, stated, note)


def label_metadata(multiscale: Multiscale, *, name: str, method: str, source: str | None) -> dict[str, Any]:
    """Return the attributes of a group that holds a label image, in NGFF 0.4 or 0.5.

    ``method`` is how the pyramid was made, ``source`` the relative path of the image's group.
    """
    axes: list[dict[str, str]] = []
    for letter, unit in zip(multiscale.axes, multiscale.units, strict=True):
        kind = "time" if letter == "T" else "space"
        axes.append({"name": letter.lower(), "type": kind} | ({"unit": unit} if unit else {}))
    datasets = [
        {
            "path": level.path,
            "coordinateTransformations": [
                {"type": "scale", "scale": list(level.scale)},
                {"type": "translation", "translation": list(level.translation)},
            ],
        }
        for level in multiscale.levels
    ]
    image = {"name": name, "axes": axes, "datasets": datasets, "type": method}
    label: dict[str, Any] = {} if source is None else {"source": {"image": source}}
    if multiscale.version == "0.5":
        return {"ome": {"version": "0.5", "multiscales": [image], "image-label": label}}
    return {
        "multiscales": [{"version": "0.4", **image}],
        "image-label": {"version": "0.4", **label},
    }
