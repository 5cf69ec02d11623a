"""``anystar info`` prints what a bug report needs."""

import platform

import torch
from click.testing import CliRunner

from anystar._version import __version__
from anystar.cli import main


def test_every_fact_has_a_line():
    done = CliRunner().invoke(main, ["info"])
    facts = dict(line.split(":", 1) for line in done.stdout.splitlines())
    assert done.exit_code == 0
    assert facts["anystar"].strip() == __version__
    assert platform.python_version() in facts["python"]
    assert f"torch {torch.__version__}" in facts["packages"]
    assert facts["devices"].strip().startswith("cpu")
