"""The one form of label volume that the kernels take."""

from __future__ import annotations

import numpy as np

__all__ = ["check_labels"]


def check_labels(labels: np.ndarray) -> np.ndarray:
    """Return labels ``(Z, Y, X)``, any integers of 0 to 2^31 - 1, as contiguous int32.

    ``ValueError`` for anything else: nothing wraps.

    Examples
    --------
    >>> check_labels(np.full((1, 1, 2), 70_000, np.uint64))
    array([[[70000, 70000]]], dtype=int32)
    """
    if labels.ndim != 3:
        raise ValueError(f"labels must have three axes (Z, Y, X), got shape {labels.shape}")
    if labels.dtype.kind not in "iu":
        raise ValueError(f"labels must be integers, got {labels.dtype}")
    if labels.size and (labels.min() < 0 or labels.max() > np.iinfo(np.int32).max):
        raise ValueError(f"labels must be 0 to 2^31 - 1, got {labels.min()} to {labels.max()}")
    return np.ascontiguousarray(labels, np.int32)
