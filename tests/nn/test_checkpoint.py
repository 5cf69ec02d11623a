"""Model files that cannot be used: one line when they are loaded, and nothing of them is run."""

import errno
import math

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

import anystar
from anystar.errors import ConfigError
from anystar.nn import checkpoint
from anystar.nn.checkpoint import load_header, load_model_file, load_tensors, save_model_file, save_tensors
from anystar.nn.model import NetworkConfig, StarNet

TINY = NetworkConfig(channels=(4, 8), num_rays=6, grid=2, head_channels=8)
CARD = {"recipes": ["as-mix"], "defaults": {"prob_thresh": 0.5, "nms_thresh": 0.3, "diameter": 12.0}}


@pytest.fixture
def whole(tmp_path):
    """The tensors and the header of a model file that is right."""
    save_model_file(tmp_path / "whole.safetensors", StarNet(TINY).state_dict(), TINY, CARD)
    return load_tensors(tmp_path / "whole.safetensors")


def refused(path, message):
    """It is refused in one line that names the file."""
    with pytest.raises(ConfigError, match=message) as error:
        load_model_file(path)
    text = str(error.value)
    assert str(path) in text
    assert "\n" not in text
    assert "; " in text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.bfloat16, torch.float64])
def test_a_weight_that_is_not_finite(tmp_path, whole, value, dtype):
    tensors, header = whole
    for name, index in (("prob.weight", 0), ("dist.bias", 3)):
        changed = {k: v.to(dtype) for k, v in tensors.items()}
        changed[name].view(-1)[index] = value
        save_tensors(tmp_path / "a.safetensors", changed, header)
        refused(tmp_path / "a.safetensors", f"the weights {name} contain NaN or infinite values")
    with pytest.raises(ConfigError, match="contain NaN or infinite values"):
        anystar.load_model(tmp_path / "a.safetensors", device="cpu")


def test_weights_that_are_finite_and_no_network(tmp_path, whole):
    tensors, header = whole
    path = tmp_path / "a.safetensors"
    save_tensors(path, {k: torch.zeros_like(v) for k, v in tensors.items()}, header)
    refused(path, "are all zero")
    save_tensors(path, {k: torch.ones_like(v).int() for k, v in tensors.items()}, header)
    refused(path, r"are torch.int32, no floating-point numbers")
    variance = next(k for k in tensors if "running_var" in k)
    save_tensors(path, tensors | {variance: -torch.ones_like(tensors[variance])}, header)
    refused(path, "give NaN or infinite values for any image")
    save_tensors(path, {k: v.float() * 1e30 for k, v in tensors.items()}, header)
    refused(path, "give NaN or infinite values for any image")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": [4, 16]}, "have the shape .* but the header describes .* of another architecture"),
        ({"num_rays": 8}, "have the shape"),
        ({"head_channels": 4}, "have the shape"),
        ({"channels": [4, 8, 8]}, "the weights are not those that the header describes"),
        ({"channels": [100000, 100000]}, "channels must be 1 to 4096"),
        ({"channels": [4] * 100}, "channels must be 2 to 8 numbers, got 100"),
        ({"num_rays": 10**9}, "num_rays must be 5 to 4096"),
        ({"num_rays": 10**30}, r"num_rays must be less than 2\^63"),
        ({"num_rays": -6}, "num_rays must be 5 to 4096"),
        ({"num_rays": "six"}, "num_rays must be int"),
        ({"num_rays": None}, "num_rays must be int"),
        ({"num_rays": True}, "num_rays must be int"),
        ({"channels": 4}, "channels must be"),
        ({"channels": [[4], [8]]}, "channels"),
        ({"channels": ["a", "b"]}, "channels"),
        ({"grid": 3}, "grid must be 1 or 2"),
        ({"distances": []}, "distances must be one of"),
        ({"depth": 3}, "unknown key 'depth'"),
    ],
)
def test_a_network_that_is_not_that_of_the_weights(tmp_path, whole, change, message):
    tensors, header = whole
    save_tensors(tmp_path / "a.safetensors", tensors, header | {"network": header["network"] | change})
    refused(tmp_path / "a.safetensors", message)


