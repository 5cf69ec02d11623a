"""A forward pass that can be stopped between two layers of the network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

__all__ = ["interruptible"]


@contextmanager
def interruptible(network: nn.Module, check: Callable[[], object]) -> Iterator[None]:
    """Call ``check`` before each layer that this thread runs inside the block; it stops the run by raising.

    Parameters
    ----------
    network : torch.nn.Module
        Other threads may run it at the same time, and are not stopped.
    check : callable
        Takes nothing; raises :class:`anystar.errors.Cancelled` to stop.

    Examples
    --------
    >>> import torch
    >>> network = nn.Sequential(nn.Identity(), nn.Identity())
    >>> with interruptible(network, lambda: print("checked")):
    ...     _ = network(torch.zeros(1))
    checked
    checked
    """
    thread = threading.get_ident()

    def before(module: nn.Module, inputs: Any) -> None:
        if threading.get_ident() == thread:
            check()

    leaves = [module for module in network.modules() if not list(module.children())]
    hooks = [module.register_forward_pre_hook(before) for module in leaves]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
