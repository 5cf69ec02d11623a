"""Models by name and by path."""

import numpy as np
import pytest
import torch

import anystar
from anystar.errors import ConfigError
from anystar.nn.checkpoint import load_model_file
from anystar.predict.registry import DEFAULT_MODEL, list_models, load_model, model_path


def test_the_default_is_bundled_and_its_file_can_be_named():
    cards = list_models()
    assert [name for name, card in cards.items() if card["default"]] == [DEFAULT_MODEL]
    path = model_path(DEFAULT_MODEL)
    assert cards[DEFAULT_MODEL]["size"] == path.stat().st_size
    assert load_model(path, device="cpu").digest() == load_model(device="cpu").digest()


def test_folded_normalisation_changes_nothing_but_rounding():
    network = load_model_file(model_path(DEFAULT_MODEL)).network.eval()
    folded = load_model(device="cpu").network
    image = torch.from_numpy(np.random.default_rng(0).random((1, 1, 16, 16, 16), np.float32))
    with torch.inference_mode():
        want, got = network(image), folded(image)
    torch.testing.assert_close(got.logits.contiguous(), want.logits.contiguous(), rtol=1e-3, atol=1e-3)
    assert not any(isinstance(m, torch.nn.BatchNorm3d) for m in folded.modules())


def test_a_name_that_is_not_there_says_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match=r"unknown model 'grain-smal'.*grain-small"):
        model_path("grain-smal")
    with pytest.raises(ConfigError, match="there is no model file"):
        model_path(tmp_path / "a.safetensors")
    with pytest.raises(ConfigError, match="is a folder; give a model file"):
        anystar.load_model(tmp_path)
