"""Kernels that Numba compiles on first use, and where it keeps them.

The compiled code goes to ``NUMBA_CACHE_DIR`` if that is set, otherwise to the user's cache folder. The
subfolder is named after the source of every file with a kernel: Numba itself does not notice that a function
or a constant in another file has changed. Constants that kernels use must therefore be defined in such a
file. A package folder that cannot be written is no obstacle. If nothing can be written, the kernels are
compiled anew in every process.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core import event

from anystar.runtime.user_folders import cache_folder

__all__ = ["announced", "kernel", "kernel_files", "kernel_folder"]

_DECORATOR = re.compile(rb"^@kernel\(", re.MULTILINE)


def kernel(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that compiles a function when it is first called and keeps the code for later runs.

    The function runs without the interpreter's lock, and has no wrapper for C, which nobody calls and which
    takes time to compile. Use it as ``@kernel(...)``, see :func:`kernel_files`.

    Parameters
    ----------
    **options
        Options of :func:`numba.njit`.
    """
    options = {"nogil": True, "no_cfunc_wrapper": True, **options}

    def decorate(function: Callable[..., Any]) -> Any:
        config: Any = numba.config
        before = config.CACHE_DIR
        config.CACHE_DIR = before or str(kernel_folder())
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError as error:
            if "no locator available" not in str(error):
                raise
            return numba.njit(**options)(function)
        finally:
            config.CACHE_DIR = before

    return decorate


@cache
def kernel_folder() -> Path:
    """Return the folder for compiled kernels where ``NUMBA_CACHE_DIR`` is not set; it need not exist."""
    digest = hashlib.sha256()
    for path in (Path(__file__), *kernel_files(Path(__file__).parents[1])):
        digest.update(path.read_bytes())
    return cache_folder() / f"kernels-{digest.hexdigest()[:16]}"


def kernel_files(package: Path) -> list[Path]:
    """Return the source files below ``package`` that use the decorator :func:`kernel`, sorted."""
    return [path for path in sorted(package.rglob("*.py")) if _DECORATOR.search(path.read_bytes())]


class _Announcer(event.Listener):
    def __init__(self, announce: Callable[[], object]) -> None:
        self.announce, self.done = announce, False

    def on_start(self, event: event.Event) -> None:
        if not self.done:
            self.done = True
            self.announce()

    def on_end(self, event: event.Event) -> None:
        pass


@contextmanager
def announced(announce: Callable[[], object]) -> Iterator[None]:
    """Call ``announce`` once, right before a kernel is compiled inside the block, if any is.

    Examples
    --------
    >>> with announced(lambda: print("compiling, first run only")):
    ...     pass  # nothing to compile
    """
    with event.install_listener("numba:compile", _Announcer(announce)):
        yield
