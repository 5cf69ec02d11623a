import dataclasses

import pytest

from anystar.config import ConfigError, dump_toml, override
from anystar.synth.recipes import get_recipe, load_recipe, recipe_names


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


def knobs(config, where=()):
    """Every knob of a recipe that is a number or a range, with its place."""
    for field in dataclasses.fields(config):
        value, path = getattr(config, field.name), (*where, field.name)
        if dataclasses.is_dataclass(value):
            yield from knobs(value, path)
        numbers = value if isinstance(value, tuple) else (value,)
        if numbers and all(isinstance(v, int | float) and not isinstance(v, bool) for v in numbers):
            yield path, value


def changed(name, path, value):
    values = value
    for key in reversed(path):
        values = {key: values}
    return override(get_recipe(name), values)


ALL = [(name, path, value) for name in ("as-mix", "wide") for path, value in knobs(get_recipe(name))]


@pytest.mark.parametrize(("name", "path", "value"), ALL, ids=[".".join((n, *p)) for n, p, _ in ALL])
def test_no_knob_takes_nonsense(name, path, value):
    whole = type(value if not isinstance(value, tuple) else value[0]) is int
    absurd = [-(10**9), 10**10] if whole else [float("nan"), float("-inf"), float("inf"), -1e9]
    for bad in absurd:
        with pytest.raises(ConfigError, match=path[-1]):
            changed(name, path, [bad] * len(value) if isinstance(value, tuple) else bad)
    if isinstance(value, tuple) and len(value) == 2 and value[0] < value[1] and "scales" not in path[-1]:
        with pytest.raises(ConfigError, match=rf"{path[-1]} must be \[low, high\]"):
            changed(name, path, value[::-1])
    assert changed(name, path, value) == get_recipe(name)
