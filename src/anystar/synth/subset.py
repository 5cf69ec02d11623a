"""A subset of a batch: a stage that only some samples have runs on those only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from anystar.synth.streams import put

__all__ = ["Subset"]

Drawn = TypeVar("Drawn")


class Subset(Generic[Drawn]):
    """The samples of a batch whose drawn parameters include a stage: those ``having`` it, by default all."""

    def __init__(
        self,
        drawn: Sequence[Drawn],
        having: Callable[[Drawn], object] | None = None,
        *,
        device: torch.device | str,
    ) -> None:
        self.places = [row for row, d in enumerate(drawn) if having is None or having(d)]
        """Their places in the batch; none at all is false."""
        self.drawn = [drawn[row] for row in self.places]
        self.device = torch.device(device)
        every = len(self.places) == len(drawn)
        self._index = None if every or not self.places else put(self.places, device, torch.int64)

    @classmethod
    def of(
        cls,
        drawn: Sequence[Any],
        part: Callable[[Any], Drawn | None],
        *,
        device: torch.device | str,
    ) -> Subset[Drawn]:
        """Return the samples that have a part of the parameters, and these parts as theirs."""
        parts: Any = [part(d) for d in drawn]
        return cls(parts, lambda d: d is not None, device=device)

    def __len__(self) -> int:
        return len(self.places)

    def pick(self, whole: Tensor) -> Tensor:
        """Return these samples' part of a batch."""
        return whole if self._index is None else whole[self._index]

    def replace(self, whole: Tensor, part: Tensor) -> Tensor:
        """Return the batch with another part for these samples."""
        return part if self._index is None else whole.index_copy(0, self._index, part)

    def add(self, whole: Tensor, part: Tensor) -> None:
        """Add to these samples' part of a batch, in place."""
        if self._index is None:
            whole.add_(part)
        else:
            whole.index_add_(0, self._index, part)

    def column(self, value: Callable[[Drawn], float], *, axes: int = 3) -> Tensor:
        """Return a number per sample that broadcasts over ``axes`` axes: shape ``(R, 1, ...)``."""
        return put([value(d) for d in self.drawn], self.device).view(-1, *[1] * axes)
