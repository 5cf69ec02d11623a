"""Greedy non-maximum suppression (NMS) of star-convex polyhedra.

Candidates are taken by descending probability. One is dropped if it overlaps a kept one by more than the
threshold; *overlap* is the volume of the intersection over the volume of the smaller polyhedron (StarDist's
measure: a small one inside a large one overlaps it wholly). :mod:`.numba` says how.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anystar.geometry.nms import numba
from anystar.geometry.nms.numba import DROPPED, KEPT, UNDECIDED
from anystar.geometry.polyhedra import Polyhedra

if TYPE_CHECKING:
    import torch

__all__ = ["DROPPED", "KEPT", "UNDECIDED", "suppress", "suppress_partly"]


def suppress(
    polyhedra: Polyhedra,
    *,
    threshold: float = 0.3,
    num_threads: int | None = None,
    device: torch.device | None = None,
) -> np.ndarray:
    """Return which of the candidates are kept: the most probable of those that overlap.

    The result does not depend on the order of the input, the number of threads, or the device.

    Parameters
    ----------
    polyhedra : Polyhedra
        N candidates with probabilities. Ties go to the smaller Z, then Y, then X.
    threshold : float
        Largest overlap, 0 to 1, that two kept polyhedra may have. At 1 all are kept.
    num_threads : int, optional
        Maximum number of threads on the CPU; all cores by default.
    device : torch.device, optional
        A graphics card that does the work. Any other device means the CPU.

    Returns
    -------
    numpy.ndarray
        Indices into ``polyhedra``, int64, by descending probability, then by position.

    Raises
    ------
    ValueError
        If there are no probabilities, or the threshold is out of range.

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> points, prob = np.array([[0, 0, 0], [0, 0, 2], [0, 0, 30]]), np.array([0.7, 0.9, 0.8])
    >>> suppress(Polyhedra(points, np.full((3, 32), 5.0), golden_spiral(32), prob))
    array([1, 2])
    """
    _check_threshold(threshold)
    if device is not None and device.type == "cuda":
        # Torch takes a second to import, and the CPU does not need it.
        from anystar.geometry.nms import torch as on_device

        return on_device.suppress(polyhedra, threshold, device)
    return numba.suppress(polyhedra, threshold, num_threads)


def suppress_partly(
    polyhedra: Polyhedra, status: np.ndarray, complete: np.ndarray, *, threshold: float = 0.3
) -> np.ndarray:
    """Decide those candidates of a part of a volume that can be decided without the rest.

    The decisions are those of :func:`suppress` for the whole volume. A candidate is dropped as soon as a more
    probable one that it overlaps is known to be kept. It is kept once all that could overlap it is known and
    everything more probable that does is dropped. Otherwise it stays undecided, until more is known of its
    neighbours. The most probable undecided candidate of a volume can always be decided by a part that holds
    its neighbourhood, so that repeating this part by part comes to an end.

    Parameters
    ----------
    polyhedra : Polyhedra
        N candidates with probabilities, in coordinates of the whole volume.
    status : numpy.ndarray
        ``UNDECIDED`` or ``KEPT`` (known from before), shape ``(N,)``, uint8. Leave dropped ones out.
    complete : numpy.ndarray
        Whether every candidate of the volume that could overlap it and has not been dropped is among the N,
        shape ``(N,)``, bool.
    threshold : float
        Largest overlap, 0 to 1, that two kept polyhedra may have.

    Returns
    -------
    numpy.ndarray
        ``UNDECIDED``, ``KEPT`` or ``DROPPED``, shape ``(N,)``, uint8.

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> points, prob = np.array([[0, 0, 0], [0, 0, 2], [0, 0, 9]]), np.array([0.9, 0.8, 0.7])
    >>> candidates = Polyhedra(points, np.full((3, 32), 5.0), golden_spiral(32), prob)
    >>> suppress_partly(candidates, np.zeros(3, np.uint8), np.array([True, True, False]))
    array([1, 2, 0], dtype=uint8)
    """
    _check_threshold(threshold)
    status, complete = np.array(status, np.uint8), np.asarray(complete, np.bool_)
    return numba.suppress_partly(polyhedra, status, complete, threshold)


def _check_threshold(threshold: float) -> None:
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be from 0 to 1, got {threshold}")
