import dataclasses

import pytest

from anystar.config import ConfigError, dump_toml
from anystar.synth.override import load_recipe, override
from anystar.synth.recipes import get_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_overridden_by_itself_is_itself(tmp_path, name):
    path = tmp_path / "all.toml"
    path.write_text(dump_toml(get_recipe(name)))
    assert load_recipe(name, path) == get_recipe(name)


def test_only_what_is_named_changes():
    changed = override(get_recipe("wide"), {"acquisition": {"bias_field": {"probability": 1}}})
    before = get_recipe("wide")
    assert changed.acquisition.bias_field.probability == 1
    assert changed.acquisition.bias_field.coefficient == before.acquisition.bias_field.coefficient
    assert dataclasses.replace(changed, acquisition=before.acquisition) == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layuot = 3", "unknown key 'layuot'; did you mean 'layout'"),
        ("[acquisition.gamma]\ngama = [1, 2]", "unknown key 'acquisition.gamma.gama'; did you mean 'gamma'"),
        ("[acquisition.gamma]\ngamma = [2, 1]", r"acquisition.gamma.*gamma must be \[low, high\]"),
        ("[acquisition.gamma]\nprobability = 1.5", "acquisition.gamma.*probability must be"),
        ("[image]\nrim = -0.1", "image.*rim must be a probability"),
        ("[image]\nthickness = [3, 1]", "image.*thickness must be"),
        ("[image]\nrim = 'yes'", "image.rim must be float"),
        ("[layout]\ndiameter = [5]", "layout.diameter must have 2 values"),
        ("[layout]\nempty = 2", "layout.*empty must be a probability"),
        ("name = ", "is not valid TOML"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(tmp_path, text, message):
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_recipe("wide", path)
    assert str(path) in str(caught.value)


def test_a_missing_file():
    with pytest.raises(ConfigError, match=r"no\.toml does not exist"):
        load_recipe("wide", "no.toml")
