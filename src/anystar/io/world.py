"""Where a volume lies in the world, for the formats that can say so."""

from __future__ import annotations

import numpy as np

from anystar.arrays import Volume

__all__ = ["world_of"]


def world_of(volume: Volume) -> tuple[np.ndarray, bool]:
    """Return the affine from voxels (XYZ) to the world, and whether that is in millimetres.

    The world is RAS+ as NIfTI's: right, anterior, superior. A volume from a format without such a world
    begins at its origin, unless it is a part of one, and is not turned.

    Examples
    --------
    >>> affine, known = world_of(Volume(data=np.zeros((2, 3, 4)), spacing=(2.0, 0.5, 0.5)))
    >>> affine.diagonal().tolist(), known
    ([0.0005, 0.0005, 0.002, 1.0], True)
    """
    known = volume.unit == "um" and volume.spacing is not None
    if (world := volume.header.get("world")) is not None:
        return np.array(world, float), known
    z, y, x = volume.spacing or (1.0, 1.0, 1.0)
    scale = 1e-3 if known else 1.0
    affine = np.diag([x * scale, y * scale, z * scale, 1.0])
    affine[:3, 3] = affine.diagonal()[:3] * volume.header.get("first", (0.0, 0.0, 0.0))[::-1]
    return affine, known
