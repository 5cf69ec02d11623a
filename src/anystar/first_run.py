"""Compile what every segmentation needs: ``python -m anystar.first_run PART ...``.

Each part does a little of the work of :class:`anystar.predict.instances.InstanceStages`, with arrays of the
same types, on two small balls. So Numba compiles the kernels and keeps the code. A part imports only what it
needs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from anystar.geometry.polyhedra import Polyhedra

__all__ = ["PARTS"]


def _balls() -> Polyhedra:
    from anystar.geometry.polyhedra import Polyhedra
    from anystar.geometry.rays import golden_spiral

    points, distances = np.array([[4, 4, 4], [5, 5, 5]], np.float32), np.full((2, 32), 3, np.float32)
    return Polyhedra(points, distances, golden_spiral(32), np.array([0.9, 0.8], np.float32))


def _draw() -> None:
    from anystar.geometry.rasterise import rasterise
    from anystar.geometry.voting import vote

    rasterise(vote(_balls(), np.array([0, 1])).on_voxels((1.0, 1.0, 1.0)), (9, 9, 9))


def _suppress() -> None:
    from anystar.geometry.nms import suppress

    suppress(_balls(), threshold=0.3)


def _measure() -> None:
    from anystar.objects.intensity import brightness_columns
    from anystar.objects.objects import locate_objects

    labels = np.ones((2, 2, 2), np.int32)
    image, box = labels.astype(np.float32), np.array([[[0, 0, 0], [2, 2, 2]]])
    locate_objects(labels, 1)
    brightness_columns(labels, image, np.array([1]), box, spacing=(1.0, 1.0, 1.0))


PARTS = {"draw": _draw, "suppress": _suppress, "measure": _measure}
"""What is compiled, by name. The first and the last together take about as long as the second."""

if __name__ == "__main__":
    for part in sys.argv[1:]:
        PARTS[part]()
