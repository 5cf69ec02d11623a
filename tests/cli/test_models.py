"""``anystar models``: the list, one card, and settings to train with again."""

import dataclasses

import pytest

import anystar
from anystar.config import load_toml
from anystar.nn.checkpoint import save_model_file
from anystar.nn.model import NetworkConfig, StarNet
from anystar.predict.registry import DEFAULT_MODEL
from anystar.train import TrainConfig, fit


def test_show_prints_the_bundled_card(run):
    shown = run("models", "show", DEFAULT_MODEL)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.startswith(f"{DEFAULT_MODEL} (what is used if none is named)")
    for key in ("recipe", "iterations", "samples", "minutes", "licence           MIT", "accuracy", "bad at"):
        assert f"  {key}" in shown.stdout
    listed = run("models", "list").stdout
    assert listed == run("models").stdout
    lines = listed.splitlines()
    assert [line.split()[0] for line in lines[:-2]] == list(anystar.list_models())
    (default,) = (line for line in lines if "(the default)" in line)
    assert default.startswith(DEFAULT_MODEL)
    assert max(map(len, lines)) < 100


@pytest.mark.parametrize("name", anystar.list_models())
def test_settings_of_a_card_train_again(name, run, tmp_path):
    """Weights that it began with are named in a comment only, if they do not come along."""
    shown = run("models", "show", name, "--config")
    assert shown.exit_code == 0, shown.output
    (tmp_path / "again.toml").write_text(shown.stdout)
    config = load_toml(TrainConfig, tmp_path / "again.toml")
    assert config.network.num_rays == 96
    tiny = dataclasses.replace(config, iterations=1, patch=(32, 32, 32), batch_size=1, workers=0)
    assert [event.step for event in fit(tiny, tmp_path / "run", device="cpu")] == [1]
    cards = anystar.list_models()
    start = cards[name]["config"].get("start")
    if start is None or start in cards:
        assert config.start == start
        assert "#" not in shown.stdout
    else:
        assert f"must be given with --from: {cards[name]['from']['model']}" in shown.stdout.splitlines()[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show"], "show takes one name; see"),
        (["show", DEFAULT_MODEL[:-1]], f"did you mean '{DEFAULT_MODEL}'"),
        ([DEFAULT_MODEL[:-1]], f"did you mean '{DEFAULT_MODEL}'"),
        (["--config"], "name it: anystar models show"),
    ],
)
def test_bad_words_are_one_line(words, message, run):
    done = run("models", *words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_cards_of_any_content_are_displayed_or_refused(tmp_path, run):
    tiny = NetworkConfig(channels=(4, 8), num_rays=6, head_channels=8)
    network, path = StarNet(tiny), tmp_path / "a.safetensors"
    wrong = [None, 3, "text", [1, [2]], {"a": {"b": []}}, True, "\x1b[31m\x07"]
    keys = [
        "recipes",
        "iterations",
        "from",
        "history",
        "accuracy",
        "config",
        "limits",
        "volumes",
        "mean_with",
    ]
    for key in keys:
        for value in wrong:
            save_model_file(path, network.state_dict(), tiny, {"recipes": ["as-mix"], key: value})
            for options in ((), ("--config",)):
                result = run("models", "show", path, *options)
                assert result.exit_code in (0, 2), (key, value, result.output)
                assert result.exit_code == 0 or len(result.stderr.splitlines()) == 1
                assert "\x07" not in result.output
                assert "\x1b" not in result.output
