"""Changes of a volume that leave its objects as they are, each with the same change of a label image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

__all__ = ["CHANGES", "Change", "Spacing"]

Spacing = tuple[float, float, float] | None
Array = np.ndarray
_RARE = 1e-4
"""Share of the voxels that are NaN, hot or dead."""
_SEED = 7


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change."""

    name: str
    image: Callable[[Array], Array]
    labels: Callable[[Array], Array]
    """What it does to labels."""
    axes: tuple[int, int, int] = (0, 1, 2)
    """The old axes that become Z, Y, X."""

    def spacing(self, spacing: Spacing) -> Spacing:
        """Return the voxel size afterwards."""
        if spacing is None:
            return None
        z, y, x = (spacing[axis] for axis in self.axes)
        return z, y, x


def _same(labels: Array) -> Array:
    return labels


def _moved(name: str, move: Callable[[Array], Array], **more: tuple[int, int, int]) -> Change:
    """Return a change that is the same for image and labels."""
    return Change(name=name, image=move, labels=move, **more)


def _recoded(name: str, recode: Callable[[Array], Array]) -> Change:
    """Return a change of intensities only."""
    return Change(name=name, image=recode, labels=_same)


def _flip(axis: int) -> Callable[[Array], Array]:
    return lambda volume: np.ascontiguousarray(np.flip(volume, axis))


def _exchange(*axes: int) -> Callable[[Array], Array]:
    return lambda volume: np.ascontiguousarray(volume.transpose(axes))


def _crop(start: int, stop: int) -> Callable[[Array], Array]:
    box = (slice(start, stop or None),) * 3
    return lambda volume: np.ascontiguousarray(volume[box])


def _invert(image: Array) -> Array:
    return (image.max() - image).astype(image.dtype)


def _to_bytes(image: Array) -> Array:
    low, high = float(image.min()), float(image.max())
    return np.rint((image - low) / max(high - low, 1) * 255).astype(np.uint8)


def _rare(image: Array) -> Array:
    return np.random.default_rng(_SEED).random(image.shape) < _RARE


def _with_nan(image: Array) -> Array:
    return np.where(_rare(image), np.nan, image.astype(np.float32))


def _hot(image: Array) -> Array:
    return np.where(_rare(image), 10 * float(image.max()), image.astype(np.float32))


def _saturated(image: Array) -> Array:
    return np.where(_rare(image), image.max(), image)


def _dead(image: Array) -> Array:
    return np.where(_rare(image), image.min(), image)


def _pad(
    width: int | tuple[tuple[int, int], ...], value: Callable[[Array], float] | None
) -> Callable[[Array], Array]:
    def pad(volume: Array) -> Array:
        return np.pad(volume, width, constant_values=0 if value is None else value(volume))

    return pad


def _margin(name: str, width: int | tuple[tuple[int, int], ...], value: Callable[[Array], float]) -> Change:
    return Change(name=name, image=_pad(width, value), labels=_pad(width, None))


def _zero(image: Array) -> float:
    return 0.0


def _median(image: Array) -> float:
    return float(np.rint(np.median(image)))


def _highest(image: Array) -> float:
    return float(image.max())


def _turned(name: str, angle: float, axes: tuple[int, int], order: int = 1) -> Change:
    def turn(order: int) -> Callable[[Array], Array]:
        return lambda volume: ndimage.rotate(volume, angle, axes=axes, order=order, reshape=True)

    return Change(name=name, image=turn(order), labels=turn(0))


CHANGES: tuple[Change, ...] = (
    _moved("none", _same),
    *(_moved(f"flipped along {name}", _flip(axis)) for axis, name in enumerate("ZYX")),
    _moved("Y and X exchanged", _exchange(0, 2, 1), axes=(0, 2, 1)),
    _moved("Z and X exchanged", _exchange(2, 1, 0), axes=(2, 1, 0)),
    _moved("1 voxel less at the start", _crop(1, 0)),
    _moved("1 voxel less at the end", _crop(0, -1)),
    _recoded("inverted", _invert),
    _recoded("times 1000, plus 10^6", lambda image: image.astype(np.float64) * 1000 + 1e6),
    _recoded("times 10^-6, minus 1", lambda image: image.astype(np.float64) * 1e-6 - 1),
    _recoded("float32", lambda image: image.astype(np.float32)),
    _recoded("int32", lambda image: image.astype(np.int32)),
    _recoded("8 bits", _to_bytes),
    _recoded("NaN, 1 in 10,000", _with_nan),
    _recoded("10 times the maximum, 1 in 10,000", _hot),
    _recoded("the maximum, 1 in 10,000", _saturated),
    _recoded("the minimum, 1 in 10,000", _dead),
    _margin("2 voxels of 0 around", 2, _zero),
    _margin("8 voxels of 0 around", 8, _zero),
    _margin("8 voxels of the median around", 8, _median),
    _margin("16 voxels of the maximum before Y", ((0, 0), (16, 0), (0, 0)), _highest),
    _turned("turned by 3 degrees, 0 around", 3, (1, 2)),
    _turned("turned by 20 degrees, 0 around", 20, (1, 2)),
)
"""In the order of the table."""
