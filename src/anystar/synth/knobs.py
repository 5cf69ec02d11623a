"""Checks that knobs make sense, when they are set and not when they are drawn."""

from __future__ import annotations

from typing import Any

from anystar.config import ConfigError, check_range

__all__ = ["check_probabilities", "check_ranges"]


def check_probabilities(config: Any, *names: str) -> None:
    """Raise :class:`ConfigError` unless each named field is within [0, 1].

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> check_probabilities(SimpleNamespace(rim=1.5), "rim")
    Traceback (most recent call last):
        ...
    anystar.errors.ConfigError: rim must be a probability within [0, 1], got 1.5
    """
    for name in names:
        if not 0 <= getattr(config, name) <= 1:
            raise ConfigError(f"{name} must be a probability within [0, 1], got {getattr(config, name)}")


def check_ranges(config: Any, low: float, high: float, *names: str) -> None:
    """Raise :class:`ConfigError` unless each named field is ``(a, b)`` with ``low <= a <= b <= high``."""
    for name in names:
        check_range(name, getattr(config, name), low, high)
