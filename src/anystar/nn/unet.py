"""The backbone: a 3D U-Net with two Conv-BN-ReLU a level (paper, "Implementation details").

MONAI's ``BasicUNet`` has this shape, but no output grid, other defaults (instance normalisation, leaky ReLU,
dropout) and three seconds of imports. Sixty lines of our own cost less than working around that.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from anystar.box import triple
from anystar.nn.convolution import Conv3d
from anystar.preprocess.arrays import Box, around, whole_box, within

__all__ = ["UNet", "conv_block", "cut"]


def conv_block(channels_in: int, channels_out: int, *, stride: int = 1) -> nn.Sequential:
    """Return a 3x3x3 convolution, batch normalisation and ReLU."""
    return nn.Sequential(
        Conv3d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False),
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

    def forward(self, image: Tensor, part: Box | None = None) -> Tensor:
        """Return features ``(B, D, Zg, Yg, Xg)`` of images ``(B, C, Z, Y, X)``.

        Every axis of the images must be a multiple of ``grid * 2 ** (levels - 1)``. With ``part``, the
        features of that part of the grid only. They are the same as without it, for the encoder sees the
        whole image; the decoder, which costs more, computes no more than the part needs.
        """
        levels = [self.stem(image)]
        for level in self.down:
            levels.append(level(levels[-1]))
        needed = _needed(part, [x.shape[2:] for x in levels])
        x = cut(levels.pop(), needed.pop()[1])
        for level in self.up:
            outer, made = needed.pop()
            x = nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = level(torch.cat([x, cut(levels.pop(), outer)], dim=1))
            x = cut(x, within(made, outer))
        return x


def _needed(part: Box | None, shapes: Sequence[Sequence[int]]) -> list[tuple[Box, Box]]:
    """Return the input and the output boxes of the decoder per resolution, finest first, for ``part``."""
    made = part or whole_box(tuple(shapes[0]))
    needed = []
    for shape in shapes:
        # What two convolutions reach, in whole voxels of the resolution below
        coarse = triple(slice(s.start // 2, -(-s.stop // 2)) for s in around(made, 2, shape))
        needed.append((triple(slice(2 * s.start, 2 * s.stop) for s in coarse), made))
        made = coarse
    return needed


def cut(features: Tensor, part: Box) -> Tensor:
    """Return a part of ``(B, C, Z, Y, X)``."""
    return features[(slice(None), slice(None), *part)]
