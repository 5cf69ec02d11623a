"""The bundled models as text."""

import tomllib

import pytest

from anystar.errors import InputError
from anystar.nn.checkpoint import save_model_file
from anystar.nn.model import NetworkConfig, StarNet
from anystar.predict.registry import DEFAULT_MODEL
from anystar.report.models import list_cards, settings_of, show_model

TINY = NetworkConfig(channels=(4, 8), num_rays=6, head_channels=8)


@pytest.fixture
def file(tmp_path):
    def make(**card):
        save_model_file(tmp_path / "mine.safetensors", StarNet(TINY).state_dict(), TINY, card)
        return tmp_path / "mine.safetensors"

    return make


def test_a_list_has_a_line_per_model_and_takes_names():
    whole = list_cards().splitlines()
    alone = list_cards([DEFAULT_MODEL]).splitlines()[0].split()
    assert alone in [line.split() for line in whole]
    assert sum("(the default)" in line for line in whole) == 1
    with pytest.raises(InputError, match="unknown model 'grain'"):
        list_cards(["grain"])


def test_the_card_of_a_file_names_its_network(file):
    text = show_model(str(file(recipes=["mild"])))
    assert text.startswith(str(file(recipes=["mild"])))
    assert "recipe      mild" in text


def test_settings_name_weights_that_are_not_bundled_in_a_comment(file):
    config = {"start": "runs/old.safetensors", "iterations": 5}
    text = settings_of(str(file(config=config, **{"from": {"model": "old"}})))
    assert text.startswith(
        "# Initialised from weights that are not bundled and must be given with --from: old\n"
    )
    assert tomllib.loads(text) == {"iterations": 5}
    bundled = settings_of(str(file(config=config | {"start": DEFAULT_MODEL})))
    assert tomllib.loads(bundled) == {"start": DEFAULT_MODEL, "iterations": 5}
    with pytest.raises(InputError, match="holds no settings"):
        settings_of(str(file()))
