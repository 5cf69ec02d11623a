"""What bodies and their surroundings emit (or absorb), before any optics."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from benchmarks.models.simulator.bodies import Bodies, Drawing

_EDGE_WIDTH = 2.5


@dataclass(frozen=True, kw_only=True)
class Look:
    """Levels are shares of full scale; lengths are in voxels of the finest axis."""

    background: float = 0.1
    body: float = 0.8
    variation: float = 0.3
    "Standard deviation of the logarithm of a body's contrast."
    rim: float = 0.0
    "Thickness of a membrane; 0 for solid bodies."
    rim_level: float = 0.9
    seam: float = 0.0
    "How much of the contrast is lost where two bodies touch, in [0, 1]."
    texture: float = 0.0
    "Relative standard deviation of the granularity inside bodies."
    grain: float = 1.5
    "Its size."
    nucleoli: int = 0
    "Most cavities a body."
    haze: float = 0.0
    "Standard deviation of the slow variation of the background."
    litter: float = 0.0
    "Standard deviation of the granularity between bodies (neuropil, cytoplasm)."
    litter_size: float = 1.5
    mottle: float = 0.0
    "Standard deviation of a granularity that lies over everything (reconstruction, matrix)."
    mottle_size: float = 1.8
    edge: float = 0.0
    "Strength of the seams of opposite contrast that phase contrast (X-rays) puts around everything."
    num_fibres: int = 0
    fibre_radius: float = 1.2
    fibre_level: float = 0.7
    shading: float = 0.0
    "Share of the light that is lost in the worst corner, in [0, 1)."


def emit(look: Look, bodies: Bodies, drawing: Drawing, *, rng: np.random.Generator) -> np.ndarray:
    """Return the signal on the cubic lattice, float32, about 0 to 1."""
    shape = drawing.owner.shape
    cover = np.clip(drawing.depth + 0.5, 0, 1)
    ground = np.full(shape, look.background, np.float32)
    haze = _smooth_noise(shape, 10.0, rng=rng)
    ground = ground + look.haze * haze
    if look.litter:
        ground = ground + look.litter * _smooth_noise(shape, look.litter_size, rng=rng)
    fibres = _fibres(look, shape, rng=rng) * (1 - cover)
    ground = ground + fibres * (look.fibre_level - look.background)

    contrast = np.exp(look.variation * np.clip(rng.normal(size=max(len(bodies), 1)), -2, 2))[drawing.owner]
    inside = 1 + look.texture * _smooth_noise(shape, look.grain, rng=rng)
    inside = np.clip(inside, 0.1, 3) * (1 - 0.8 * _cavities(look, bodies, drawing, rng=rng))
    body = look.background + (look.body - look.background) * contrast * inside
    if look.seam:
        body -= (body - look.background) * look.seam * _near(_contact(drawing), 1.0)
    signal = ground + cover * (body - ground)
    if look.rim:
        membrane = _near(_surface(drawing), look.rim / 2)
        signal += membrane * (look.rim_level * contrast - signal)
    if look.mottle:
        signal = signal + look.mottle * _smooth_noise(shape, look.mottle_size, rng=rng)
    if look.edge:
        signal = signal + look.edge * (signal - ndimage.gaussian_filter(signal, _EDGE_WIDTH))
    return np.maximum(signal * _illumination(look, shape, rng=rng), 0.005).astype(np.float32)


def _smooth_noise(shape: tuple[int, ...], size: float, *, rng: np.random.Generator) -> np.ndarray:
    noise = ndimage.gaussian_filter(rng.normal(size=shape).astype(np.float32), size, mode="wrap")
    return noise / noise.std()


def _near(mask: np.ndarray, width: float) -> np.ndarray:
    """Return 1 on the mask, falling off as a Gaussian of ``width``."""
    if not mask.any():
        return np.zeros(mask.shape, np.float32)
    return np.exp(-((ndimage.distance_transform_edt(~mask) / (1.4 * width)) ** 2)).astype(np.float32)


def _truth(drawing: Drawing) -> np.ndarray:
    return np.where(drawing.depth > 0, drawing.owner + 1, 0)


def _surface(drawing: Drawing) -> np.ndarray:
    """Return the voxels of bodies at which something else begins."""
    labels = _truth(drawing)
    low, high = ndimage.minimum_filter(labels, size=3), ndimage.maximum_filter(labels, size=3)
    return (low != high) & (labels > 0)


def _contact(drawing: Drawing) -> np.ndarray:
    """Return the voxels of bodies at which another body begins."""
    labels = _truth(drawing)
    other = np.where(labels > 0, labels, labels.max() + 1)
    return (labels > 0) & (
        (ndimage.maximum_filter(labels, size=3) != labels) | (ndimage.minimum_filter(other, size=3) != labels)
    )


def _cavities(look: Look, bodies: Bodies, drawing: Drawing, *, rng: np.random.Generator) -> np.ndarray:
    """Return 1 in nucleoli: balls of a fifth to a third of the radius, well inside."""
    inside = np.zeros(drawing.owner.shape, np.float32)
    if not look.nucleoli:
        return inside
    grid = np.indices(inside.shape)
    for i in range(len(bodies)):
        for _ in range(int(rng.integers(0, look.nucleoli + 1))):
            radius = bodies.radius[i] * rng.uniform(0.2, 0.32)
            offset = rng.normal(size=3)
            offset *= rng.uniform(0, 0.55) / np.linalg.norm(offset)
            centre = bodies.centre[i] + np.linalg.inv(bodies.inverse[i]) @ offset
            low = np.maximum(np.floor(centre - radius - 1).astype(int), 0)
            high = np.minimum(np.ceil(centre + radius + 2).astype(int), inside.shape)
            if (low >= high).any():
                continue
            box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
            away = np.linalg.norm(grid[(slice(None), *box)] - centre[:, None, None, None], axis=0)
            inside[box] = np.maximum(inside[box], np.clip(radius - away + 0.5, 0, 1))
    return inside


def _fibres(look: Look, shape: tuple[int, ...], *, rng: np.random.Generator) -> np.ndarray:
    """Return curved threads that cross the volume, 1 on their axis."""
    marks = np.zeros(shape, np.float32)
    for _ in range(look.num_fibres):
        direction = rng.normal(size=3)
        direction /= np.linalg.norm(direction)
        middle = rng.uniform(0, np.array(shape), 3)
        halves = [_walk(middle, sign * direction, max(shape), rng=rng) for sign in (-1, 1)]
        at = np.round(np.concatenate(halves)).astype(int)
        marks[tuple(at[((at >= 0) & (at < np.array(shape))).all(axis=1)].T)] = 1
    if not look.num_fibres:
        return marks
    return _near(marks > 0, look.fibre_radius)


def _walk(start: np.ndarray, direction: np.ndarray, num: int, *, rng: np.random.Generator) -> np.ndarray:
    turns = np.cumsum(rng.normal(scale=0.06, size=(2 * num, 3)), axis=0)
    along = direction + ndimage.gaussian_filter1d(turns, 8, axis=0)
    return start + np.cumsum(0.5 * along / np.linalg.norm(along, axis=1, keepdims=True), axis=0)


def _illumination(look: Look, shape: tuple[int, ...], *, rng: np.random.Generator) -> np.ndarray:
    """Return 1 in the best lit corner, ``1 - shading`` in the worst, exponential between."""
    tilt = rng.normal(size=3)
    bright = rng.uniform(0.2, 0.8, 3)
    at = np.stack(
        np.meshgrid(*(np.linspace(0, 1, n, dtype=np.float32) for n in shape), indexing="ij"), axis=-1
    )
    loss = at @ (tilt / np.abs(tilt).sum()).astype(np.float32) + 0.5 * ((at - bright) ** 2).sum(axis=-1)
    loss = (loss - loss.min()) / np.ptp(loss)
    return np.exp(np.log(1 - look.shading) * loss)
