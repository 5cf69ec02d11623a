"""StarDist and Cellpose as methods of the laboratory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from anystar.lab.methods import THRESHOLDS, Setting, VolumeRequest, digest
from anystar.lab.peers.process import run_worker

__all__ = ["CellposeMethod", "StarDistMethod"]

_DIAMETERS = (0.6, 0.8, 1.0, 1.25, 1.6)
"""Multiples of the validation objects' diameter that are tried."""


@dataclass(frozen=True, kw_only=True)
class StarDistMethod:
    """A model folder of the ``stardist`` package, with its own prediction and suppression."""

    name: str
    folder: Path
    """Holds ``config.json`` and ``weights_*.h5``."""
    python: Path | None
    """Interpreter of an environment with stardist and tensorflow."""
    inverts_dark: bool = False

    def identity(self) -> dict[str, str]:
        """Return the checksums of the weights."""
        weights = {p.name: digest(p) for p in sorted(self.folder.glob("weights_*.h5"))}
        return {"kind": "stardist", "model": self.folder.name, **weights}

    def search(self, diameter_vox: float) -> list[Setting]:
        """Return the same thresholds as for our own networks."""
        return THRESHOLDS

    def run(
        self, requests: Iterable[VolumeRequest], settings: Sequence[Setting]
    ) -> Iterator[tuple[VolumeRequest, list[np.ndarray]]]:
        """Predict once an image, then suppress for every setting."""
        options = {"model": str(self.folder.resolve())}
        yield from run_worker("stardist", self.python, options, requests, settings)


@dataclass(frozen=True, kw_only=True)
class CellposeMethod:
    """A Cellpose model, slice by slice with stitching, or along all planes."""

    name: str
    model: str
    """Name that Cellpose knows (``nuclei``, ``cyto``, ``cyto3``, ``cpsam``), or a weights file."""
    mode: Literal["slices", "planes"]
    """``slices``: each plane by itself, stitched; ``planes``: along all planes in 3D."""
    python: Path | None
    """Interpreter of an environment with cellpose."""
    inverts_dark: bool = True
    """As the paper does for NucMM-M."""

    def identity(self) -> dict[str, str]:
        """Return which model and how it is used."""
        weights = {"weights": digest(Path(self.model))} if Path(self.model).is_file() else {}
        return {"kind": "cellpose", "model": Path(self.model).name, "mode": self.mode, **weights}

    def search(self, diameter_vox: float) -> list[Setting]:
        """Return diameters around that of the validation objects, as the paper tunes them by hand."""
        return [{"diameter": round(diameter_vox * f, 2)} for f in _DIAMETERS]

    def run(
        self, requests: Iterable[VolumeRequest], settings: Sequence[Setting]
    ) -> Iterator[tuple[VolumeRequest, list[np.ndarray]]]:
        """Run Cellpose for every image and setting."""
        options = {"model": self.model, "mode": self.mode}
        yield from run_worker("cellpose", self.python, options, requests, settings)
