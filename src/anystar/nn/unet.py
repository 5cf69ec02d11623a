"""The backbone: a 3D U-Net with two Conv-BN-ReLU a level (paper, "Implementation details").

MONAI's ``BasicUNet`` has this shape, but no output grid, other defaults (instance normalisation, leaky ReLU,
dropout) and three seconds of imports; sixty lines of our own cost less than working around that.
"""

from __future__ import annotations

import itertools

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["UNet", "conv_block"]


def conv_block(channels_in: int, channels_out: int, *, stride: int = 1) -> nn.Sequential:
    """Return a 3x3x3 convolution, batch normalisation and ReLU."""
    return nn.Sequential(
        nn.Conv3d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm3d(channels_out),
        nn.ReLU(inplace=True),
    )


class UNet(nn.Module):
    """U-Net that keeps the channels of its first level.

    Parameters
    ----------
    channels : tuple of int
        Channels of each resolution, finest first; each level halves the resolution.
    channels_in : int
        Channels of the input.
    grid : int
        1 works at the input's resolution; 2 halves it in the first convolution (StarDist's ``grid``), at an
        eighth of the cost.
    """

    def __init__(self, channels: tuple[int, ...], *, channels_in: int = 1, grid: int = 1) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            conv_block(channels_in, channels[0], stride=grid), conv_block(channels[0], channels[0])
        )
        # The last block before each upsampling already has the channels of the level above, as in CSBDeep.
        pairs = list(itertools.pairwise(channels))
        self.down = nn.ModuleList(
            nn.Sequential(
                nn.MaxPool3d(2), conv_block(fine, coarse), conv_block(coarse, fine if last else coarse)
            )
            for last, (fine, coarse) in ((i == len(pairs) - 1, pair) for i, pair in enumerate(pairs))
        )
        above = [channels[0], *channels[:-2]]
        self.up = nn.ModuleList(
            nn.Sequential(conv_block(2 * fine, fine), conv_block(fine, finer))
            for fine, finer in zip(reversed(channels[:-1]), reversed(above), strict=True)
        )

    def forward(self, image: Float[Tensor, "B C Z Y X"]) -> Float[Tensor, "B D Zg Yg Xg"]:
        """Return features on the grid; every axis must be a multiple of ``grid * 2 ** (levels - 1)``."""
        x = self.stem(image)
        skips = []
        for level in self.down:
            skips.append(x)
            x = level(x)
        for level, skip in zip(self.up, reversed(skips), strict=True):
            x = nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = level(torch.cat([x, skip], dim=1))
        return x
