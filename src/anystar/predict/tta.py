"""Test-time augmentation: predictions averaged over mirror images of a volume."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from anystar.box import triple
from anystar.geometry.rays import Rays, golden_spiral
from anystar.nn.model import Prediction, StarNet
from anystar.preprocess.arrays import Box

__all__ = ["FLIPS", "mirrored_rays", "predict_averaged"]

FLIPS = ((), (0, 1), (0, 2), (1, 2))
"""Axes that are reversed in each mirror image: none, and the three half turns."""


def predict_averaged(
    network: StarNet, image: Tensor, flips: tuple[tuple[int, ...], ...], part: Box
) -> Prediction:
    """Return logits of the mean probability over mirror images, and geometric means of the distances.

    The network is in evaluation mode. Sides of images ``(B, 1, Z, Y, X)`` are multiples of its divisor.
    ``flips`` are the axes (0, 1, 2) that each mirror image has reversed, ``part`` is a part of the grid.
    """
    config = network.config
    rays, shape = golden_spiral(config.num_rays), [num // config.grid for num in image.shape[2:]]
    total: Tensor | None = None
    logs: Tensor | None = None
    for axes in flips:
        logits, distances, _ = network(_flip(image, axes, config.divisor), _mirror(part, axes, shape))
        prob = _back(logits.float().sigmoid(), axes)
        total = prob if total is None else total.add_(prob)
        log = _back(_log_along(distances, rays, axes), axes)
        del distances  # they are large, and so is each step's result
        logs = log if logs is None else logs.add_(log)
        del log
    assert total is not None
    assert logs is not None
    return Prediction((total / len(flips)).logit(1e-6), logs.div_(len(flips)).exp_())


def _flip(image: Tensor, axes: tuple[int, ...], divisor: int) -> Tensor:
    """Reverse axes and pad each, by one voxel at its start and by the rest of a divisor at its end.

    So grid points fall on grid points, and no voxel is lost at either end.
    """
    for axis in axes:
        pad = [0] * 6
        pad[2 * (2 - axis)], pad[2 * (2 - axis) + 1] = 1, divisor - 1
        image = torch.nn.functional.pad(image.flip(2 + axis), pad, mode="replicate")
    return image.contiguous(memory_format=torch.channels_last_3d)


def _mirror(part: Box, axes: tuple[int, ...], shape: list[int]) -> Box:
    """Return where a part of a grid of ``shape`` lies in the grid of a mirror image."""
    return triple(
        slice(num - s.stop + 1, num - s.start + 1) if axis in axes else s
        for axis, (s, num) in enumerate(zip(part, shape, strict=True))
    )


def _back(mirrored: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return values at the grid points of a mirror image in the order of the volume's grid points."""
    return mirrored.flip([2 + axis for axis in axes])


def _log_along(distances: Tensor, rays: Rays, axes: tuple[int, ...]) -> Tensor:
    """Return the logarithms of the distances along the rays from those along their mirror images."""
    log = distances.float().clamp_min(1e-3).log_()
    if not axes:
        return log
    matrix = torch.from_numpy(mirrored_rays(rays, axes)).to(log.device)
    return torch.einsum("rk,bkzyx->brzyx", matrix, log)


@lru_cache(maxsize=32)
def mirrored_rays(rays: Rays, axes: tuple[int, ...]) -> np.ndarray:
    """Return the weights of the three rays around each ray's mirror image along axes, ``(R, R)`` float32.

    Examples
    --------
    >>> matrix = mirrored_rays(golden_spiral(96), (0, 2))
    >>> bool(np.allclose(matrix.sum(1), 1)), bool(matrix.min() >= 0)
    (True, True)
    """
    mirror = np.ones(3)
    mirror[list(axes)] = -1
    directions = rays.vertices.astype(np.float64) * mirror
    corners = rays.vertices[rays.faces].astype(np.float64)
    mixture = np.einsum("fkc,nc->nfk", np.linalg.inv(corners.transpose(0, 2, 1)), directions)
    face = mixture.min(axis=2).argmax(axis=1)
    rows = np.arange(len(directions))
    weights = mixture[rows, face].clip(0)
    matrix = np.zeros((len(directions),) * 2, np.float32)
    matrix[rows[:, None], rays.faces[face]] = weights / weights.sum(1, keepdims=True)
    return matrix
