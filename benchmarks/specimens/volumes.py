"""Made volumes whose scale is ambiguous, each a pure function of its kind and a seed.

Lengths are in voxels, which are cubic. Bodies, look and optics are those of ``benchmarks.models``; here they
lie in specimens.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from anystar.arrays import Volume
from benchmarks.accuracy.volumes import Sample
from benchmarks.models.simulator.bodies import Bodies, Crowd, Drawing, draw_bodies, rasterise
from benchmarks.models.simulator.look import Look, emit
from benchmarks.models.simulator.optics import Optics, record

__all__ = ["SPECIMENS", "TWO_SIZES", "Specimen", "make"]

_MARGIN = 0.12
"""Distance from a specimen to the border of the volume, as a share of its edge."""


@dataclass(frozen=True, kw_only=True)
class Specimen:
    """One kind of volume."""

    name: str
    extent: int
    "Edge of the cube."
    crowd: Crowd
    "The objects, before those outside of the specimen are dropped."
    second: Crowd | None = None
    "Objects of another size, between the first ones."
    look: Look = Look()
    optics: Optics = Optics()
    body: float | None = None
    "Level of the specimen itself, before an empty background; none to fill the volume with objects."
    depth: float = 0.0
    "Depth at which 1/e of the contrast is left, as a share of the specimen's radius; 0 for no loss."
    bumps: float = 0.1
    "Largest height of a bump of the specimen, as a share of its radius."
    whole: bool = False
    "Whether the specimen is the object."


_FEW = Optics(axial=1.0, lateral=0.8, photons=200)
_XRAY = Optics(axial=0.6, lateral=0.6, photons=400, read_noise=0.02)
_ORGAN = Specimen(
    name="organ",
    extent=112,
    crowd=Crowd(diameter=(8, 9), fraction=0),
    body=0.6,
    look=Look(background=0.05, texture=0.1, grain=3, haze=0.01),
    bumps=0.2,
    whole=True,
)

SPECIMENS = (
    Specimen(
        name="spheroid",
        extent=112,
        crowd=Crowd(diameter=(8, 10), fraction=0.35),
        body=0.45,
        depth=0.5,
        look=Look(body=0.85, variation=0.2),
        optics=Optics(axial=1.5, lateral=0.9, photons=60),
    ),
    Specimen(
        name="spheroid, small nuclei",
        extent=112,
        crowd=Crowd(diameter=(5.5, 6.5), fraction=0.3),
        body=0.5,
        depth=0.35,
        look=Look(body=0.85, variation=0.2),
        optics=Optics(axial=1.0, lateral=0.7, photons=100),
    ),
    Specimen(
        name="core, dark pores",
        extent=112,
        crowd=Crowd(diameter=(5, 8), fraction=0.03, clearance=2),
        body=0.6,
        look=Look(body=0.3, variation=0.2, texture=0.08, grain=1.5, haze=0.01),
        optics=_XRAY,
    ),
    Specimen(
        name="core, faint grains",
        extent=112,
        crowd=Crowd(diameter=(7, 11), fraction=0.12, clearance=1),
        body=0.5,
        look=Look(body=0.72, variation=0.2, haze=0.01),
        optics=_XRAY,
    ),
    _ORGAN,
    replace(_ORGAN, name="organ, noisy", optics=Optics(photons=8, read_noise=0.05)),
    replace(_ORGAN, name="organ, coarse texture", look=replace(_ORGAN.look, texture=0.25, grain=4)),
    Specimen(
        name="large cells, textured",
        extent=112,
        crowd=Crowd(diameter=(44, 54), fraction=0.3, bumps=0.1),
        look=Look(body=0.6, texture=0.5, grain=2.0, nucleoli=4),
        optics=_FEW,
    ),
    Specimen(
        name="large cells, smooth",
        extent=112,
        crowd=Crowd(diameter=(44, 54), fraction=0.3, bumps=0.1),
        optics=_FEW,
    ),
)


def _two_sizes(ratio: float) -> Specimen:
    small = 36 / ratio
    return Specimen(
        name=f"two sizes, ratio {ratio:g}",
        extent=104,
        crowd=Crowd(diameter=(34, 38), fraction=0.15, clearance=2),
        second=Crowd(diameter=(0.95 * small, 1.05 * small), fraction=0.04, clearance=2),
        optics=Optics(axial=0.8, lateral=0.6, photons=200),
    )


TWO_SIZES = tuple(_two_sizes(ratio) for ratio in (2, 3, 4, 6, 8))


def make(specimen: Specimen, *, seed: int) -> Sample:
    """Return a volume with its ground truth."""
    name = zlib.crc32(specimen.name.encode())
    body_rng, crowd_rng, look_rng, optics_rng = (np.random.default_rng([seed, name, k]) for k in range(4))
    depth = _depth(specimen, rng=body_rng)
    bodies = draw_bodies(specimen.crowd, specimen.extent, rng=crowd_rng)
    if specimen.second is not None:
        bodies = _beside(bodies, draw_bodies(specimen.second, specimen.extent, rng=crowd_rng))
    if specimen.body is not None:
        at = np.clip(np.round(bodies.centre).astype(int), 0, specimen.extent - 1)
        bodies = bodies.take(depth[tuple(at.T)] > bodies.radius + 1)
    drawing = rasterise(bodies, specimen.extent)
    signal = emit(specimen.look, bodies, drawing, rng=look_rng)
    if specimen.body is not None:
        signal = _embed(specimen, signal, drawing, depth)
    image = record(specimen.optics, signal, rng=optics_rng)
    labels = (
        (depth > 0).astype(np.int32) if specimen.whole else np.where(drawing.depth > 0, drawing.owner + 1, 0)
    )
    labels = np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)
    volumes = np.bincount(labels.ravel())[1:]
    diameter = float((6 / np.pi * np.median(volumes)) ** (1 / 3)) if len(volumes) else None
    return Sample(
        name=specimen.name, image=Volume(data=image), labels=labels, centres=None, diameter=diameter
    )


def _depth(specimen: Specimen, *, rng: np.random.Generator) -> np.ndarray:
    """Return how far below the surface of the specimen each voxel lies, negative outside."""
    radius = (0.5 - _MARGIN) * specimen.extent
    crowd = Crowd(diameter=(2 * radius, 2.01 * radius), fraction=1e-6, bumps=specimen.bumps)
    one = draw_bodies(crowd, specimen.extent, rng=rng).take(np.array([0]))
    one.centre[:] = specimen.extent / 2 + rng.uniform(-3, 3, 3)
    inside = rasterise(one, specimen.extent).depth > 0
    return (ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)).astype(
        np.float32
    )


def _embed(specimen: Specimen, signal: np.ndarray, drawing: Drawing, depth: np.ndarray) -> np.ndarray:
    """Return the signal of objects within a specimen: what lies deep has less contrast and is blurred."""
    cover = np.clip(drawing.depth + 0.5, 0, 1)
    assert specimen.body is not None
    ground = specimen.look.background
    texture = (signal - ground) * (1 - cover)
    inside = specimen.body + texture + cover * (signal - specimen.body)
    if specimen.whole:  # texture without objects
        noise = ndimage.gaussian_filter(
            np.random.default_rng(zlib.crc32(signal.tobytes())).normal(size=signal.shape), specimen.look.grain
        )
        inside = specimen.body * (1 + specimen.look.texture * noise / noise.std())
    if specimen.depth:
        radius = (0.5 - _MARGIN) * specimen.extent
        left = np.exp(-np.maximum(depth, 0) / (specimen.depth * radius))
        blurred = ndimage.gaussian_filter(inside, 2.5)
        inside = blurred + left * (inside - blurred)
        envelope = ndimage.gaussian_filter(np.clip(depth + 0.5, 0, 1), 3)
        return np.maximum(ground + np.clip(envelope * 1.2, 0, 1) * (inside - ground), 0.005).astype(
            np.float32
        )
    return np.maximum(ground + np.clip(depth + 0.5, 0, 1) * (inside - ground), 0.005).astype(np.float32)


def _beside(first: Bodies, second: Bodies) -> Bodies:
    """Return the bodies of both, those of the second only where they lie clear of the first."""
    away = np.linalg.norm(second.centre[:, None] - first.centre[None], axis=2)
    reach = first.axis.max(axis=1)[None] * 1.1 + second.axis.max(axis=1)[:, None] + 2
    kept = second.take((away > reach).all(axis=1))
    return Bodies(**{name: np.concatenate([value, vars(kept)[name]]) for name, value in vars(first).items()})