@pytest.mark.parametrize("key", ["network", "card"])
@pytest.mark.parametrize("value", [None, [], "text", 3, 0.5, True])
def test_a_part_of_the_header_of_another_type(tmp_path, whole, key, value):
    tensors, header = whole
    save_tensors(tmp_path / "a.safetensors", tensors, header | {key: value})
    refused(tmp_path / "a.safetensors", "the header does not describe a network|there is no card")
    save_tensors(tmp_path / "a.safetensors", tensors, {k: v for k, v in header.items() if k != key})
    refused(tmp_path / "a.safetensors", "the header does not describe a network|there is no card")


@pytest.mark.parametrize(
    "defaults",
    [
        [],
        "text",
        None,
        {"diameter": 0},
        {"diameter": -4},
        {"diameter": 1e6},
        {"diameter": math.nan},
        {"diameter": math.inf},
        {"diameter": "12"},
        {"diameter": None},
        {"diameter": True},
        {"diameter": 10**400},
        {"prob_thresh": 9},
        {"prob_thresh": math.nan},
        {"nms_thresh": [0.3]},
        {"nms_thresh": -0.1},
    ],
)
def test_defaults_that_cannot_be(tmp_path, whole, defaults):
    tensors, header = whole
    save_tensors(tmp_path / "a.safetensors", tensors, header | {"card": CARD | {"defaults": defaults}})
    refused(tmp_path / "a.safetensors", "defaults of the card are no table|the card states .* it must be")


@pytest.mark.parametrize(
    "text",
    ["[]", "null", '"x"', "3", "{", "", "[" * 100_000, '{"a":' * 100_000, f'{{"format": {"9" * 5000}}}'],
)
def test_a_header_that_is_no_table(tmp_path, text):
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata={"anystar": text})
    for read in (load_model_file, load_tensors, load_header, anystar.load_model):
        with pytest.raises(ConfigError, match=r"a header that is (no|not) JSON") as error:
            read(path)
        assert str(path) in str(error.value)


def test_foreign_and_broken_files_are_refused(tmp_path, whole):
    foreign, broken = tmp_path / "foreign.safetensors", tmp_path / "broken.safetensors"
    save_file({"a": torch.zeros(1)}, foreign)
    broken.write_bytes(b"not weights")
    with pytest.raises(ConfigError, match="not one of AnyStar's"):
        load_model_file(foreign)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_model_file(broken)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_model_file(tmp_path / "missing.safetensors")
    save_tensors(foreign, {"a": torch.zeros(1)}, {"format": 99})
    with pytest.raises(ConfigError, match="model format 99"):
        load_model_file(foreign)
    content = (tmp_path / "whole.safetensors").read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    with pytest.raises(ConfigError, match="cannot be read"):
        load_model_file(broken)


def test_a_full_disk_is_an_error_of_the_system(tmp_path, monkeypatch):
    """safetensors raises an error of its own, which nobody above expects."""

    def full(*args, **options):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(OSError, match="No space left on device") as error:
        save_tensors(tmp_path / "a.safetensors", {"a": torch.zeros(1)}, {})
    assert (error.value.errno, error.value.filename) == (errno.ENOSPC, str(tmp_path / "a.safetensors"))
    assert list(tmp_path.iterdir()) == []


def test_a_text_file_beside_it_completes_the_card(tmp_path):
    path = tmp_path / "a.safetensors"
    save_model_file(path, StarNet(TINY).state_dict(), TINY, CARD | {"limits": "old", "seed": 3})
    (tmp_path / "a.toml").write_text('limits = "new"\n[defaults]\nprob_thresh = 0.25\n')
    for card in (load_model_file(path).card, load_header(path)["card"], load_tensors(path)[1]["card"]):
        assert (card["limits"], card["seed"], card["defaults"]["prob_thresh"]) == ("new", 3, 0.25)
    assert anystar.load_model(path, device="cpu").card["defaults"]["prob_thresh"] == 0.25
    (tmp_path / "a.toml").write_text("limits = \n")
    with pytest.raises(ConfigError, match=r"a\.toml: is not valid TOML"):
        load_model_file(path)
    (tmp_path / "a.toml").write_text("[defaults]\nprob_thresh = 3\n")
    refused(path, "the card states prob_thresh = 3")
