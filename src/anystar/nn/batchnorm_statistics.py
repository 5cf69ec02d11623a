"""Running statistics of batch normalisation that fit averaged weights."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

__all__ = ["recompute_statistics"]


@torch.no_grad()
def recompute_statistics(network: nn.Module, images: Iterable[Tensor]) -> None:
    """Replace all running means and variances by the means over batches (Izmailov et al. 2018).

    The average of the statistics of several networks is not the statistics of their averaged weights.

    Parameters
    ----------
    network : nn.Module
        Changed in place; in evaluation mode afterwards.
    images : iterable of tensor, shape ``(B, 1, Z, Y, X)``
        Batches as in training.
    """
    layers = [m for m in network.modules() if isinstance(m, nn.BatchNorm3d)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the mean over all batches
    network.train()
    for image in images:
        network(image)
    network.eval()
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
