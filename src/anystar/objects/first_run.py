"""Compile what every segmentation needs: ``python -m anystar.objects.first_run PART``.

Each part does a little of the work of :class:`anystar.predict.instances.InstanceStages`, with arrays of the
same types, on two small balls. So Numba compiles the kernels and keeps the code.
"""

from __future__ import annotations

import sys

import numpy as np

from anystar.geometry.nms import suppress
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.rays import golden_spiral
from anystar.geometry.voting import precedence, vote
from anystar.objects.intensity import brightness_columns
from anystar.objects.objects import locate_objects

__all__ = ["PARTS"]


def _balls() -> Polyhedra:
    points, distances = np.array([[4, 4, 4], [5, 5, 5]], np.float32), np.full((2, 32), 3, np.float32)
    return Polyhedra(points, distances, golden_spiral(32), np.array([0.9, 0.8], np.float32))


def _suppress() -> None:
    balls = _balls()
    suppress(balls, threshold=0.3)
    suppress(balls.with_prob(precedence(balls)), threshold=0.3)


def _draw() -> None:
    voted = vote(_balls(), np.array([0, 1]))
    drawn = rasterise(voted.on_voxels((1.0, 1.0, 1.0)), (9, 9, 9))
    locate_objects(drawn, len(voted))


def _measure() -> None:
    labels = np.ones((2, 2, 2), np.int32)
    image, box = labels.astype(np.float32), np.array([[[0, 0, 0], [2, 2, 2]]])
    brightness_columns(labels, image, np.array([1]), box, spacing=(1.0, 1.0, 1.0))


PARTS = {"suppress": _suppress, "draw": _draw, "measure": _measure}
"""What is compiled, by name."""

if __name__ == "__main__":
    PARTS[sys.argv[1]]()
