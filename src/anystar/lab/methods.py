"""What can be compared: anything that turns images into instances, in one or several settings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from anystar import io
from anystar.errors import InputError
from anystar.predict.model import Model

__all__ = [
    "PROB_GRID",
    "LabelFolder",
    "Method",
    "ModelMethod",
    "Setting",
    "Unavailable",
    "VolumeRequest",
    "digest",
]

Setting = Mapping[str, float]
"""Values of a method's knobs; empty: its own defaults."""

PROB_GRID = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Probability thresholds that are tried on validation data."""
NMS_GRID = (0.2, 0.3, 0.4, 0.5)
"""Overlap thresholds that are tried on validation data; 0.3 to 0.5 are StarDist's own search."""
THRESHOLDS: list[Setting] = [{"prob_thresh": p, "nms_thresh": n} for p in PROB_GRID for n in NMS_GRID]
"""Tried for every method that has a probability and suppression."""


class Unavailable(InputError):
    """A method that cannot run here: a package or weights are missing. One line says what to do."""


class NoLabels(Unavailable):
    """Labels of another tool that are missing for one data set; others may be there."""


@dataclass(frozen=True, kw_only=True)
class VolumeRequest:
    """One image to segment."""

    name: str
    """Unique, and good for a file name."""
    image: np.ndarray
    """``(Z, Y, X)``, any real type."""
    spacing: tuple[float, float, float] | None
    """Micrometres per voxel (ZYX), or only their ratios."""


class Method(Protocol):
    """A way to segment that the laboratory can run."""

    @property
    def name(self) -> str:
        """Short name for folders, tables and plots."""

    @property
    def inverts_dark(self) -> bool:
        """Whether images with dark objects are inverted for it."""

    def identity(self) -> dict[str, str]:
        """Return what decides its results (weights, versions), to be written down."""

    def search(self, diameter_vox: float) -> list[Setting]:
        """Return the settings to try on validation data whose objects have this diameter; may be empty."""

    def run(
        self, requests: Iterable[VolumeRequest], settings: Sequence[Setting]
    ) -> Iterator[tuple[VolumeRequest, list[np.ndarray]]]:
        """Yield each request with its int32 labels, one array a setting.

        Raises
        ------
        Unavailable
            If the method cannot run here at all.
        """


@dataclass(frozen=True, kw_only=True)
class ModelMethod:
    """A network of ours, zero-shot or trained on a data set."""

    name: str
    model: Model
    inverts_dark: bool = False

    def identity(self) -> dict[str, str]:
        """Return the weights' checksum and how they were trained."""
        card = self.model.card
        known = {key: str(card[key]) for key in ("recipes", "iterations", "version") if key in card}
        return {"kind": "anystar", "weights": _weights_digest(self.model)} | known

    def search(self, diameter_vox: float) -> list[Setting]:
        """Return the thresholds; the object size is estimated by the model itself."""
        return THRESHOLDS

    def run(
        self, requests: Iterable[VolumeRequest], settings: Sequence[Setting]
    ) -> Iterator[tuple[VolumeRequest, list[np.ndarray]]]:
        """Run the network once an image, then threshold it for every setting."""
        for request in requests:
            result = self.model.segment(request.image, spacing=request.spacing)
            results = [result.rethreshold(**setting) if setting else result for setting in settings]
            yield request, [again.labels for again in results]


@dataclass(frozen=True, kw_only=True)
class LabelFolder:
    """Label images that any other tool has made, by the names of the volumes."""

    name: str
    folder: Path
    inverts_dark: bool = False

    def identity(self) -> dict[str, str]:
        """Return where the labels are."""
        return {"kind": "labels", "folder": str(self.folder)}

    def search(self, diameter_vox: float) -> list[Setting]:
        """Return nothing: what is there is there."""
        return []

    def run(
        self, requests: Iterable[VolumeRequest], settings: Sequence[Setting]
    ) -> Iterator[tuple[VolumeRequest, list[np.ndarray]]]:
        """Read the labels of each image's name."""
        found = {io.file_stem(p).removesuffix("_labels"): p for p in io.list_volumes(self.folder)}
        for request in requests:
            if request.name not in found:
                raise NoLabels(f"{self.folder} holds no labels of the name {request.name}; add them")
            labels = io.read(found[request.name]).data.astype(np.int32)
            yield request, [labels] * len(settings)


def digest(path: Path) -> str:
    """Return the first 16 digits of the SHA-256 of a file, or of all files of a folder by name."""
    if not path.is_dir():
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    state = hashlib.sha256()
    for inner in sorted(p for p in path.rglob("*") if p.is_file()):
        state.update(f"{inner.relative_to(path)} {digest(inner)}\n".encode())
    return state.hexdigest()[:16]


def _weights_digest(model: Model) -> str:
    """Return the first 16 digits of the SHA-256 over all weights."""
    state = hashlib.sha256()
    for name, value in sorted(model.network.state_dict().items()):
        state.update(name.encode())
        state.update(np.ascontiguousarray(value.detach().float().cpu().numpy()).tobytes())
    return state.hexdigest()[:16]
