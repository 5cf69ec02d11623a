"""Greedy non-maximum suppression (NMS) of star-convex polyhedra.

Candidates are taken by descending probability. One is dropped if it overlaps a kept one by more than the
threshold; *overlap* is the volume of the intersection over the volume of the smaller polyhedron (StarDist's
measure: a small one inside a large one overlaps it wholly). :mod:`.numba` says how.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anystar.geometry.nms import numba
from anystar.geometry.nms.numba import DROPPED, KEPT, UNDECIDED, suppress_partly
from anystar.geometry.polyhedra import Polyhedra

if TYPE_CHECKING:
    import torch

__all__ = ["DROPPED", "KEPT", "UNDECIDED", "suppress", "suppress_partly"]


def suppress(
    polyhedra: Polyhedra,
    *,
    threshold: float = 0.3,
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
    numba.check_threshold(threshold)
    if device is not None and device.type == "cuda":
        # Torch takes a second to import, and the CPU does not need it.
        from anystar.geometry.nms import torch as on_device

        return on_device.suppress(polyhedra, threshold, device)
    return numba.suppress(polyhedra, threshold)
