"""The top of the command line."""

import subprocess
import sys

import pytest


def test_help_and_version_load_nothing_heavy():
    code = (
        "import sys\nfrom anystar.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as stop:\n    assert stop.code == 0\n"
        "heavy = {'torch', 'numpy', 'scipy', 'numba', 'matplotlib', 'tifffile'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "segment" in done.stdout


@pytest.mark.parametrize("command", ["segment", "evaluate", "models"])
def test_every_command_has_help(run, command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: anystar {command}")
    assert command in run("--help").stdout


def test_version_and_no_arguments(run):
    assert run("--version").stdout.startswith("anystar 0.")
    assert run().exit_code == 0
    assert "Commands:" in run().stdout


def test_an_unknown_command(run):
    result = run("segmnt")
    assert result.exit_code == 2
    assert result.stderr.startswith("anystar: No such command 'segmnt'")
    assert result.stderr.count("\n") == 1


def test_models(model, run):
    result = run("models")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "anystar-mix  4.2 MB",
        "",
        "'anystar models show NAME' has the card of one.",
    ]
    assert run("models", "anystar-mix").stdout == result.stdout
    assert run("models", "x").exit_code == 2
