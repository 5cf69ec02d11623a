"""The top of the command line."""

import subprocess
import sys

import numpy as np
import pytest


@pytest.mark.parametrize(
    "words",
    [
        ["measure", "labels.npy", "labels.npy", "--table", "table.csv"],
        ["evaluate", "labels.npy", "labels.npy"],
        ["report", "labels.npy", "-o", "report.html"],
    ],
    ids=lambda words: words[0],
)
def test_what_needs_no_network_does_not_load_torch(tmp_path, words):
    labels = np.zeros((8, 16, 16), np.int32)
    labels[2:6, 4:12, 4:12] = 1
    np.save(tmp_path / "labels.npy", labels)
    code = (
        "import sys\nfrom anystar.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as stop:\n    assert not stop.code, stop\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_no_help_loads_anything_heavy():
    code = (
        "import sys\nfrom anystar.cli.group import _COMMANDS, main\n"
        "names = [name for name in _COMMANDS if name != 'synthesize']\n"  # lists recipes
        "for words in (['--help'], *([name, '--help'] for name in names)):\n"
        "    try:\n        main(words)\n    except SystemExit as stop:\n        assert not stop.code, words\n"
        "    heavy = {'torch', 'numpy', 'scipy', 'numba', 'matplotlib', 'tifffile'} & set(sys.modules)\n"
        "    assert not heavy, (words, heavy)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage: anystar segment" in done.stdout


@pytest.mark.parametrize("command", ["segment", "evaluate", "models"])
def test_every_command_has_help(run, command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: anystar {command}")
    assert command in run("--help").stdout


def test_version_and_no_arguments(run):
    assert run("--version").stdout.startswith("anystar 1.")
    assert run().exit_code == 0
    assert "Commands:" in run().stdout


def test_an_unknown_command(run):
    result = run("segmnt")
    assert result.exit_code == 2
    assert result.stderr.startswith("anystar: No such command 'segmnt'; did you mean 'segment'?")
    assert result.stderr.count("\n") == 1


def test_models(model, run, monkeypatch):
    monkeypatch.setattr("anystar.report.models.list_models", lambda: {"anystar-mix": model.card})
    result = run("models")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "anystar-mix  4.2 MB",
        "",
        "'anystar models show NAME' has the card of one.",
    ]
    assert run("models", "anystar-mix").stdout == result.stdout
    assert run("models", "x").exit_code == 2


def test_messages_of_the_library_name_options():
    from anystar.cli.group import in_options, main

    command = main.get_command(None, "segment")
    with command.make_context("segment", ["a.tif", "-o", "b.tif"]):
        for message, expected in (
            ("b.tif exists already; add overwrite=True", "b.tif exists already; add --overwrite"),
            ("unknown size; give spacing=(Z, Y, X), or diameter=D",
             "unknown size; give --spacing Z Y X, or --diameter D"),
            ("overview must end in .png, got a.jpg", "--overview must end in .png, got a.jpg"),
            ("choose one with channel=...", "choose one with --channel"),
            ("choose another level=", "choose another --level"),
            ("choose one by name: channel='Alexa 647'", "choose one by name: --channel 'Alexa 647'"),
            ("an overview that must be", "an overview that must be"),
        ):  # fmt: skip
            assert in_options(message) == expected


def test_former_names_of_options_still_work(tmp_path, cells, model, run):
    files = ("--picture", tmp_path / "p.png", "--record", tmp_path / "r.toml")
    assert run("segment", cells, "-o", tmp_path / "l.tif", *files).exit_code == 0
    assert (tmp_path / "p.png").exists()
    assert run("segment", "--from-record", tmp_path / "r.toml", "-o", tmp_path / "again.tif").exit_code == 0
    assert "--picture" not in run("segment", "--help").stdout
