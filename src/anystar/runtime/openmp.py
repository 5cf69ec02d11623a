"""How the threads of PyTorch wait for each other in processes of our own.

GNU's OpenMP lets waiting threads spin. Beside any other busy process the thread that others wait for then
loses its core to those that only wait. Two threads on two cores then take longer than one.
"""

from __future__ import annotations

import os

__all__ = ["WAIT_POLICY", "wait_passively"]

WAIT_POLICY = {"OMP_WAIT_POLICY": "PASSIVE"}
"""What the environment of a process must have before PyTorch is loaded; only GNU's OpenMP heeds it."""


def wait_passively() -> None:
    """Let waiting threads sleep in this process and in those that it starts, unless the user chose otherwise.

    Only for processes of our own, a command or its workers, before PyTorch is imported.
    """
    for name, value in WAIT_POLICY.items():
        os.environ.setdefault(name, value)
