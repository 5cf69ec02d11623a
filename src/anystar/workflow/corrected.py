"""Corrected labels with their images, and what was reviewed of them, from files."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anystar import io
from anystar.arrays import Volume, refuse_mismatch
from anystar.errors import InputError
from anystar.io.address import file_stem
from anystar.io.planes import list_volumes
from anystar.workflow.pairing import file_pairs, volume_name

__all__ = [
    "CorrectedVolume",
    "default_run",
    "find_corrected",
    "image_of",
    "read_corrected",
    "reviewed_file",
]

_REVIEWED = "_reviewed"


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrectedVolume:
    """An image with corrected labels."""

    name: str
    image: Volume
    labels: np.ndarray
    """``(Z, Y, X)`` int: 0 background, one number per object, -1 where nothing is known."""
    reviewed: np.ndarray | None = None
    """Not 0 where the labels, background included, have been confirmed; None if they are all right."""


def reviewed_file(labels: Path) -> Path:
    """Return where the reviewed voxels of a label image are kept, beside it.

    Examples
    --------
    >>> reviewed_file(Path("out/embryo_labels.ome.tif")).name
    'embryo_labels_reviewed.ome.tif'
    """
    stem = file_stem(labels)
    return labels.with_name(f"{stem}{_REVIEWED}{labels.name[len(stem) :]}")


def default_run(labels: Path) -> Path:
    """Return the folder of a run that learns from labels, beside them.

    >>> str(default_run(Path("a/embryo_labels.tif")))
    'a/embryo_model'
    """
    return labels.with_name(f"{volume_name(labels)}_model")


def image_of(labels: Path) -> Path | None:
    """Return the image that corrected labels were saved with, as their provenance says; None if not found.

    An image that was moved together with its labels is found beside them.
    """
    provenance = labels.with_name(f"{file_stem(labels)}.toml")
    try:
        known = tomllib.loads(provenance.read_text(encoding="utf-8")).get("corrected", {}).get("image")
    except (OSError, ValueError):
        return None
    places = [] if known is None else [Path(known), labels.with_name(Path(known).name)]
    return next((path for path in places if path.exists()), None)


def find_corrected(folder: Path) -> list[Path]:
    """Return the corrected labels in a folder whose image is known."""
    files = [path for path in list_volumes(folder) if not file_stem(path).endswith(_REVIEWED)]
    return [path for path in files if image_of(path) is not None]


def read_corrected(
    labels: Path,
    image: Path,
    *,
    spacing: tuple[float, float, float] | None = None,
    channel: int | str | None = None,
    ignore_label: int = -1,
) -> list[CorrectedVolume]:
    """Read corrected labels with their images: two files, or two folders with matching names.

    What :func:`reviewed_file` marks is known; without such a file all labels are.
    """
    if labels.is_dir() and not labels.suffix:
        files = {p for p in labels.iterdir() if file_stem(p).endswith(_REVIEWED)}
        if files:
            raise InputError(
                f"{labels} holds {min(files).name}; name volumes that were reviewed in part one by one"
            )
    volumes = []
    for image_path, labels_path in file_pairs(image, labels).values():
        found = io.read_labels(labels_path, spacing=spacing, ignore_label=ignore_label)
        opened = io.read(image_path, spacing=spacing, channel=channel)
        refuse_mismatch(labels_path, found, image_path, opened)
        beside = reviewed_file(labels_path)
        reviewed = io.read(beside, sized=False).data if beside.exists() else None
        if reviewed is not None and reviewed.shape != found.shape:
            raise InputError(f"{beside} has the shape {reviewed.shape}, its labels {found.shape}; remove it")
        data = np.where(found.data == ignore_label, -1, found.data)
        name = volume_name(labels_path)
        volumes.append(CorrectedVolume(name=name, image=opened, labels=data, reviewed=reviewed))
    return volumes
