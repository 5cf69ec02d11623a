"""Made volumes of objects of one size, under a blur that is relative to it; lengths in voxels."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from benchmarks.models.simulator.bodies import Crowd, draw_bodies, rasterise
from benchmarks.models.simulator.look import Look, emit
from benchmarks.models.simulator.optics import Optics, record

__all__ = ["CONDITIONS", "QUICK", "Condition", "make"]

_SHARP = 0.3
"""Least standard deviation of the blur: a voxel averages over its own extent."""
_LOOKS = {
    "bright": Look(variation=0.2),
    "dark": Look(background=0.75, body=0.3, variation=0.15),
    "hollow": Look(body=0.1, rim_level=0.8, variation=0.15),
    "touching": Look(variation=0.3, seam=0.6),
}


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One kind of volume."""

    diameter: float
    blur: float
    "Standard deviation of the blur as a share of the diameter."
    axial: bool = False
    "Whether the blur is along Z alone, with a third of it in the plane."
    look: str = "bright"

    @property
    def name(self) -> str:
        """The kind in words."""
        return f"{self.look}, axial blur" if self.axial else self.look


_BLURS = (0.0, 0.1, 0.2, 0.33)
_BRIGHT = tuple(Condition(diameter=d, blur=b) for d in (6, 8, 12, 20, 40) for b in _BLURS)
_OTHERS = tuple(
    Condition(diameter=d, blur=b, axial=axial, look=look)
    for look, axial in (("bright", True), ("dark", False), ("hollow", False), ("touching", False))
    for d in (8, 20)
    for b in (0.1, 0.2)
)
CONDITIONS = (*_BRIGHT, *_OTHERS)
QUICK = tuple(Condition(diameter=d, blur=b) for d, b in ((8, 0.1), (8, 0.2), (20, 0.1)))


def make(condition: Condition, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return an image, uint16, and its labels, int32: a pure function of condition and seed."""
    diameter = condition.diameter
    extent = int(np.clip(6 * diameter, 48, 136))
    touching = condition.look == "touching"
    crowd = Crowd(
        diameter=(0.97 * diameter, 1.03 * diameter),
        fraction=0.5 if touching else 0.15,
        clearance=-0.06 * diameter if touching else 0.25 * diameter,
    )
    look = _LOOKS[condition.look]
    if condition.look == "hollow":
        look = Look(**{**vars(look), "rim": max(1.2, 0.12 * diameter)})
    sigma = max(_SHARP, condition.blur * diameter)
    lateral = max(_SHARP, sigma / 3) if condition.axial else sigma
    optics = Optics(axial=sigma, lateral=lateral, photons=100)
    name = zlib.crc32(repr(condition).encode())
    body_rng, look_rng, optics_rng = (np.random.default_rng([seed, name, k]) for k in range(3))
    drawing = rasterise(bodies := draw_bodies(crowd, extent, rng=body_rng), extent)
    image = record(optics, emit(look, bodies, drawing, rng=look_rng), rng=optics_rng)
    truth = np.where(drawing.depth > 0, drawing.owner + 1, 0)
    labels = np.unique(truth, return_inverse=True)[1].reshape(truth.shape)
    return image, (labels + (truth.min() > 0)).astype(np.int32)
