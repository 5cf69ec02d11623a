import torch

from anystar.nn.batchnorm_statistics import recompute_statistics
from anystar.nn.model import NetworkConfig, StarNet


def test_the_statistics_are_the_means_over_the_batches():
    network = StarNet(NetworkConfig(channels=(4, 8), grid=2, num_rays=32, head_channels=8))
    convolution, norm = network.backbone.stem[0][:2]
    norm.running_mean.fill_(100.0)
    batches = list(torch.rand(3, 2, 1, 16, 16, 16, generator=torch.Generator().manual_seed(0)))
    recompute_statistics(network, batches)
    with torch.no_grad():
        each = [convolution(batch) for batch in batches]
    assert torch.allclose(
        norm.running_mean, torch.stack([x.mean((0, 2, 3, 4)) for x in each]).mean(0), atol=1e-6
    )
    assert torch.allclose(
        norm.running_var, torch.stack([x.var((0, 2, 3, 4)) for x in each]).mean(0), atol=1e-6
    )
    assert not network.training
    assert norm.momentum == 0.1
