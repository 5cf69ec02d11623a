"""Which of the kernels for graphics cards are used: those that Triton compiles here and that are correct.

Triton needs a compiler for C when it runs, which not every machine has, and does not support every card. So
each kernel is compared once per process with its twin in torch on a small problem.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch

__all__ = ["kernel_for", "load_triton"]

Trial = Callable[[Callable[..., Any], torch.device], str]
"""Takes a kernel and a device; returns what is wrong, or an empty string."""


def load_triton() -> None:
    """Import Triton, if it is installed, so that it calls its own LLVM and not another one of this process.

    Triton exports the symbols of its LLVM. Where a window has loaded Mesa's (software rendering, some cards),
    the calls of one end in the other, and the process crashes. Optimisers of torch import Triton.
    """
    if not hasattr(os, "RTLD_DEEPBIND"):  # other systems keep the symbols of libraries apart
        return
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags | os.RTLD_DEEPBIND)
    try:
        with suppress(ImportError):  # whoever needs it says so
            importlib.import_module("triton")
    finally:
        sys.setdlopenflags(flags)


@functools.cache
def kernel_for(module: str, name: str, device: torch.device, trial: Trial) -> Callable[..., Any] | None:
    """Return a kernel for ``device``, or ``None`` if torch is to be used.

    Parameters
    ----------
    module, name : str
        Module and name of the kernel; the module imports Triton, which may not be installed.
    device : torch.device
    trial : callable
        Compares the kernel with torch.

    Warns
    -----
    UserWarning
        Once, if Triton is installed but the kernel failed.
    """
    if device.type != "cuda":
        return None
    load_triton()
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
