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
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    start: tuple[int, int, int] = (0, 0, 0),
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
    spacing : tuple of 3 floats
        Size of a voxel of the result (ZYX) in the unit of the distances: bodies found in a resampled volume
        are drawn straight into the original, anisotropic voxels.
    start : tuple of 3 ints
        First voxel (ZYX) of the part to be drawn, exactly as it would be drawn in the whole.
    device : torch.device, optional
        A graphics card that does the work. Any other device means the CPU.

    Returns
    -------
    numpy.ndarray
        Shape ``shape``, int32: ``i + 1`` in polyhedron ``i``, 0 where there is none.

    Raises
    ------
    ValueError
        If the shape, the spacing or the start is wrong.

    Examples
    --------
    >>> from anystar.geometry.rays import golden_spiral
    >>> ball = Polyhedra(np.array([[5, 5, 5]]), np.full((1, 32), 3.0), golden_spiral(32))
    >>> rasterise(ball, (11, 11, 11))[5, 5]
    array([0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0], dtype=int32)
    """
    whole, first = _three_integers("shape", shape), _three_integers("start", start)
    if min(whole) < 0:
        raise ValueError(f"shape must be at least 0 along every axis, got {shape}")
    size = check_spacing(spacing)
    if device is not None and device.type == "cuda":
        # Torch takes a second to import, and the CPU does not need it.
        from anystar.geometry.rasterise import torch as on_device

        return on_device.rasterise(polyhedra, whole, size, first, device)
    return numba.rasterise(polyhedra, whole, size, first)


def _three_integers(name: str, values: tuple[int, ...]) -> tuple[int, int, int]:
    if len(values) != 3 or any(int(v) != v for v in values):
        raise ValueError(f"{name} must be three integers (Z Y X), got {values}")
    return int(values[0]), int(values[1]), int(values[2])
