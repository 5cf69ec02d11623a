"""Star-convex polyhedra to voxels.

A voxel belongs to a body if its centre does (:mod:`anystar.geometry.body.numba` says what the body is). Where
bodies overlap, the more probable one wins the voxel, and of equally probable ones the earlier. Bodies are
clipped at the volume's border; their centres may lie outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anystar.arrays import check_spacing
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import numba

if TYPE_CHECKING:
    import torch

__all__ = ["rasterise"]


def rasterise(
    polyhedra: Polyhedra,
    shape: tuple[int, int, int],
    *,
    labels: np.ndarray | None = None,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    start: tuple[int, int, int] = (0, 0, 0),
    num_threads: int | None = None,
    device: torch.device | None = None,
) -> np.ndarray:
    """Draw polyhedra into a label volume, or into a part of it.

    Parameters
    ----------
    polyhedra : Polyhedra
        N bodies with centres in voxels of the result. Where they overlap, the highest probability wins;
        without probabilities, or if they are equal, the first.
    shape : tuple of 3 ints
        Shape ``(Z, Y, X)`` of the result.
    labels : numpy.ndarray, optional
        Label of each polyhedron, shape ``(N,)``, 1 to 2^31 - 1; by default 1 to N.
    spacing : tuple of 3 floats
        Size of a voxel of the result (ZYX) in the unit of the distances: bodies found in a resampled volume
        are drawn straight into the original, anisotropic voxels.
    start : tuple of 3 ints
        First voxel (ZYX) of the part to be drawn, exactly as it would be drawn in the whole.
    num_threads : int, optional
        Maximum number of threads on the CPU; all cores by default.
    device : torch.device, optional
        A graphics card that does the work. Any other device means the CPU.

    Returns
    -------
    numpy.ndarray
        Shape ``shape``, int32; 0 where there is no body.

    Raises
    ------
    ValueError
        If the shape, the labels, the spacing or the start is wrong.

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> ball = Polyhedra(np.array([[5, 5, 5]]), np.full((1, 32), 3.0), golden_spiral(32))
    >>> rasterise(ball, (11, 11, 11))[5, 5]
    array([0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0], dtype=int32)
    """
    names = _check_labels(labels, len(polyhedra))
    whole, first = _three_integers("shape", shape), _three_integers("start", start)
    if min(whole) < 0:
        raise ValueError(f"shape must be at least 0 along every axis, got {shape}")
    size = check_spacing(spacing)
    if device is not None and device.type == "cuda":
        # Torch takes a second to import, and the CPU does not need it.
        from anystar.geometry.rasterise import torch as on_device

        return on_device.rasterise(polyhedra, whole, names, size, first, device)
    return numba.rasterise(polyhedra, whole, names, size, first, num_threads)


def _check_labels(labels: np.ndarray | None, num: int) -> np.ndarray:
    names = np.arange(1, num + 1) if labels is None else np.asarray(labels)
    if names.shape != (num,) or names.dtype.kind not in "iu":
        raise ValueError(f"labels must be integers of shape ({num},), got {names.dtype} {names.shape}")
    if num and (names.min() < 1 or names.max() > np.iinfo(np.int32).max):
        raise ValueError(f"labels must be 1 to 2^31 - 1, got {names.min()} to {names.max()}")
    return names.astype(np.int32)


def _three_integers(name: str, values: tuple[int, ...]) -> tuple[int, int, int]:
    if len(values) != 3 or any(int(v) != v for v in values):
        raise ValueError(f"{name} must be three integers (Z Y X), got {values}")
    return int(values[0]), int(values[1]), int(values[2])
