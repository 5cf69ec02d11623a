"""Seeds to independent, named random streams.

Sample ``i`` of seed ``s`` is a pure function of ``(s, i)``, whatever the batch size, worker or resume. Every
stage draws from a stream of its own, so that a new stage does not reshuffle the others.
"""

from __future__ import annotations

import zlib

import numpy as np

from anystar.errors import InputError

__all__ = ["stream", "stream_seed"]


def _sequence(seed: int, *path: int | str) -> np.random.SeedSequence:
    if seed < 0 or any(isinstance(p, int) and p < 0 for p in path):
        raise InputError(f"seed and indices must be at least 0, got {seed} and {path}")
    key = tuple(zlib.crc32(p.encode()) if isinstance(p, str) else int(p) for p in path)
    return np.random.SeedSequence(seed, spawn_key=key)


def stream(seed: int, *path: int | str) -> np.random.Generator:
    """Return the generator of one stream.

    Parameters
    ----------
    seed : int
        Non-negative seed of the whole run.
    *path : int or str
        What the stream is for: usually the sample index, then the stage's name.

    Examples
    --------
    >>> a, b = stream(0, 7, "labels"), stream(0, 7, "labels")
    >>> bool(a.random() == b.random())
    True
    >>> bool(a.random() == stream(0, 8, "labels").random())
    False
    """
    return np.random.default_rng(_sequence(seed, *path))


def stream_seed(seed: int, *path: int | str) -> int:
    """Return a 63-bit seed for a foreign generator (``torch.Generator``), independent per path."""
    return int(_sequence(seed, *path).generate_state(1, np.uint64)[0] >> 1)
