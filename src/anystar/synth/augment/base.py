"""What every augmentation is: knobs, a draw, and an application to those samples of a batch that drew it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from anystar.config import ConfigError
from anystar.synth.streams import Streams, put
from anystar.synth.subset import Subset

__all__ = ["Augmentation", "Knobs", "column", "quantiles", "rescale", "run"]


@dataclass(frozen=True, kw_only=True)
class Knobs:
    """Base of all augmentations' knobs."""

    probability: float = 1.0
    """Share of the samples that get it."""

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ConfigError(f"probability must be within [0, 1], got {self.probability}")


class Augmentation(Protocol):
    """Knobs that can draw parameters and apply them."""

    @property
    def probability(self) -> float:
        """Share of the samples that get it."""

    def draw(self, rng: np.random.Generator) -> Any:
        """Draw the parameters of one sample as a frozen dataclass."""

    def apply(self, image: Tensor, drawn: Sequence[Any], streams: Streams, rows: Sequence[int]) -> Tensor:
        """Apply parameters to images ``(B, 1, Z, Y, X)``; ``rows`` are their places in the batch."""


def run(
    stages: Sequence[tuple[str, Augmentation]],
    image: Tensor,
    streams: Streams,
    *,
    observe: Callable[[str, Tensor], None] | None = None,
) -> tuple[Tensor, list[dict[str, Any]]]:
    """Draw and apply a sequence of augmentations; ``observe`` sees the images after each that any sample got.

    Returns
    -------
    image : tensor, shape ``(B, 1, Z, Y, X)``
    drawn : list of dict
        For each sample, the parameters of every stage that it got, by the stage's name.
    """
    taken_by: list[dict[str, Any]] = [{} for _ in range(len(streams))]
    for name, stage in stages:
        for row, rng in enumerate(streams.scalars(name)):
            if rng.random() < stage.probability:
                taken_by[row][name] = stage.draw(rng)
        rows = Subset(
            [taken.get(name) for taken in taken_by], lambda drawn: drawn is not None, device=image.device
        )
        if not rows:
            continue
        image = rows.replace(image, stage.apply(rows.pick(image), rows.drawn, streams, rows.places))
        if observe is not None:
            observe(name, image)
    return image, taken_by


def column(drawn: Sequence[Any], name: str, device: torch.device) -> Tensor:
    """Return one drawn parameter of all samples as a tensor that broadcasts over ``(B, 1, Z, Y, X)``."""
    return put([getattr(d, name) for d in drawn], device).view(-1, 1, 1, 1, 1)


def quantiles(values_BN: Tensor, shares: Sequence[float]) -> Tensor:
    """Return a quantile of each row, shape ``(B,)``, interpolated linearly: a share a row."""
    at = np.asarray(shares) * (values_BN.shape[1] - 1)
    nodes = put(np.stack([np.floor(at), np.ceil(at)], axis=1), values_BN.device, torch.int64)
    low, high = values_BN.sort(dim=1).values.gather(1, nodes).unbind(1)
    return low.lerp(high, put(at % 1, values_BN.device))


def rescale(image: Tensor) -> Tensor:
    """Map each image linearly onto [0, 1]; a constant one becomes zero."""
    low, high = image.amin((1, 2, 3, 4), keepdim=True), image.amax((1, 2, 3, 4), keepdim=True)
    return (image - low) / (high - low).clamp_min(1e-8)
