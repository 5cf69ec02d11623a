"""What to measure on: ``<name>_image.tif`` beside ``<name>_labels.tif`` or ``<name>_centres.csv``."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anystar import io
from anystar.arrays import Volume


@dataclass(frozen=True, kw_only=True)
class Sample:
    name: str
    image: Volume
    labels: np.ndarray | None
    "True instances, if they are drawn."
    centres: np.ndarray | None
    "(N, 3) voxels ZYX, if only centres are known."
    diameter: float | None
    "Typical diameter in the unit of the spacing, for the pipeline that has to be told."


# In pixels of the plane: nuclei of 12 to 20 (the data's own notes).
_CENTRES_DIAMETER = 16.0


def load_samples(folder: Path) -> list[Sample]:
    """Return every volume of a folder, sorted by name."""
    images = sorted(folder.glob("*_image.tif"))
    if not images:
        raise SystemExit(f"{folder} holds no *_image.tif; give --data DIR or set ANYSTAR_DATA")
    return [_load(path) for path in images]


def _load(path: Path) -> Sample:
    name = path.name.removesuffix("_image.tif")
    image = io.read(path)
    labels_path, centres_path = (path.with_name(name + end) for end in ("_labels.tif", "_centres.csv"))
    labels = io.read(labels_path).data if labels_path.exists() else None
    centres = _read_centres(centres_path) if centres_path.exists() else None
    diameter = _CENTRES_DIAMETER if centres is not None else None
    if labels is not None:
        volumes = np.unique(labels[labels > 0], return_counts=True)[1]
        diameter = float((6 / np.pi * np.median(volumes) * np.prod(image.spacing or 1.0)) ** (1 / 3))
    return Sample(name=name, image=image, labels=labels, centres=centres, diameter=diameter)


def _read_centres(path: Path) -> np.ndarray:
    with open(path, newline="", encoding="utf-8") as file:
        return np.array([[float(row[a]) for a in "zyx"] for row in csv.DictReader(file)]).reshape(-1, 3)
