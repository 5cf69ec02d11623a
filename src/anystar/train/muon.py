"""Muon: momentum whose update matrices are made orthogonal, for convolutions (Jordan et al. 2024).

``torch.optim.Muon`` takes matrices only; the weight of a 3D convolution is one here, a row
per output channel.
An update is scaled to the size of one of Adam's (Liu et al. 2025), so that both share a learning rate.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from anystar.nn.device import fast_bfloat16
from anystar.train.config import TrainConfig

__all__ = ["Muon", "make_optimiser", "orthogonalised"]

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration (Jordan et al. 2024): singular values between 0 and 1 end within 0.7 and 1.2."""
_ADAM_SIZE = 0.2
"""Root mean square of Adam's updates, relative to the learning rate (Liu et al. 2025)."""


def orthogonalised(matrix: Tensor, *, iterations: int = 5, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return about the nearest matrix with orthonormal rows (or columns, if there are fewer).

    Newton-Schulz iterations instead of a singular value decomposition; ``dtype`` is that of the products.
    """
    a, b, c = _COEFFICIENTS
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.mT
    x = (wide / wide.norm().clamp_min(1e-12)).to(dtype)
    for _ in range(iterations):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x if wide is matrix else x.mT).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Muon for the groups of parameters that have ``orthogonal`` set, Adam for the others.

    ``momentum`` is the decay of the momentum that is made orthogonal (Nesterov's), ``betas`` are those of
    Adam's moments; ``dtype`` is that of the matrix products.
    """

    def __init__(
        self,
        groups: list[dict[str, Any]],
        *,
        lr: float,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "betas": betas, "orthogonal": False})
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            update = self._orthogonal if group["orthogonal"] else self._adam
            for parameter in group["params"]:
                if parameter.grad is not None:
                    update(parameter, parameter.grad, self.state[parameter], group)

    def _orthogonal(
        self, parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], group: dict[str, Any]
    ) -> None:
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum, decay = state["momentum"], group["momentum"]
        momentum.lerp_(gradient, 1 - decay)
        matrix = gradient.lerp(momentum, decay).flatten(1)
        size = _ADAM_SIZE * math.sqrt(max(matrix.shape))
        update = orthogonalised(matrix, dtype=self.dtype)
        parameter.sub_(update.view(parameter.shape), alpha=group["lr"] * size)

    @staticmethod
    def _adam(parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        if not state:
            state["step"] = torch.zeros(())
            state["mean"], state["square"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        state["step"] += 1
        (one, two), count = group["betas"], float(state["step"])
        state["mean"].lerp_(gradient, 1 - one)
        state["square"].mul_(two).addcmul_(gradient, gradient, value=1 - two)
        deviation = (state["square"] / (1 - two**count)).sqrt_().add_(1e-8)
        parameter.addcdiv_(state["mean"], deviation, value=-group["lr"] / (1 - one**count))


def make_optimiser(network: nn.Module, config: TrainConfig, device: torch.device) -> torch.optim.Optimizer:
    """Return the optimiser of a run."""
    if config.optimiser == "adam":
        return torch.optim.Adam(network.parameters(), lr=config.learning_rate, foreach=True)
    matrices = {
        module.weight
        for module in network.modules()
        if isinstance(module, nn.Conv3d) and module.weight[0].numel() > 1 and module.kernel_size[0] > 1
    }
    first = next(module.weight for module in network.modules() if isinstance(module, nn.Conv3d))
    matrices.discard(first)  # one input channel: every output channel has a filter of its own
    sides = {kind: [p for p in network.parameters() if (p in matrices) is kind] for kind in (True, False)}
    groups = [{"params": parameters, "orthogonal": kind} for kind, parameters in sides.items()]
    dtype = torch.bfloat16 if fast_bfloat16(device) else torch.float32
    return Muon(groups, lr=config.learning_rate, dtype=dtype)
