"""Intensity changes in space or in value: bias field, attenuation, flicker, gamma, histogram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from anystar.config import ConfigError, check_range
from anystar.synth.augment.base import Knobs, column
from anystar.synth.separable import separable
from anystar.synth.streams import Streams, put

__all__ = ["Attenuation", "BiasField", "Flicker", "Gamma", "HistogramShift", "Invert", "PeriodicGain"]

_DEGREE = 3
_TERMS = [
    (i, j, k) for i in range(_DEGREE + 1) for j in range(_DEGREE + 1 - i) for k in range(_DEGREE + 1 - i - j)
]


@dataclass(frozen=True, kw_only=True)
class BiasFieldDrawn:
    """Coefficients of the Legendre terms (i, j, k) with i + j + k <= 3."""

    coefficients: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class BiasField(Knobs):
    """Multiplies the image by the exponential of a smooth polynomial (MONAI ``RandBiasField``)."""

    coefficient: tuple[float, float] = (0.0, 0.1)
    """Range of the 20 coefficients."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("coefficient", self.coefficient, -10, 10)

    def draw(self, rng: np.random.Generator) -> BiasFieldDrawn:
        """Draw the parameters of one sample."""
        return BiasFieldDrawn(coefficients=tuple(rng.uniform(*self.coefficient, len(_TERMS)).tolist()))

    def apply(
        self, image: Tensor, drawn: Sequence[BiasFieldDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        core = np.zeros((len(drawn), 1, *(_DEGREE + 1,) * 3))
        i, j, k = np.transpose(_TERMS)
        core[:, 0, i, j, k] = [d.coefficients for d in drawn]
        basis = [put(_legendre(n), image.device)[None] for n in image.shape[-3:]]
        return image * separable(put(core, image.device), basis).exp()


def _legendre(num: int) -> np.ndarray:
    return np.polynomial.legendre.legvander(np.linspace(-1, 1, num), _DEGREE)


@dataclass(frozen=True, kw_only=True)
class GammaDrawn:
    """Exponent."""

    gamma: float


@dataclass(frozen=True, kw_only=True)
class Gamma(Knobs):
    """Raises the image, scaled to its own range, to a power (MONAI ``AdjustContrast``)."""

    probability: float = 0.8
    gamma: tuple[float, float] = (0.5, 4.5)
    """Range of the exponent: above 1 darkens."""
    logarithmic: bool = False
    """Draw the exponent log-uniformly, so that darkening and brightening are as likely."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("gamma", self.gamma, 0.01, 100)

    def draw(self, rng: np.random.Generator) -> GammaDrawn:
        """Draw the parameters of one sample."""
        if self.logarithmic:
            return GammaDrawn(gamma=float(np.exp(rng.uniform(*np.log(self.gamma)))))
        return GammaDrawn(gamma=float(rng.uniform(*self.gamma)))

    def apply(
        self, image: Tensor, drawn: Sequence[GammaDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        low, high = image.amin((1, 2, 3, 4), keepdim=True), image.amax((1, 2, 3, 4), keepdim=True)
        span = high - low
        return ((image - low) / (span + 1e-7)) ** column(drawn, "gamma", image.device) * span + low


@dataclass(frozen=True, kw_only=True)
class HistogramShiftDrawn:
    """New values of evenly spaced control points over the image's range, as shares of it."""

    points: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class HistogramShift(Knobs):
    """Bends the histogram by a monotone piecewise linear map (MONAI ``RandHistogramShift``).

    The ends of the range stay; a control point is drawn between its left neighbour's new and its right
    neighbour's old place.
    """

    probability: float = 0.1
    points: int = 10
    """Number of control points."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 3 <= self.points <= 1000:
            raise ConfigError(f"points must be within [3, 1000], got {self.points}")

    def draw(self, rng: np.random.Generator) -> HistogramShiftDrawn:
        """Draw the parameters of one sample."""
        points = np.linspace(0, 1, self.points)
        for i in range(1, self.points - 1):
            points[i] = rng.uniform(points[i - 1], points[i + 1])
        return HistogramShiftDrawn(points=tuple(points.tolist()))

    def apply(
        self, image: Tensor, drawn: Sequence[HistogramShiftDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        low, high = image.amin((1, 2, 3, 4), keepdim=True), image.amax((1, 2, 3, 4), keepdim=True)
        span = (high - low).clamp_min(1e-8)
        values = put([d.points for d in drawn], image.device)
        position = (image - low) / span * (self.points - 1)
        left = position.floor().clamp(0, self.points - 2)
        flat = left.long().flatten(1)
        start, stop = values.gather(1, flat), values.gather(1, flat + 1)
        mapped = start + (stop - start) * (position - left).flatten(1)
        return mapped.view_as(image) * span + low


@dataclass(frozen=True, kw_only=True)
class AttenuationDrawn:
    """Decay over the whole axis, the axis, and its direction."""

    decay: float
    axis: int
    reverse: bool


@dataclass(frozen=True, kw_only=True)
class Attenuation(Knobs):
    """Dims the image exponentially with depth along one axis, as scattering tissue does."""

    probability: float = 0.2
    decay: tuple[float, float] = (0.2, 1.5)
    """Natural logarithm of the loss over the whole axis."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("decay", self.decay, 0, 20)

    def draw(self, rng: np.random.Generator) -> AttenuationDrawn:
        """Draw the parameters of one sample."""
        return AttenuationDrawn(
            decay=float(rng.uniform(*self.decay)), axis=int(rng.integers(3)), reverse=bool(rng.integers(2))
        )

    def apply(
        self, image: Tensor, drawn: Sequence[AttenuationDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        for axis in sorted({d.axis for d in drawn}):
            depth = np.linspace(0, 1, image.shape[2 + axis])
            decay = [(d.axis == axis) * d.decay * (1 - depth if d.reverse else depth) for d in drawn]
            image = image * _along(axis, np.exp(-np.array(decay)), image)
        return image


def _along(axis: int, values_BN: np.ndarray, image: Tensor) -> Tensor:
    """Return a value a plane of each sample, so that it broadcasts over images ``(B, 1, Z, Y, X)``."""
    shape = [-1 if a == axis else 1 for a in range(3)]
    return put(values_BN, image.device).view(len(values_BN), 1, *shape)


@dataclass(frozen=True, kw_only=True)
class FlickerDrawn:
    """Deviations of gain and offset, the share of planes that differ, their distance, and their axis."""

    gain: float
    offset: float
    share: float
    step: float
    axis: int


@dataclass(frozen=True, kw_only=True)
class Flicker(Knobs):
    """Brightens and dims planes along one axis: unsteady lamps, uneven sections, charging, motion.

    Planes that are ``step`` voxels apart get a gain and an offset each, and what lies between is interpolated
    linearly, as it is when images of thick slices are resampled to even voxels.
    """

    probability: float = 0.1
    gain: tuple[float, float] = (0.0, 0.3)
    """Standard deviation of the logarithm of a plane's gain."""
    offset: tuple[float, float] = (0.0, 0.1)
    """Standard deviation of a plane's offset, as a share of the image's range."""
    share: tuple[float, float] = (0.1, 1.0)
    """Share of the planes that differ at all."""
    step: tuple[float, float] = (1.0, 4.0)
    """Distance between planes in voxels, log-uniform."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("gain", self.gain, 0, 5)
        check_range("offset", self.offset, 0, 5)
        check_range("share", self.share, 0, 1)
        check_range("step", self.step, 1, 64)

    def draw(self, rng: np.random.Generator) -> FlickerDrawn:
        """Draw the parameters of one sample."""
        gain, offset, share = (float(rng.uniform(*span)) for span in (self.gain, self.offset, self.share))
        step = float(np.exp(rng.uniform(*np.log(self.step))))
        return FlickerDrawn(gain=gain, offset=offset, share=share, step=step, axis=int(rng.integers(3)))

    def apply(
        self, image: Tensor, drawn: Sequence[FlickerDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        span = image.amax((1, 2, 3, 4), keepdim=True) - image.amin((1, 2, 3, 4), keepdim=True)
        draws = streams.scalars("flicker-planes")
        for axis in sorted({d.axis for d in drawn}):
            num = image.shape[2 + axis]
            steady, pairs = np.zeros((2, num)), zip(drawn, rows, strict=True)
            planes = [_flicker(d, num, draws[row]) if d.axis == axis else steady for d, row in pairs]
            gain, offset = (_along(axis, values, image) for values in np.stack(planes, axis=1))
            image = image * gain.exp() + offset * span
        return image


def _flicker(drawn: FlickerDrawn, num: int, rng: np.random.Generator) -> np.ndarray:
    """Return the logarithm of the gain, and the offset, of every voxel along the axis, shape ``(2, num)``."""
    positions = np.arange(-int(rng.random() * drawn.step), num + drawn.step, drawn.step)
    differs = rng.random(len(positions)) < drawn.share
    planes = rng.normal(size=(2, len(positions))) * differs
    values = [np.interp(np.arange(num), positions, plane) for plane in planes]
    return np.stack(values) * [[drawn.gain], [drawn.offset]]


@dataclass(frozen=True, kw_only=True)
class PeriodicGainDrawn:
    """Amplitude, period in voxels, phase, and the axis."""

    amplitude: float
    period: float
    phase: float
    axis: int


@dataclass(frozen=True, kw_only=True)
class PeriodicGain(Knobs):
    """Brightens and dims planes along one axis periodically: scan lines, interleaved slices, tiles."""

    probability: float = 0.0
    amplitude: tuple[float, float] = (0.02, 0.3)
    """Largest relative change of the brightness."""
    period: tuple[float, float] = (2.0, 24.0)
    """In voxels, log-uniform."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("amplitude", self.amplitude, 0, 1)
        check_range("period", self.period, 2, 1000)

    def draw(self, rng: np.random.Generator) -> PeriodicGainDrawn:
        """Draw the parameters of one sample."""
        return PeriodicGainDrawn(
            amplitude=float(rng.uniform(*self.amplitude)),
            period=float(np.exp(rng.uniform(*np.log(self.period)))),
            phase=float(rng.uniform(0, 2 * np.pi)),
            axis=int(rng.integers(3)),
        )

    def apply(
        self, image: Tensor, drawn: Sequence[PeriodicGainDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        for axis in sorted({d.axis for d in drawn}):
            at = 2 * np.pi * np.arange(image.shape[2 + axis])
            waves = [(d.axis == axis) * d.amplitude * np.sin(at / d.period + d.phase) for d in drawn]
            image = image * _along(axis, 1 + np.stack(waves), image)
        return image


@dataclass(frozen=True, kw_only=True)
class InvertDrawn:
    """Nothing to draw."""


@dataclass(frozen=True, kw_only=True)
class Invert(Knobs):
    """Swaps dark and bright."""

    probability: float = 0.25

    def draw(self, rng: np.random.Generator) -> InvertDrawn:
        """Draw the parameters of one sample."""
        return InvertDrawn()

    def apply(
        self, image: Tensor, drawn: Sequence[InvertDrawn], streams: Streams, rows: Sequence[int]
    ) -> Tensor:
        """Apply to images ``(B, 1, Z, Y, X)``."""
        return image.amax((1, 2, 3, 4), keepdim=True) + image.amin((1, 2, 3, 4), keepdim=True) - image
