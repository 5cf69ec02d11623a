"""The convolution of all layers: PyTorch's, without its slow path on the CPU.

PyTorch hands a float32 convolution on the CPU to its own code instead of oneDNN if there is one image and
``channels * Z * Y`` is at most 20,480. So it does in deep layers, in the first layer and in small tiles. That
takes 1.9 to 7 times as long (``python -m benchmarks.speed.convolutions``).
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

__all__ = ["Conv3d"]


class Conv3d(nn.Conv3d):
    """:class:`torch.nn.Conv3d`, computed by oneDNN in float32 on the CPU where no gradient is needed."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolution, as that of the parent but for rounding."""
        padding = self.padding
        fast = input.device.type == "cpu" and input.dtype == torch.float32 and self.padding_mode == "zeros"
        plain = torch.is_grad_enabled() or torch.is_autocast_enabled("cpu")
        if isinstance(padding, str) or plain or not (fast and _onednn_works()):
            return super().forward(input)
        return torch.mkldnn_convolution(
            input, self.weight, self.bias, padding, self.stride, self.dilation, self.groups
        )


@cache
def _onednn_works() -> bool:
    """Return whether this build of PyTorch calls oneDNN, and rightly."""
    try:
        image, weight = torch.rand(1, 2, 4, 4, 4), torch.rand(3, 2, 3, 3, 3)
        found = torch.mkldnn_convolution(image, weight, None, (1, 1, 1), (1, 1, 1), (1, 1, 1), 1)
    except (AttributeError, RuntimeError):  # not there (macOS on Arm), or other arguments
        return False
    return torch.allclose(found, nn.functional.conv3d(image, weight, padding=1), rtol=1e-4)
