"""A model's weights fitted to another network."""

import dataclasses

import torch

from anystar.nn.checkpoint import load_model_file, save_model_file
from anystar.nn.model import NetworkConfig, StarNet
from scripts import resize_model
from scripts.resize_model import resized_weights

WIDE = NetworkConfig(channels=(6, 8), grid=2, num_rays=32, head_channels=8)


def test_layers_are_kept_or_cut_and_kernels_summed():
    weights = StarNet(WIDE).state_dict()
    network = dataclasses.replace(WIDE, channels=(4, 8), feature_kernel=1)
    narrow = resized_weights(weights, network, seed=0)
    StarNet(network).load_state_dict(narrow)
    assert narrow["backbone.stem.1.0.weight"].equal(weights["backbone.stem.1.0.weight"][:4, :4])
    assert narrow["features.0.weight"].equal(weights["features.0.weight"].sum((2, 3, 4), keepdim=True)[:, :4])
    assert narrow["dist.weight"].equal(weights["dist.weight"])


def test_what_is_missing_is_random_by_the_seed():
    deeper = dataclasses.replace(WIDE, channels=(6, 8, 8))
    one, same, other = (resized_weights(StarNet(WIDE).state_dict(), deeper, seed=s) for s in (1, 1, 2))
    name = "backbone.down.1.1.0.weight"
    assert one[name].equal(same[name])
    assert not one[name].equal(other[name])


def test_the_script_writes_a_model(tmp_path, monkeypatch):
    network = StarNet(WIDE)
    torch.nn.init.constant_(network.features[0].weight, 0.5)
    save_model_file(tmp_path / "a.safetensors", network.state_dict(), WIDE, {"seed": 7})
    words = [str(tmp_path / "a.safetensors"), str(tmp_path / "b.safetensors"), "--feature-kernel", "1"]
    monkeypatch.setattr("sys.argv", ["resize_model.py", *words])
    resize_model.main()
    found = load_model_file(tmp_path / "b.safetensors")
    assert found.network.config.feature_kernel == 1
    assert found.card["seed"] == 7
    assert (found.network.features[0].weight == 27 * 0.5).all()
