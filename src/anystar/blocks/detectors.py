"""A model by name, for processes that each load it once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import torch

from anystar.predict.candidates import Candidates
from anystar.predict.model import Model, load_model
from anystar.predict.tiles import Axes, Tile
from anystar.preprocess.resample import ResampledImage

__all__ = ["NamedModel", "own_device"]


@dataclass(frozen=True, kw_only=True)
class NamedModel:
    """Stands for :func:`anystar.load_model` and its options, and costs nothing to send."""

    name: str
    device_name: str = "auto"
    tta: bool = False
    fast: bool = False

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        return self._model.device

    @property
    def num_rays(self) -> int:
        """Rays of the bodies."""
        return self._model.num_rays

    def tile_axes(self, shape: tuple[int, int, int]) -> Axes:
        """Return the tiles in which it sees a volume of ``shape`` on its own lattice."""
        return self._model.tile_axes(shape)

    def detect(self, view: ResampledImage, tile: Tile, floor: float) -> Candidates:
        """Return the candidates of one tile."""
        return self._model.detect(view, tile, floor)

    @property
    def _model(self) -> Model:
        return _loaded(self.name, own_device(self.device_name), self.tta, self.fast)


@lru_cache(maxsize=1)
def _loaded(name: str, device: str, tta: bool, fast: bool) -> Model:
    return replace(load_model(name, device=device), tta=tta, fast=fast)


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
    import sys

    if "distributed" not in sys.modules:
        return 0
    from distributed import get_worker

    try:
        name = get_worker().name
    except ValueError:
        return 0
    return int(name) if str(name).isdigit() else abs(hash(str(name)))
