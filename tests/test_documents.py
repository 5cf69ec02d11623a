"""What the documents tell people to type works, as they tell it.

The ``bash`` and ``python`` blocks of a page run one after the other in one folder, as a reader would paste
them. Blocks that need another machine, hours, or somebody else's data are marked ``console`` or ``text`` and
do not run.
"""

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from anystar.cli.group import _COMMANDS
from anystar.config import load_toml
from anystar.synth.recipes import get_recipe, load_recipe
from anystar.train import TrainConfig

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    ROOT / "README.md",
    *sorted(p for p in (ROOT / "docs").rglob("*.md") if "generated" not in p.parts),
]
SETUP = "python3 -m venv .venv "
HOURS = re.compile(r"^(anystar (?:train|synthesize|reproduce|data (?:get|check)) .*)$", re.M)
"""Commands that take hours, or others' data, at full size."""
COSTLY = (
    "batch.md",
    "correct-and-teach.md",
    "corrections.md",
    "fiji.md",
    "fine-tuning.md",
    "own-image.md",
    "tracking.md",
)
"""Pages of a minute and more, or that need further packages: they run in ``.ci/run``."""
NEEDS = {
    "batch.md": ("pandas",),
    "corrections.md": ("napari",),
    "tracking.md": ("laptrack", "napari", "pandas"),
}
"""Packages that a page names for its readers to install."""

DRIVER = """
import json, subprocess, sys

names = {"__name__": "__main__"}
for language, code in json.loads(sys.argv[1]):
    print(f"--- {language}", code, sep="\\n", flush=True)
    if language == "python":
        exec(compile(code, "<page>", "exec"), names)
    else:
        subprocess.run(["bash", "-euo", "pipefail", "-c", code], check=True)
"""


def blocks(document, *languages):
    """The language and the text of every block of code in these languages."""
    found = re.findall(rf"^```({'|'.join(languages)})\n(.*?)^```", document.read_text("utf-8"), re.M | re.S)
    return [(language, code) for language, code in found]


def shortened(document, code):
    """The commands of a block in minutes: guides at toy size, elsewhere only that the options exist."""
    code = "\n".join(line for line in code.splitlines() if not line.startswith(SETUP))
    if document.parent.name in ("tutorials", "how-to"):
        code = re.sub(r"^(anystar train --fine-tune .*)$", r"\1 --iterations 2", code, flags=re.M)
        return re.sub(r"(?<=\s)(-n|--iterations|--minutes) [\d_.]+", r"\1 2", code)
    return HOURS.sub(r"\1 --help", re.sub(r" +# .*", "", code))


def check_tracks(tracks, start, speed, layer):
    """The balls of the page are tracked from start to end, but for the one that leaves."""
    import numpy as np

    from anystar import io

    assert tracks["track_id"].nunique() == len(start)
    for _, track in tracks.groupby("track_id"):
        places = track.sort_values("time")[["z_um", "y_um", "x_um"]].to_numpy()
        ball = np.linalg.norm(start - places[0], axis=1).argmin()
        inside = places[: 3 if ball == 7 else None]
        assert len(places) == 6 or ball == 7
        assert np.abs(inside - (start[ball] + np.arange(len(inside))[:, None] * speed[ball])).max() < 1.5
    assert layer.data.shape == (len(tracks), 5)
    for time in range(6):
        with io.open_image("tracks.ome.zarr", time=time) as image:
            here = tracks[tracks["time"] == time]
            assert set(np.unique(image.read())) == {0, *(here["track_id"] + 1)}


CHECKS = {
    "fine-tuning.md": [("bash", "test -s thresholds.toml")],
    "tracking.md": [
        ("python", f"{inspect.getsource(check_tracks)}\ncheck_tracks(tracks, start, speed, layer)")
    ],
}
"""What must hold at the end of a page."""


def pages():
    for document in DOCUMENTS:
        steps = [
            (language, shortened(document, code)) for language, code in blocks(document, "bash", "python")
        ]
        if steps:
            marks = [pytest.mark.costly] if document.name in COSTLY else []
            name = document.relative_to(ROOT).as_posix()
            steps += CHECKS.get(document.name, [])
            yield pytest.param(document.name, steps, id=name, marks=[pytest.mark.slow, *marks])


@pytest.mark.parametrize(("page", "steps"), list(pages()))
def test_a_page_runs_from_start_to_end(tmp_path, page, steps):
    for package in NEEDS.get(page, ()):
        pytest.importorskip(package)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    programs = tmp_path / ".programs"
    programs.mkdir()
    for name, module in (("anystar", "-m anystar"), ("python", "")):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        (programs / name).chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(steps)],
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "agg", "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for written in re.findall(r"^ *wrote (.+)", done.stdout, re.M):
        assert (tmp_path / written).stat().st_size > 0


def test_shortened_commands():
    guide, reference = ROOT / "docs" / "how-to" / "x.md", ROOT / "docs" / "reference" / "x.md"
    assert (
        shortened(guide, "anystar train --iterations 180_000 -n 30\n") == "anystar train --iterations 2 -n 2"
    )
    assert shortened(reference, "anystar train --out x  # hours\nanystar measure a\n") == (
        "anystar train --out x --help\nanystar measure a"
    )
    assert shortened(reference, f"{SETUP}&& x\nls\n") == "ls"


def test_every_command_is_explained():
    """A command that no guide, tutorial or README uses cannot be found by a reader."""
    guides = [p for p in DOCUMENTS if p.name == "README.md" or "reference" not in p.parts]
    text = "\n".join(path.read_text("utf-8") for path in guides)
    assert [name for name in _COMMANDS if not re.search(rf"\banystar {name}\b", text)] == []


def settings():
    for document in DOCUMENTS:
        for number, (_, block) in enumerate(blocks(document, "toml")):
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
    lines = [line for _, block in blocks(ROOT / "README.md", "bash") for line in block.splitlines()]
    setup = [line for line in lines if line.startswith(SETUP)]
    assert len(setup) == 2
    assert sum("anystar segment examples/" in line for line in setup) == 1
    assert sum(line.endswith("&& ./check") for line in setup) == 1
