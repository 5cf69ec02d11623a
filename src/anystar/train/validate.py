"""How well the averaged weights do on volumes that are not learnt from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import torch
from torch import Tensor

from anystar.geometry.rays import golden_spiral
from anystar.nn.losses import star_loss
from anystar.nn.model import StarNet, to_device
from anystar.train.config import TrainConfig
from anystar.train.crops import CropBatches
from anystar.train.labelled import LabelledVolumes

__all__ = ["Validation"]

_CROPS = 8
"""Crops a volume, at most 64 in all."""


class Validation:
    """Fixed crops, neither turned nor changed, and a network to put weights into."""

    def __init__(self, config: TrainConfig, labelled: LabelledVolumes, device: torch.device) -> None:
        assert config.labelled is not None
        self.config, self.device = config, device
        self.network = to_device(StarNet(config.network), device).eval()
        crops = CropBatches(
            labelled.validation,
            dataclasses.replace(config.labelled, near_objects=0.9),
            seed=0,
            batch_size=1,
            shape=config.patch,
            rays=golden_spiral(config.network.num_rays),
            grid=config.network.grid,
            max_points=config.max_points or None,
            vary=False,
        )
        self.batches = [crops[k] for k in range(min(64, _CROPS * len(labelled.validation)))]

    @torch.inference_mode()
    def loss(self, weights: Mapping[str, Tensor]) -> float | None:
        """Return the mean loss over the crops; none without validation volumes."""
        if not self.batches:
            return None
        self.network.load_state_dict(weights, strict=False)
        total = 0.0
        for batch in self.batches:
            image = batch.image.to(self.device, memory_format=torch.channels_last_3d)
            targets = batch.targets.to(self.device)
            prediction = self.network(image, points_P4=targets.taught_N4())
            total += float(star_loss(prediction, targets, self.config.loss).total)
        return total / len(self.batches)
