"""Random crops of annotated volumes as training batches, keyed by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anystar.rng import stream
from anystar.synth.augment.base import run
from anystar.synth.connected_components import clean_labels
from anystar.synth.fields import lattice, sample
from anystar.synth.recipe import stages
from anystar.synth.streams import Streams
from anystar.train.labelled import LabelledConfig, LabelledVolume
from anystar.train.synthetic_batches import Batches, Samples

__all__ = ["CropBatches", "sample_labels"]

_DEBRIS = 20
"""Pieces of fewer voxels teach nothing."""


class CropBatches(Batches):
    """Crops of annotated volumes, each as likely as any other; a crop is a pure function of seed and index.

    ``vary`` says whether crops are turned, scaled and changed in intensity, which is not for validation;
    ``common`` is for :class:`anystar.train.synthetic_batches.Batches`.
    """

    def __init__(
        self, volumes: Sequence[LabelledVolume], config: LabelledConfig, *, vary: bool = True, **common: Any
    ) -> None:
        super().__init__(**common)
        self.volumes, self.config, self.vary = tuple(volumes), config, vary

    def samples(self, step: int) -> Samples:
        """Take the crops of a step."""
        indices = self.indices(step)
        images, labels, known = zip(*map(self.crop, indices), strict=True)
        return Samples(torch.stack(images), torch.stack(labels), indices, torch.stack(known))

    def crop(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return crop ``index``: image ``(1, Z, Y, X)``, labels (int32) and where these are known (bool)."""
        rng = stream(self.seed, index, "crop")
        volume = self.volumes[int(rng.integers(len(self.volumes)))]
        coords = self._coords(volume, rng)
        image = sample(volume.image[None, None], coords[None])
        read = sample_labels(volume.labels, coords)
        cleaned = torch.from_numpy(clean_labels(read.clamp_min(0).numpy(), min_voxels=_DEBRIS))
        if self.vary:
            image, _ = run(stages(self.config.augment), image, Streams(self.seed, [index]))
        # Of an object in pieces only the largest is one; what the others are is not known.
        return image[0].clamp(0, 1), cleaned, (read == 0) | (cleaned > 0)

    def _coords(self, volume: LabelledVolume, rng: np.random.Generator) -> Tensor:
        """Return where in the volume the voxels of a crop lie, ``(Z, Y, X, 3)``."""
        size, step = np.array(self.shape), np.array(volume.step)
        turn, scale = _placement(rng, self.config) if self.vary else (np.eye(3), 1.0)
        step = step * scale
        extent = size / step  # of a crop that is not turned, in voxels of the volume
        num = np.array(volume.image.shape)
        if len(volume.centres) and rng.random() < self.config.near_objects:
            middle = volume.centres[int(rng.integers(len(volume.centres)))]
            middle = middle + rng.uniform(-0.35, 0.35, 3) * extent
        else:
            middle = rng.uniform(0, 1, 3) * (num - 1)
        low = np.minimum(extent / 2, num / 2) - 0.5
        middle = np.clip(middle, low, num - 1 - low)
        offsets = lattice(self.shape, "cpu").double() - torch.from_numpy((size - 1) / 2)
        matrix = torch.from_numpy(turn.T / step)  # row vectors: offset @ turn.T, then by the voxel's length
        return (offsets @ matrix + torch.from_numpy(middle)).float()


def _placement(rng: np.random.Generator, config: LabelledConfig) -> tuple[np.ndarray, float]:
    """Draw a turn (an orthogonal matrix, mirrors included) and a scale."""
    low, high = np.log(config.scale)
    scale = float(np.exp(rng.uniform(low, high)))
    swapped = np.eye(3)[rng.permutation(3)] * rng.choice([-1.0, 1.0], 3)[:, None]
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    anyhow = q * np.sign(np.diag(r))  # uniform over all turns
    return (swapped @ anyhow if rng.random() < config.turn else swapped), scale


def sample_labels(labels_ZYX: Tensor, coords: Tensor) -> Tensor:
    """Return the label at each of ``coords``: of the eight voxels around, the one with the most weight.

    That is linear interpolation of each object's indicator, so that coarse slices do not leave stairs. Labels
    are int32 ``(I, J, K)``, ``coords`` ``(Z, Y, X, 3)`` in voxels; outside of the volume it is -1 (unknown).
    """
    num = torch.tensor(labels_ZYX.shape)
    outside = ((coords < -0.5) | (coords > num - 0.5)).any(-1)
    inside = coords.clamp_min(0).minimum((num - 1).to(coords.dtype))
    base = inside.floor().long().minimum((num - 2).clamp_min(0))
    share = inside - base
    near, weights = [], []
    for corner in range(8):
        bits = torch.tensor([corner >> 2 & 1, corner >> 1 & 1, corner & 1])
        z, y, x = (base + bits).minimum(num - 1).unbind(-1)
        near.append(labels_ZYX[z, y, x])
        weights.append(torch.where(bits.bool(), share, 1 - share).prod(-1))
    best, most = near[0], torch.zeros_like(weights[0])
    for one in near:
        votes = torch.zeros_like(most)
        for other, weight in zip(near, weights, strict=True):
            votes += torch.where(other == one, weight, 0.0)
        best, most = torch.where(votes > most, one, best), torch.maximum(most, votes)
    return torch.where(outside, -1, best)
