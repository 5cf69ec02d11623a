"""The random streams of a batch of samples: scalars from NumPy, fields from torch, both replayable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anystar.rng import stream, stream_seed

__all__ = ["Streams", "put"]


def put(values: Any, device: torch.device | str, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return host values as a tensor on ``device``, without waiting for it."""
    host = torch.as_tensor(np.asarray(values)).to(dtype)
    device = torch.device(device)
    return host.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else host.to(device)


class Streams:
    """Independent named streams of the samples ``indices`` of ``seed``.

    Every draw is a pure function of ``(seed, index, stage)``: neither the batch a sample is made in nor the
    stages before it change what it gets. Fields are drawn sample by sample for that reason. A CUDA device has
    another generator than the CPU, so a sample is replayed exactly on the same kind of device only.

    Parameters
    ----------
    seed : int
        Seed of the run.
    indices : sequence of int
        Index of every sample of the batch.
    device : torch.device
        Where fields are drawn.
    """

    def __init__(self, seed: int, indices: Sequence[int], device: torch.device | str = "cpu") -> None:
        self.seed, self.indices, self.device = seed, tuple(indices), torch.device(device)

    def __len__(self) -> int:
        return len(self.indices)

    def scalars(self, stage: str) -> list[np.random.Generator]:
        """Return one NumPy generator a sample, for the parameters of ``stage``."""
        return [stream(self.seed, i, stage) for i in self.indices]

    def fields(self, stage: str, rows: Sequence[int] | None = None) -> list[torch.Generator]:
        """Return one torch generator a sample (or for the samples ``rows``), for the fields of ``stage``."""
        chosen = range(len(self)) if rows is None else rows
        seeds = (stream_seed(self.seed, self.indices[row], stage, "field") for row in chosen)
        return [torch.Generator(self.device).manual_seed(s) for s in seeds]

    def normals(
        self, stage: str, shapes: Sequence[Sequence[int]], rows: Sequence[int] | None = None
    ) -> list[Tensor]:
        """Return a standard normal field a sample, each of a shape of its own."""
        draws = zip(shapes, self.fields(stage, rows), strict=True)
        return [torch.randn(*shape, generator=g, device=self.device) for shape, g in draws]

    def normal(self, stage: str, shape: Sequence[int], rows: Sequence[int] | None = None) -> Tensor:
        """Return standard normal fields of shape ``(B, *shape)``."""
        return torch.stack(self.normals(stage, [shape] * len(self if rows is None else rows), rows))

    def uniforms(
        self, stage: str, shapes: Sequence[Sequence[int]], rows: Sequence[int] | None = None
    ) -> list[Tensor]:
        """Return a field uniform in [0, 1) a sample, each of a shape of its own."""
        draws = zip(shapes, self.fields(stage, rows), strict=True)
        return [torch.rand(*shape, generator=g, device=self.device) for shape, g in draws]

    def uniform(self, stage: str, shape: Sequence[int], rows: Sequence[int] | None = None) -> Tensor:
        """Return uniform fields in [0, 1) of shape ``(B, *shape)``."""
        return torch.stack(self.uniforms(stage, [shape] * len(self if rows is None else rows), rows))
