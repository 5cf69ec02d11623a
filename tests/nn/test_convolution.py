import pytest
import torch
from torch import nn

from anystar.nn import convolution
from anystar.nn.convolution import Conv3d

LAYERS = [
    {"in_channels": 1, "out_channels": 6, "kernel_size": 3, "padding": 1, "stride": 2},
    {"in_channels": 8, "out_channels": 5, "kernel_size": 3, "padding": 1, "bias": False},
    {"in_channels": 8, "out_channels": 4, "kernel_size": 1},
]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("images", [1, 2])
def test_it_is_the_convolution_of_pytorch(layer, images):
    torch.manual_seed(0)
    ours, theirs = Conv3d(**layer), nn.Conv3d(**layer)
    theirs.load_state_dict(ours.state_dict())
    image = torch.randn(images, layer["in_channels"], 6, 7, 9)
    image = image.contiguous(memory_format=torch.channels_last_3d)
    expected = theirs(image)
    assert ours(image).requires_grad
    torch.testing.assert_close(ours(image), expected)  # with gradients: the parent's own
    with torch.inference_mode():
        torch.testing.assert_close(ours(image), expected, rtol=1e-4, atol=1e-5)
        with torch.autocast("cpu", torch.bfloat16):
            assert ours(image).dtype == torch.bfloat16


def test_small_images_reach_onednn_and_fall_back_without_it(monkeypatch):
    layer, image = Conv3d(8, 8, 3, padding=1), torch.randn(1, 8, 8, 8, 8)

    def operators():
        with torch.inference_mode(), torch.profiler.profile() as seen:
            layer(image)
        return {event.key for event in seen.key_averages()}

    assert "aten::slow_conv3d_forward" not in operators()
    convolution._onednn_works.cache_clear()
    monkeypatch.delattr(torch, "mkldnn_convolution")
    assert "aten::slow_conv3d_forward" in operators()
    convolution._onednn_works.cache_clear()
