"""Smooth anatomical structure that is no object: folded layers, cortices, ventricles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from anystar.config import check_range
from anystar.synth.augment.base import Knobs
from anystar.synth.fields import unit_noise
from anystar.synth.knobs import check_ranges
from anystar.synth.streams import Streams
from anystar.synth.subset import Subset

__all__ = ["Anatomy", "AnatomyDrawn", "paint_anatomy"]


@dataclass(frozen=True, kw_only=True)
class AnatomyDrawn:
    """Gains are relative to the objects' contrast, lengths in voxels."""

    cell: float
    layers: float
    folds: float
    phase: float
    edge: float
    cortex: float
    level: float
    thickness: float


@dataclass(frozen=True, kw_only=True)
class Anatomy(Knobs):
    """Folded layers of other brightness, and a sheet of some thickness along one of their surfaces.

    All are level sets of one smooth field: folds and ventricles are where it bends back, as in a brain.
    """

    probability: float = 0.0
    cell: tuple[float, float] = (16.0, 48.0)
    """Size of the largest bends in voxels."""
    layers: tuple[float, float] = (0.2, 1.2)
    """Contrast of the layers, relative to the objects'."""
    folds: tuple[float, float] = (0.7, 4.0)
    """Layers between the field's mean and one standard deviation of it."""
    edge: tuple[float, float] = (0.6, 4.0)
    """Width of the layers' edges in voxels."""
    cortex: tuple[float, float] = (-1.0, 1.5)
    """Contrast of the sheet, relative to the objects'."""
    thickness: tuple[float, float] = (0.8, 4.0)
    """Standard deviation of the sheet's profile in voxels."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("cell", self.cell, 3, 1000)
        check_ranges(self, 0, 100, "layers", "folds")
        check_ranges(self, 0.3, 100, "edge", "thickness")
        check_ranges(self, -100, 100, "cortex")

    def draw(self, rng: np.random.Generator) -> AnatomyDrawn:
        """Draw the parameters of one sample."""

        def uniform(span: tuple[float, float]) -> float:
            return float(rng.uniform(*span))

        return AnatomyDrawn(
            cell=uniform(self.cell),
            layers=uniform(self.layers) * (1 if rng.random() < 0.5 else -1),
            folds=uniform(self.folds),
            phase=uniform((0, 2 * np.pi)),
            edge=uniform(self.edge),
            cortex=uniform(self.cortex),
            level=float(rng.normal()),
            thickness=uniform(self.thickness),
        )


def paint_anatomy(rows: Subset[AnatomyDrawn], shape: Sequence[int], streams: Streams) -> Tensor:
    """Return the structure of some samples, ``(R, Z, Y, X)``, about 0 where there is none."""
    field = unit_noise("anatomy", rows, shape, [d.cell for d in rows.drawn], streams)[:, 0]
    slope = sum(g.square() for g in torch.gradient(field, dim=(1, 2, 3)))
    assert isinstance(slope, Tensor)
    slope = slope.sqrt_().clamp_min(0.05 / max(d.cell for d in rows.drawn))
    folds = rows.column(lambda d: d.folds)
    wave = (field * folds).add_(rows.column(lambda d: d.phase)).sin_()
    wave.div_(slope * folds * rows.column(lambda d: d.edge)).tanh_()
    sheet = (field - rows.column(lambda d: d.level)).div_(slope).div_(rows.column(lambda d: d.thickness))
    sheet = sheet.square_().mul_(-0.5).exp_()
    layers, cortex = rows.column(lambda d: 0.5 * d.layers), rows.column(lambda d: d.cortex)
    return wave.mul_(layers).add_(sheet.mul_(cortex))
