"""Several processes that train one network: each makes and sees its own part of every batch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

__all__ = ["Processes", "joined"]


@dataclass(frozen=True, kw_only=True)
class Processes:
    """One process among those of a run: this one."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether it is this one that writes files."""
        return self.rank == 0

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean over the processes, without a gradient."""
        if self.size == 1:
            return value
        total = value.detach().clone()
        dist.all_reduce(total)
        return total / self.size

    def any(self, flag: bool, device: torch.device) -> bool:
        """Return whether any process says so."""
        if self.size == 1:
            return flag
        return bool(self.mean(torch.tensor(float(flag), device=device)) > 0)

    def average_gradients(self, network: nn.Module) -> None:
        """Replace the gradients by their mean over the processes, in one exchange.

        Not ``DistributedDataParallel``: it would hide the exchange behind the backward pass, a few
        milliseconds for this network, but wraps the module, and its arguments change between releases.
        """
        if self.size == 1:
            return
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        flat = self.mean(torch.cat([g.flatten() for g in gradients]))
        parts = flat.split([g.numel() for g in gradients])
        torch._foreach_copy_(gradients, [p.view(g.shape) for p, g in zip(parts, gradients, strict=True)])


@contextmanager
def joined(device: torch.device) -> Iterator[tuple[Processes, torch.device]]:
    """Join the processes that ``torchrun`` started; yield this one and its device.

    Nothing is joined without ``torchrun``, or if the process group exists already (then it is used).
    """
    if not dist.is_available() or int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield Processes(), device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    begun = not dist.is_initialized()
    if begun:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(rank=dist.get_rank(), size=dist.get_world_size()), device
        if begun:
            dist.barrier()  # none leaves while another still works: that has aborted a process
    finally:
        if begun:
            dist.destroy_process_group()
