"""Batch normalisation whose statistics are those of all processes' samples.

A process often sees one or two samples, whose own statistics would train another network than one process
with the whole batch. On GPUs this is ``torch.nn.SyncBatchNorm``; that refuses CPUs, for which the same is
written out here.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

__all__ = ["SyncedBatchNorm3d", "synchronise_statistics"]


class _MeanOverProcesses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total / dist.get_world_size()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _MeanOverProcesses.forward(ctx, gradients[0].contiguous())


class SyncedBatchNorm3d(nn.BatchNorm3d):
    """``BatchNorm3d`` over the samples of all processes, which have equal numbers of samples."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(B, C, Z, Y, X)``."""
        if not self.training:
            return super().forward(x)
        assert self.running_mean is not None
        assert self.running_var is not None
        axes, shape = (0, 2, 3, 4), (1, -1, 1, 1, 1)
        wide = x.float()
        mean = _MeanOverProcesses.apply(wide.mean(axes))
        centred = wide - mean.view(shape)
        variance = _MeanOverProcesses.apply(centred.square().mean(axes))
        with torch.no_grad():
            num = x.numel() // x.shape[1] * dist.get_world_size()
            self.running_mean.lerp_(mean, self.momentum or 0.0)
            self.running_var.lerp_(variance * (num / max(num - 1, 1)), self.momentum or 0.0)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked += 1
        scaled = centred * (variance + self.eps).rsqrt().view(shape)
        return (scaled * self.weight.view(shape) + self.bias.view(shape)).to(x.dtype)


def synchronise_statistics(network: nn.Module, device: torch.device) -> None:
    """Let the batch normalisation of ``network`` use all processes' samples; its state keeps its names."""
    if device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return
    for module in network.modules():
        for name, child in module.named_children():
            if type(child) is nn.BatchNorm3d:
                synced = SyncedBatchNorm3d(child.num_features, eps=child.eps, momentum=child.momentum)
                synced.weight, synced.bias = child.weight, child.bias
                for buffer, value in child.named_buffers():
                    setattr(synced, buffer, value)
                setattr(module, name, synced)
