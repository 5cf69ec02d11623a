"""What the documents tell people to type works, as they tell it."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from anystar import io
from anystar.cli import main
from anystar.config import load_toml
from anystar.synth.recipes import get_recipe, load_recipe
from anystar.train import TrainConfig

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    ROOT / "README.md",
    *sorted(p for p in (ROOT / "docs").rglob("*.md") if "generated" not in p.parts),
]


def blocks(document, language):
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text(encoding="utf-8"), re.M | re.S)


def here(tmp_path):
    """A folder that looks like the repository to an example, and takes what it writes."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


TUTORIAL = ROOT / "docs" / "how-to" / "fine-tuning.md"
STORIES = (TUTORIAL, ROOT / "docs" / "how-to" / "fiji.md", ROOT / "docs" / "reference" / "files.md")
"""Documents whose commands build on one another."""
MIXED = (ROOT / "docs" / "how-to" / "tracking.md",)
"""Documents whose commands and Python build on one another."""
TOY = {"-n": "2", "--iterations": "2"}


def calls(block):
    """Every call of the command line in a bash block, without the set-up before it."""
    for part in re.split(r"&&|\n", block):
        words = shlex.split(part, comments=True)
        if words and Path(words[0]).name == "anystar":
            yield words[1:]


def commands():
    for document in DOCUMENTS:
        for block in blocks(document, "bash") if document not in (*STORIES, *MIXED) else ():
            session = list(calls(block))
            if session:
                yield pytest.param(session, id=f"{document.name}: {' '.join(session[0][:2])}")


@pytest.mark.slow
@pytest.mark.parametrize("document", STORIES, ids=lambda path: path.name)
def test_a_story_runs_from_start_to_end(tmp_path, monkeypatch, document):
    """At toy size, in one process."""
    monkeypatch.chdir(here(tmp_path))
    for words in calls("\n".join(blocks(document, "bash"))):
        toy = [TOY.get(before, word) for before, word in zip(["", *words], words, strict=False)]
        toy += ["--iterations", "2"] if "--fine-tune" in words else []
        done = CliRunner().invoke(main, toy)
        assert done.exit_code == 0, (words, done.output)
        for written in re.findall(r"wrote (.+)", done.stdout):
            assert Path(written).stat().st_size > 0
    assert document != TUTORIAL or Path("thresholds.toml").exists()


@pytest.mark.slow
@pytest.mark.parametrize("document", MIXED, ids=lambda path: path.name)
def test_a_mixed_story_runs_from_start_to_end(tmp_path, monkeypatch, document):
    """Commands and Python in their order, with the packages that it names."""
    for package in ("laptrack", "napari", "pandas"):
        pytest.importorskip(package)
    monkeypatch.chdir(here(tmp_path))
    names = {}
    text = document.read_text(encoding="utf-8")
    for language, block in re.findall(r"^```(bash|python)\n(.*?)^```", text, re.M | re.S):
        if language == "python":
            exec(compile(block, str(document), "exec"), names)
            continue
        for words in calls(block):
            done = CliRunner().invoke(main, words)
            assert done.exit_code == 0, (words, done.output)
    check_tracks(names)


def check_tracks(names):
    """The balls of the page are tracked from start to end, but for the one that leaves."""
    tracks, start, speed = names["tracks"], names["start"], names["speed"]
    assert tracks["track_id"].nunique() == len(start)
    for _, track in tracks.groupby("track_id"):
        places = track.sort_values("time")[["z_um", "y_um", "x_um"]].to_numpy()
        ball = np.linalg.norm(start - places[0], axis=1).argmin()
        inside = places[: 3 if ball == 7 else None]
        assert len(places) == 6 or ball == 7
        assert np.abs(inside - (start[ball] + np.arange(len(inside))[:, None] * speed[ball])).max() < 1.5
    assert names["layer"].data.shape == (len(tracks), 5)
    for time in range(6):
        with io.open_image("tracks.ome.zarr", time=time) as image:
            here = tracks[tracks["time"] == time]
            assert set(np.unique(image.read())) == {0, *(here["track_id"] + 1)}


@pytest.mark.slow
@pytest.mark.parametrize("session", list(commands()))
def test_commands(tmp_path, session):
    """The commands of one block run one after the other in one folder."""
    here(tmp_path)
    for words in session:
        if words[0] in ("train", "synthesize", "reproduce") or words[:2] in (
            ["data", "get"],
            ["data", "check"],
        ):
            words = [*words, "--help"]  # hours of work, or others' data: only that the options exist
        done = subprocess.run(
            [sys.executable, "-c", "from anystar.cli import main; main()", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        for written in re.findall(r"wrote (.+)", done.stdout):
            assert (tmp_path / written).stat().st_size > 0


@pytest.mark.slow
@pytest.mark.parametrize("document", [d for d in DOCUMENTS if d not in MIXED], ids=lambda path: path.name)
def test_python(tmp_path, document):
    """The Python blocks of one document run one after the other, as one session."""
    code = "\n".join(blocks(document, "python"))
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=here(tmp_path),
        env=os.environ | {"MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def settings():
    for document in DOCUMENTS:
        for number, block in enumerate(blocks(document, "toml")):
            yield pytest.param(document, block, id=f"{document.name} {number}")


@pytest.mark.parametrize(("document", "block"), list(settings()))
def test_settings(tmp_path, document, block):
    """The TOML blocks are what a generator (its own page) or a training takes."""
    path = tmp_path / "block.toml"
    path.write_text(block, encoding="utf-8")
    if document.name == "generator.md":
        assert load_recipe("wide", path) != get_recipe("wide")
    else:
        assert load_toml(TrainConfig, path) != TrainConfig()


def test_the_readme_has_the_two_lines():
    lines = [line for block in blocks(ROOT / "README.md", "bash") for line in block.splitlines()]
    setup = [line for line in lines if line.startswith("python3 -m venv .venv && .venv/bin/pip install")]
    assert sum(".venv/bin/anystar segment examples/" in line for line in setup) == 1
    assert sum(line.endswith("&& ./check") for line in setup) == 1
