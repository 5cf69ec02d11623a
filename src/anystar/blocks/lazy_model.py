"""A model that each process loads once, by its name."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

from anystar.predict.candidates import Candidates
from anystar.predict.detector import Detector
from anystar.predict.registry import load_model
from anystar.predict.tiling import Axes, Tile
from anystar.preprocess.arrays import Shape
from anystar.preprocess.resample import ResampledImage
from anystar.runtime.own_process import keep_freed_memory

__all__ = ["LazyModel", "own_device"]


@dataclass(frozen=True, kw_only=True)
class LazyModel:
    """The detector of a model that each process loads by itself; it costs nothing to send."""

    name: str
    """Name or path, as for :func:`anystar.load_model`."""
    device_name: str = "auto"

    @property
    def device(self) -> torch.device:
        """Device on which this process computes."""
        return self._detector.device

    @property
    def num_rays(self) -> int:
        """Rays of the polyhedra."""
        return self._detector.num_rays

    def tiles(self, shape: Shape) -> Axes:
        """Return the tiles of a resampled volume of ``shape``."""
        return self._detector.tiles(shape)

    def detect_tile(self, image: ResampledImage, tile: Tile, *, floor: float, tta: bool) -> Candidates:
        """Return the candidates of one tile, lengths in voxels of ``image``."""
        return self._detector.detect_tile(image, tile, floor=floor, tta=tta)

    @property
    def _detector(self) -> Detector:
        return _loaded(self.name, own_device(self.device_name))


@lru_cache(maxsize=1)
def _loaded(name: str, device: str) -> Detector:
    if _worker() is not None:
        keep_freed_memory()
    return load_model(name, device=device).detector()


def own_device(name: str) -> str:
    """Return the device of this process: of several GPUs, workers of a cluster take turns.

    Workers that see one GPU each (``CUDA_VISIBLE_DEVICES``, a SLURM job's own) take that one.
    """
    count = torch.cuda.device_count() if name in ("auto", "cuda") else 0
    if count < 2:
        return name
    return f"cuda:{_worker_number() % count}"


def _worker_number() -> int:
    """Return the number of this process among a local cluster's workers, 0 outside of one."""
    worker = _worker()
    if worker is None:
        return 0
    name = str(worker.name)
    return int(name) if name.isdigit() else abs(hash(name))


def _worker() -> Any:
    """Return the Dask worker that runs this; None outside of one."""
    if "distributed" not in sys.modules:
        return None
    from distributed import get_worker

    try:
        return get_worker()
    except ValueError:
        return None
