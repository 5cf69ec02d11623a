"""What OME-Zarr (NGFF 0.1 to 0.5) says about a multiscale image: axes, units and where each level lies."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anystar.errors import FileError
from anystar.io.axes import clean_names
from anystar.io.source import Spacing, Unit
from anystar.io.units import micrometres_per

__all__ = ["Level", "Multiscale", "label_metadata", "namespace", "parse_multiscale"]


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

    def spatial(self, values: tuple[float, ...]) -> Spacing:
        """Return the values of Z, Y, X of values for every axis."""
        z, y, x = (values[self.axes.index(a)] if a in self.axes else 1.0 for a in "ZYX")
        return z, y, x

    def spacing(self, level: int) -> tuple[Spacing | None, Unit, str]:
        """Return the size of a voxel (Z, Y, X), its unit, and what is wrong with it."""
        sizes = self.spatial(self.levels[level].scale)
        if not all(math.isfinite(s) and s > 0 for s in sizes):
            return None, "um", f"states a voxel of {' x '.join(f'{s:g}' for s in sizes)} along Z, Y, X"
        for axis, finer, coarser in self._steps():
            if coarser < finer:
                return None, "um", f"has a pyramid whose voxels shrink along {axis}, {finer:g} to {coarser:g}"
        units = [self.units[self.axes.index(a)] for a in "ZYX" if a in self.axes]
        factors = {micrometres_per(u) for u in units}
        if len(factors) == 1 and (factor := factors.pop()) is not None:
            return (sizes[0] * factor, sizes[1] * factor, sizes[2] * factor), "um", ""
        if None in factors or not factors:
            return sizes, "relative", ""
        z, y, x = (s * (micrometres_per(u) or 1) for s, u in zip(sizes, units, strict=True))
        return (z, y, x), "um", ""

    def _steps(self) -> list[tuple[str, float, float]]:
        """Return axis and voxel sizes of neighbouring levels."""
        sizes = [self.spatial(level.scale) for level in self.levels]
        return [
            (a, fine[i], coarse[i]) for fine, coarse in itertools.pairwise(sizes) for i, a in enumerate("ZYX")
        ]


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
    # Before 0.3 every image was TCZYX, in 0.3 axes were bare letters.
    given = stated.get("axes", list("tczyx"))
    axes = [a if isinstance(a, Mapping) else {"name": a} for a in given]
    names = "".join(_letter(a) for a in axes)
    common = _transform(stated.get("coordinateTransformations", ()), len(axes))
    levels = []
    for dataset in stated["datasets"]:
        scale, shift = _transform(dataset.get("coordinateTransformations", ()), len(axes))
        levels.append(
            Level(
                path=str(dataset["path"]),
                scale=tuple(s * c for s, c in zip(scale, common[0], strict=True)),
                translation=tuple(t * c + d for t, c, d in zip(shift, common[0], common[1], strict=True)),
            )
        )
    if not levels:
        raise FileError("has a pyramid without levels; export it again")
    return Multiscale(
        version=version,
        axes=names,
        units=tuple(str(a.get("unit", "")) for a in axes),
        levels=tuple(levels),
        channel_names=_channel_names(found.get("omero")),
    )


def _channel_names(omero: Any) -> tuple[str, ...]:
    channels = omero.get("channels") if isinstance(omero, Mapping) else None
    if not isinstance(channels, list) or not all(isinstance(channel, Mapping) for channel in channels):
        return ()
    return clean_names([channel.get("label") for channel in channels])


def _letter(axis: Mapping[str, Any]) -> str:
    kind, name = axis.get("type"), str(axis["name"])
    return {"channel": "C", "time": "T"}.get(str(kind), name[:1].upper())


def _transform(given: Any, count: int) -> tuple[list[float], list[float]]:
    """Return the product of the transformations in a row as one scale and one translation."""
    scale, shift = [1.0] * count, [0.0] * count
    for step in given:
        values = [float(v) for v in step.get(step.get("type"), ())]
        if step.get("type") == "identity":
            continue
        if step.get("type") not in ("scale", "translation") or len(values) != count:
            raise FileError(f"has a transformation {dict(step)} for {count} axes; export it again")
        if step["type"] == "scale":
            scale = [s * v for s, v in zip(scale, values, strict=True)]
            shift = [s * v for s, v in zip(shift, values, strict=True)]
        else:
            shift = [s + v for s, v in zip(shift, values, strict=True)]
    return scale, shift


def label_metadata(multiscale: Multiscale, *, name: str, method: str, source: str | None) -> dict[str, Any]:
    """Return the attributes of a group that holds a label image.

    Parameters
    ----------
    multiscale : Multiscale
        Its axes and levels; version 0.4 or 0.5.
    name : str
        Of the label image.
    method : str
        How the pyramid was made.
    source : str, optional
        Relative path of the image's group.
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
