"""Which of the kernels for graphics cards may work: those that Triton can compile here and that err not.

Triton needs a compiler for C when it runs, which not every machine has, and is not there for every card. So
each kernel is tried once a process, beside its twin in torch, on a small problem.
"""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable
from typing import Any

import torch

__all__ = ["kernel_for"]

Trial = Callable[[Callable[..., Any], torch.device], str]
"""Takes a kernel and a device; returns what it does wrong, or nothing."""


@functools.cache
def kernel_for(module: str, name: str, device: torch.device, trial: Trial) -> Callable[..., Any] | None:
    """Return a kernel for ``device``, or ``None`` for torch to do it.

    Parameters
    ----------
    module, name : str
        Where it is; the module imports Triton, and so may not be there.
    device : torch.device
    trial : callable
        How it is tried.

    Warns
    -----
    UserWarning
        Once, if Triton is there but the kernel failed.
    """
    if device.type != "cuda":
        return None
    try:
        kernel: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except ImportError:
        return None
    try:
        fault = trial(kernel, device)
    except Exception as error:  # whatever stops Triton, torch can do it
        fault = f"{type(error).__name__}: {error}".splitlines()[0]
    if not fault:
        return kernel
    warnings.warn(f"Triton's {name} is done by torch, several times slower ({fault})", stacklevel=3)
    return None
