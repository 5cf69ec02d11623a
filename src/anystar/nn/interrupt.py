"""A segmentation that can be stopped: between two layers of the network, and within what follows it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from anystar.runtime.interrupt import checked

__all__ = ["interruptible"]


@contextmanager
def interruptible(network: nn.Module, check: Callable[[], object]) -> Iterator[None]:
    """Call ``check`` often while this thread segments inside the block; it stops the run by raising.

    It raises :class:`anystar.errors.Cancelled`. It is called before each layer of the network, and between
    parts of suppression, voting, rasterising and measuring (:mod:`anystar.runtime.interrupt`). Other threads
    may run the network at the same time, and are not stopped.

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
        with checked(check):
            yield
    finally:
        for hook in hooks:
            hook.remove()
