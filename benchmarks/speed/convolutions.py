"""Time small float32 convolutions: ``python -m benchmarks.speed.convolutions``; one thread, CPU time."""

import time

import torch
from torch import nn

from anystar.nn.convolution import Conv3d

LAYERS = (
    (1, 32, (64, 96, 96), 2),
    (32, 32, (32, 48, 48), 1),
    (32, 32, (16, 32, 32), 1),
    (64, 64, (8, 16, 16), 1),
    (128, 128, (8, 12, 12), 1),
    (256, 256, (4, 6, 6), 1),
)
"""Channels in and out, shape and stride: of the bundled network, for tiles of two sizes."""


def milliseconds(layer: nn.Module, image: torch.Tensor) -> float:
    """Return the least CPU time of several runs."""
    times = []
    for _ in range(6):
        start = time.process_time()
        layer(image)
        times.append(time.process_time() - start)
    return 1000 * min(times[1:])


def main() -> None:
    torch.set_num_threads(1)
    print("| channels | shape | nn.Conv3d, ms | Conv3d, ms | ratio |\n|---|---|---:|---:|---:|")
    for channels_in, channels_out, shape, stride in LAYERS:
        image = torch.randn(1, channels_in, *shape).contiguous(memory_format=torch.channels_last_3d)
        theirs, ours = (
            kind(channels_in, channels_out, 3, padding=1, stride=stride).to(
                memory_format=torch.channels_last_3d
            )
            for kind in (nn.Conv3d, Conv3d)
        )
        with torch.inference_mode():
            slow, fast = milliseconds(theirs, image), milliseconds(ours, image)
        size = " x ".join(map(str, shape))
        print(f"| {channels_in} to {channels_out} | {size} | {slow:.2f} | {fast:.2f} | {slow / fast:.1f} |")


if __name__ == "__main__":
    main()
