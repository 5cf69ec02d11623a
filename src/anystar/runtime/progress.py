"""A progress bar that follows the stages of one segmentation."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

__all__ = ["COMPILING", "Progress", "progress_bar", "starting"]

Progress = Callable[[int, int, str], None]
"""What work reports to: ``progress(done, total, stage)``; it raises ``Cancelled`` to stop the work."""

COMPILING = "compiling, first run only"
"""What a bar says while kernels are compiled."""


@contextlib.contextmanager
def starting(name: str) -> Iterator[None]:
    """Display on a terminal that libraries are loaded, as long as the block runs: PyTorch takes a second."""
    on_terminal = sys.stderr is not None and sys.stderr.isatty()
    line = f"{name}: starting"
    if on_terminal:
        print(line, end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if on_terminal:
            print(f"\r{' ' * len(line)}\r", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def progress_bar(name: str) -> Iterator[Progress]:
    """Give a function ``(done, total, what)`` that draws a bar, on a terminal or in a notebook."""
    from tqdm.auto import tqdm

    from anystar.runtime.compiled import announced

    with tqdm(total=0, desc=name, disable=None, leave=False, bar_format="{l_bar}{bar}| {elapsed}") as bar:

        def update(done: int, total: int, what: str) -> None:
            bar.total, bar.n = total, done
            bar.set_description_str(f"{name}: {what}", refresh=False)
            bar.refresh()

        with announced(lambda: update(0, 1, COMPILING)):
            yield update
