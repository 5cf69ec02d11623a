import numpy as np
import pytest
import torch

from anystar.geometry.rays import golden_spiral
from anystar.nn.model import NetworkConfig, Prediction, StarNet
from anystar.nn.unet import cut
from anystar.predict.tta import FLIPS, _back, _flip, _mirror, mirrored_rays, predict_averaged


class Bright(torch.nn.Module):
    """Says the intensity at each grid point, and ellipsoids that are longer one way along each axis."""

    def __init__(self, grid):
        super().__init__()
        self.config = NetworkConfig(channels=(4, 8), grid=grid, head_channels=4)
        self.turned = ()

    def forward(self, seen, part=None):
        g = self.config.grid
        at = seen[:, :, ::g, ::g, ::g]
        directions = torch.from_numpy(golden_spiral(96).vertices.copy())
        mirror = torch.ones(3)
        mirror[list(self.turned)] = -1
        radius = 5 + (directions * mirror * torch.tensor([0.5, 1.0, 1.5])).sum(1)
        at = at if part is None else cut(at, part)
        return Prediction(at, radius[None, :, None, None, None].expand(1, 96, *at.shape[2:]))


def whole(seen, grid):
    """All of the grid of what is seen."""
    return tuple(slice(0, num // grid) for num in seen.shape[2:])


@pytest.mark.parametrize("grid", [1, 2])
@pytest.mark.parametrize("axes", [*FLIPS, (0,), (1,), (2,), (0, 1, 2)])
def test_a_flip_puts_grid_points_on_grid_points(grid, axes):
    seen = torch.randn(1, 1, 8, 12, 16)
    points = _flip(seen, axes, 4)[..., ::grid, ::grid, ::grid]
    expected = seen[..., ::grid, ::grid, ::grid]
    for part in ([(0, num) for num in expected.shape[2:]], [(0, 2), (1, 4), (2, 3)]):
        part = tuple(slice(*ends) for ends in part)
        where = _mirror(part, axes, expected.shape[2:])
        assert torch.equal(_back(cut(points, where), axes), cut(expected, part))


@pytest.mark.parametrize("axes", FLIPS[1:])
def test_a_flip_keeps_every_voxel(axes):
    seen = torch.randperm(8 * 8 * 8).reshape(1, 1, 8, 8, 8).float()
    assert len(_flip(seen, axes, 4).unique()) == 8 * 8 * 8


@pytest.mark.parametrize("grid", [1, 2])
def test_the_mean_over_flips_of_an_even_handed_network_is_its_prediction(grid):
    network, seen = Bright(grid), torch.rand(1, 1, 8, 8, 16)
    plain = network(seen)
    for axes in FLIPS:
        network.turned = axes  # what a network sees of a mirrored body
        mean = predict_averaged(network, seen, (axes,), whole(seen, grid))
        assert torch.allclose(mean.logits, plain.logits, atol=1e-4)
        assert torch.allclose(mean.distances, plain.distances, rtol=0.02)


def test_all_flips_are_averaged():
    network, seen = Bright(2), torch.rand(1, 1, 8, 8, 16)
    mean = predict_averaged(network, seen, FLIPS, whole(seen, 2))
    assert torch.allclose(mean.logits, network(seen).logits, atol=1e-4)
    # The bodies do not turn with the image here: the half turns average their sides out
    assert mean.distances.std(dim=1).max() < 0.1 * network(seen).distances.std(dim=1).max()


@pytest.mark.parametrize("num", [32, 96])
def test_mirrored_rays_return_the_radius_along_the_mirror_image(num):
    rays = golden_spiral(num)
    smooth = 3 + rays.vertices @ np.array([0.3, -0.5, 0.8])
    for axes in FLIPS[1:]:
        mirror = np.ones(3)
        mirror[list(axes)] = -1
        expected = 3 + (rays.vertices * mirror) @ np.array([0.3, -0.5, 0.8])
        assert np.allclose(mirrored_rays(rays, axes) @ smooth, expected, atol=6 / num)
    assert np.allclose(mirrored_rays(rays, ()), np.eye(num), atol=1e-5)


def test_a_real_network_runs():
    network = StarNet(NetworkConfig(channels=(4, 8), grid=2, head_channels=4)).eval()
    with torch.inference_mode():
        seen = torch.rand(1, 1, 16, 16, 16)
        found = predict_averaged(network, seen, FLIPS, whole(seen, 2))
        part = (slice(0, 3), slice(2, 8), slice(4, 5))
        some = predict_averaged(network, seen, FLIPS, part)
    assert found.logits.shape == (1, 1, 8, 8, 8)
    assert found.distances.shape == (1, 96, 8, 8, 8)
    assert torch.isfinite(found.distances).all()
    assert torch.allclose(some.logits, cut(found.logits, part), atol=1e-5)
    assert torch.allclose(some.distances, cut(found.distances, part), atol=1e-5)
