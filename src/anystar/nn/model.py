"""The network: backbone, a shared feature layer, and two heads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anystar.config import ConfigError
from anystar.nn.convolution import Conv3d
from anystar.nn.unet import UNet, cut
from anystar.preprocess.arrays import Box, around, within

__all__ = ["NetworkConfig", "Prediction", "StarNet", "to_device"]

_MOST_LEVELS = 8
_WIDEST = 4096
"""Most resolutions, and most channels or rays of a layer: beyond any network that a GPU can hold."""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Shape of the network. The defaults are the paper's: five resolutions, 16.6 M parameters."""

    channels: tuple[int, ...] = (32, 64, 128, 256, 512)
    """Channels of each resolution, finest first."""
    grid: int = 1
    """Voxels between predictions: 1 or 2."""
    num_rays: int = 96
    """Rays of the star-convex polyhedra."""
    head_channels: int = 128
    """Channels of the feature layer before the heads."""
    feature_kernel: Literal[1, 3] = 3
    """Side of the feature layer's convolution in grid points; 1 saves a fifth of the small network's work."""
    distances: Literal["linear", "exponential"] = "linear"
    """What the distance head says: distances (the paper's), or their logarithms, whose errors are relative:
    easier to learn when sizes differ many times."""

    def __post_init__(self) -> None:
        if self.grid not in (1, 2):
            raise ConfigError(f"grid must be 1 or 2, got {self.grid}")
        if not 2 <= len(self.channels) <= _MOST_LEVELS:
            raise ConfigError(f"channels must be 2 to {_MOST_LEVELS} numbers, got {len(self.channels)}")
        wide = [("channels", self.channels, 1), ("head_channels", (self.head_channels,), 1)]
        for name, values, low in (*wide, ("num_rays", (self.num_rays,), 5)):  # fewer enclose no body
            if not all(low <= value <= _WIDEST for value in values):
                raise ConfigError(f"{name} must be {low} to {_WIDEST}, got {', '.join(map(str, values))}")
        if self.feature_kernel not in (1, 3):
            raise ConfigError(f"feature_kernel must be 1 or 3, got {self.feature_kernel}")

    @property
    def divisor(self) -> int:
        """Every axis of an input must be a multiple of this."""
        return int(self.grid * 2 ** (len(self.channels) - 1))


class Prediction(NamedTuple):
    """What the network says about each grid point."""

    logits: Tensor
    """Object probability before the sigmoid, ``(B, 1, Zg, Yg, Xg)``."""
    distances: Tensor
    """Distance to the boundary along each ray in voxels of the input, ``(B, R, Zg, Yg, Xg)``; ``(P, R)`` at
    chosen points."""
    points_P4: Tensor | None = None
    """Batch row and ZYX grid index of the points that have distances; ``None`` if all have."""

    def at(self, points_P4: Tensor) -> Prediction:
        """Return the same with the distances at points (batch row and ZYX grid index) only."""
        return Prediction(self.logits, _at(self.distances, points_P4), points_P4)

    def above(self, floor: float) -> Prediction:
        """Return the same with the distances at points whose probability is at least ``floor`` only."""
        return self.at(_probable(self.logits, floor))


class StarNet(nn.Module):
    """U-Net with an object-probability head and a star-distance head (StarDist; Weigert et al. 2020)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = UNet(config.channels, grid=config.grid)
        kernel = config.feature_kernel
        self.features = nn.Sequential(
            Conv3d(config.channels[0], config.head_channels, kernel, padding=kernel // 2),
            nn.ReLU(inplace=True),
        )
        self.prob = Conv3d(config.head_channels, 1, 1)
        self.dist = Conv3d(config.head_channels, config.num_rays, 1)
        typical = 6.0 if config.distances == "linear" else math.log(6.0)
        # Objects are rare: start from their share, not from a half; and from a typical radius.
        for head, bias in ((self.prob, -2.0), (self.dist, typical)):
            assert head.bias is not None
            nn.init.constant_(head.bias, bias)

    def forward(
        self,
        image: Tensor,
        part: Box | None = None,
        *,
        points_P4: Tensor | None = None,
        floor: float | None = None,
    ) -> Prediction:
        """Return the predictions on the grid for images ``(B, 1, Z, Y, X)`` scaled to about [0, 1].

        With ``part``, the same predictions on a part of the grid only, without computing what it does not
        need. The distances at all points would take more time and memory than any other layer. So training
        gives the points that it needs, ``points_P4``, and prediction the lowest probability, ``floor``.
        """
        if part is None:
            features = self.features(self.backbone(image))
        else:
            shape = [num // self.config.grid for num in image.shape[2:]]
            outer = around(part, self.config.feature_kernel // 2, shape)
            features = cut(self.features(self.backbone(image, outer)), within(part, outer))
        logits = self.prob(features)
        if floor is not None:
            points_P4 = _probable(logits, floor)
        if points_P4 is None:
            distances = self.dist(features)
        else:
            distances = F.linear(_at(features, points_P4), self.dist.weight.flatten(1), self.dist.bias)
        if self.config.distances == "exponential":
            distances = distances.float().clamp(-2, 6).exp()
        return Prediction(logits, distances, points_P4)


def _probable(logits: Tensor, floor: float) -> Tensor:
    """Return the points whose probability is at least ``floor``: batch row and ZYX grid index, ``(P, 4)``."""
    return (logits[:, 0].float().sigmoid() >= floor).nonzero()


def _at(values: Tensor, points_P4: Tensor) -> Tensor:
    """Return ``(P, C)`` of ``(B, C, Z, Y, X)``."""
    row, z, y, x = points_P4.unbind(1)
    return values.movedim(1, -1)[row, z, y, x]


def to_device(network: StarNet, device: torch.device) -> StarNet:
    """Move a network to ``device``, channels last: the layout that 3D convolutions are fastest in."""
    return network.to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
