import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anystar.config import ConfigError
from anystar.nn.checkpoint import load_model_file, load_tensors, save_model_file
from anystar.nn.model import NetworkConfig, StarNet
from anystar.nn.unet import cut

TINY = NetworkConfig(channels=(4, 8), grid=2, num_rays=32, head_channels=8)


def test_six_resolutions_make_the_reference_network():
    """StarDist3D in AnyStar's configuration has 66,172,641 parameters, running statistics included."""
    network = StarNet(NetworkConfig(channels=(32, 64, 128, 256, 512, 1024)))
    statistics = sum(b.numel() for name, b in network.named_buffers() if "running" in name)
    redundant = statistics // 2  # biases that StarDist keeps before batch normalisation
    assert sum(p.numel() for p in network.parameters()) + statistics + redundant == 66_172_641


@pytest.mark.parametrize("grid", [1, 2])
def test_shapes(grid):
    config = NetworkConfig(channels=(4, 8, 8), grid=grid, num_rays=32, head_channels=8)
    assert config.divisor == 4 * grid
    prediction = StarNet(config)(torch.zeros(2, 1, 16, 24, 32))
    assert prediction.logits.shape == (2, 1, 16 // grid, 24 // grid, 32 // grid)
    assert prediction.distances.shape == (2, 32, 16 // grid, 24 // grid, 32 // grid)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from([1, 2]), st.integers(2, 4))
def test_a_part_is_predicted_as_in_the_whole(data, grid, levels):
    torch.manual_seed(0)
    config = NetworkConfig(channels=(3, 4, 5, 6)[:levels], grid=grid, num_rays=5, head_channels=4)
    network = StarNet(config).eval()
    shape = [config.divisor * data.draw(st.integers(1, 48 // config.divisor)) for _ in range(3)]
    part = []
    for num in shape:
        start = data.draw(st.integers(0, num // grid - 1))
        part.append(slice(start, data.draw(st.integers(start + 1, num // grid))))
    image = torch.rand(1, 1, *shape)
    with torch.inference_mode():
        whole, found = network(image), network(image, tuple(part))
    for one, all_of in zip(found[:2], whole[:2], strict=True):
        assert torch.allclose(one, cut(all_of, tuple(part)), atol=1e-6)


def test_a_part_costs_less():
    """Features of a part in the middle are made nowhere else on the way up."""
    network = StarNet(NetworkConfig(channels=(3, 4), grid=1, num_rays=5, head_channels=4)).eval()
    made = []
    network.features.register_forward_hook(lambda *hooked: made.append(hooked[1][0].shape[2:]))
    network(torch.rand(1, 1, 40, 40, 40), (slice(16, 24),) * 3)
    assert [tuple(shape) for shape in made] == [(10, 10, 10)]


def test_exponential_distances_are_positive():
    network = StarNet(NetworkConfig(channels=(4, 8), num_rays=32, head_channels=8, distances="exponential"))
    image = torch.randn(1, 1, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    distances = network(image).distances.detach()
    assert float(distances.min()) > 0
    assert float(distances.mean()) == pytest.approx(6, rel=0.5)


@pytest.mark.parametrize("bad", [{"grid": 3}, {"channels": ()}, {"num_rays": 2}])
def test_bad_configurations_are_refused(bad):
    with pytest.raises(ConfigError):
        NetworkConfig(**bad)


@pytest.mark.parametrize("distances", ["linear", "exponential"])
def test_distances_at_points_are_those_of_the_whole_grid(distances):
    network = StarNet(
        NetworkConfig(channels=(4, 8), num_rays=6, grid=2, head_channels=8, distances=distances)
    )
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(2, 1, 16, 12, 8, generator=generator)
    points = torch.stack([torch.randint(n, (50,), generator=generator) for n in (2, 8, 6, 4)], 1)
    network.eval()
    some, whole = network(image, points_P4=points), network(image)
    assert torch.equal(some.logits, whole.logits)
    assert some.distances.shape == (50, 6)
    for point, row in zip(points.tolist(), some.distances, strict=True):
        b, z, y, x = point
        assert torch.allclose(row, whole.distances[b, :, z, y, x], rtol=1e-5)
    torch.testing.assert_close(whole.at(points).distances, some.distances, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("distances", ["linear", "exponential"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_distances_above_a_probability_are_those_of_the_whole_grid(distances, dtype):
    network = StarNet(
        NetworkConfig(channels=(4, 8), num_rays=6, grid=2, head_channels=8, distances=distances)
    ).eval()
    network.prob.weight.data *= 100  # else bfloat16 gives all points the same probability
    image = torch.randn(2, 1, 16, 12, 8, generator=torch.Generator().manual_seed(0))
    part = (slice(1, 7), slice(0, 5), slice(2, 4))
    with torch.inference_mode(), torch.autocast("cpu", dtype, enabled=dtype == torch.bfloat16):
        whole = network(image, part)
        floor = float(whole.logits.float().sigmoid().quantile(0.7))
        some = network(image, part, floor=floor)
    chosen = whole.logits[:, 0].float().sigmoid() >= floor
    assert 0 < int(chosen.sum()) < chosen.numel()
    torch.testing.assert_close(some.points_P4, chosen.nonzero(), rtol=0, atol=0)
    torch.testing.assert_close(some.distances, whole.distances.movedim(1, -1)[chosen], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(whole.above(floor).distances, some.distances, rtol=1e-5, atol=1e-6)


def test_model_files_keep_weights_and_card(tmp_path):
    network = StarNet(TINY).eval()
    path = tmp_path / "m.safetensors"
    save_model_file(path, network.state_dict(), TINY, {"recipes": ["as-mix"]})
    loaded = load_model_file(path)
    image = torch.rand(1, 1, 16, 16, 16)
    assert loaded.card == {"recipes": ["as-mix"]}
    assert torch.allclose(loaded.network(image).distances, network(image).distances, atol=0.05)
    assert sum(t.element_size() * t.numel() for t in load_tensors(path)[0].values()) < path.stat().st_size
