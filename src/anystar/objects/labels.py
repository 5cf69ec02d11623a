"""Label images from anywhere: whole numbers of any type, with gaps, to what the kernels take."""

from __future__ import annotations

import numpy as np

from anystar.errors import InputError

__all__ = ["as_labels", "number_consecutively", "resembles_image"]

_DENSE = 1 << 24
"""Largest label for which a look-up table is always worth its memory."""
_LOOKED_AT = 1 << 24
"""Voxels that are compared to see whether a volume holds labels."""
_MOSTLY, _FEWEST = 0.6, 100
"""Share and number of differing pairs from which a volume is an image."""
_ADVICE = "give a label image (0 background, one number per object)"


def as_labels(data: np.ndarray, *, ignore_label: int | None = None) -> np.ndarray:
    """Return ``data`` as integers; floats that hold whole numbers (as some NIfTI writers store them) too.

    Parameters
    ----------
    data : numpy.ndarray
        Of any type and shape.
    ignore_label : int, optional
        A negative label that is allowed, of voxels about which nothing is known.

    Raises
    ------
    InputError
        If a value is negative or not whole.

    Examples
    --------
    >>> as_labels(np.array([0.0, 2.0])).dtype
    dtype('int64')
    """
    data = np.asarray(data)
    if data.dtype.kind == "f":
        if not np.isfinite(data).all():
            raise InputError(
                "has NaN or infinite values; replace them by 0, the background (numpy.nan_to_num)"
            )
        if (data != np.round(data)).any():
            raise InputError(f"has fractional values; {_ADVICE}")
        if data.size and max(-float(data.min()), float(data.max())) > 2.0**53:
            raise InputError(f"has labels above 2^53, which a float cannot represent exactly; {_ADVICE}")
        data = data.astype(np.int64)
    if data.dtype.kind == "b":
        data = data.astype(np.uint8)
    if data.dtype.kind not in "ui":
        raise InputError(f"holds {data.dtype} values; give a label image of integers")
    if data.dtype.kind == "i" and data.size and int(data.min()) < 0:
        bad = data[data < 0]
        bad = bad if ignore_label is None else bad[bad != ignore_label]
        if bad.size:
            raise InputError(f"has the negative label {bad[0]}; {_ADVICE}")
    return data


def number_consecutively(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels numbered 1 to N in ascending order (int32), and the label that each number had.

    Examples
    --------
    >>> compact, names = number_consecutively(np.array([0, 70_000, 5, 5]))
    >>> compact.tolist(), names.tolist()
    ([0, 2, 1, 1], [5, 70000])
    """
    top = int(labels.max(initial=0))
    if top <= max(_DENSE, labels.size):
        present = np.zeros(top + 1, bool)
        present[labels.reshape(-1)] = True
        present[0] = False
        names = np.flatnonzero(present)
        numbers = np.zeros(top + 1, np.int32)
        numbers[names] = np.arange(1, len(names) + 1)
        return numbers[labels], names
    found, inverse = np.unique(labels, return_inverse=True)
    if found[0] != 0:
        return (inverse.reshape(labels.shape) + 1).astype(np.int32), found
    return inverse.reshape(labels.shape).astype(np.int32), found[1:]


def resembles_image(labels: np.ndarray) -> bool:
    """Return whether the values are intensities rather than labels, so that two files may be swapped.

    Neighbours within an object have the same label. Along the last axis, most adjacent pairs of voxels that
    are both not 0 differ only in an image.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> resembles_image(rng.integers(0, 4000, (9, 9, 9))), resembles_image(np.repeat([[0, 1, 2]], 9, axis=1))
    (True, False)
    """
    if labels.shape[-1] < 2:
        return False
    every = max(1, round(labels.size / _LOOKED_AT))
    rows = labels.reshape(-1, labels.shape[-1])[::every]
    both = (rows[:, 1:] != 0) & (rows[:, :-1] != 0)
    differing = int((both & (rows[:, 1:] != rows[:, :-1])).sum())
    return differing > _MOSTLY * max(1, int(both.sum())) and differing >= _FEWEST
