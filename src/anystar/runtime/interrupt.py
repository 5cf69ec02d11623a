"""Long work on the CPU that can be stopped midway.

Whoever waits for the work says what is to be checked; the work calls :func:`checkpoint` between its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["checked", "checkpoint", "is_checked"]

_CHECK: ContextVar[Callable[[], object] | None] = ContextVar("check", default=None)


@contextmanager
def checked(check: Callable[[], object]) -> Iterator[None]:
    """Call ``check`` at every checkpoint that this thread reaches inside the block; it stops by raising.

    Parameters
    ----------
    check : callable
        Takes nothing; raises :class:`anystar.errors.Cancelled` to stop.

    Examples
    --------
    >>> with checked(lambda: print("checked")):
    ...     checkpoint()
    checked
    >>> checkpoint()
    """
    token = _CHECK.set(check)
    try:
        yield
    finally:
        _CHECK.reset(token)


def checkpoint() -> None:
    """Stop here, by the error that the check raises, if the work is to be stopped."""
    check = _CHECK.get()
    if check is not None:
        check()


def is_checked() -> bool:
    """Return whether somebody may stop the work: then it is to be done in small parts."""
    return _CHECK.get() is not None
