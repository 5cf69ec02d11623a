"""Kernels of a first run are compiled in processes beside it."""

import numba
import pytest

from anystar.runtime import precompile
from anystar.runtime.precompile import precompiled

MODULE = """
import sys, time
print(sys.argv)
for part in sys.argv[1:]:
    open(part, "x").close()
    time.sleep(60 if part == "slow" else 0)
    open(f"{part} to the end", "x").close()
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder for compiled kernels, in which a module of that name lies beside."""
    (tmp_path / "made.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "kernels"))
    monkeypatch.setattr(precompile, "num_cores", lambda: 2)
    return tmp_path / "kernels"


def test_every_part_is_run_once_and_waited_for(folder, capfd):
    said = []
    with precompiled("made", ["one", "two", "three"]) as wait:
        wait(lambda: said.append("compiling"))
        assert {path.name for path in folder.parent.iterdir()} >= {"one", "two", "three"}
        wait(lambda: said.append("again"))
    assert said == ["compiling"]
    assert capfd.readouterr() == ("", "")


def test_what_still_runs_at_the_end_is_stopped(folder):
    with precompiled("made", ["slow"]), pytest.raises(RuntimeError):
        raise RuntimeError
    assert not (folder.parent / "slow to the end").exists()


def test_modules_in_the_users_folder_are_left_alone(folder, monkeypatch):
    monkeypatch.delenv("PYTHONPATH")
    with precompiled("made", ["one"]) as wait:
        wait(lambda: None)
    assert not (folder.parent / "one").exists()


@pytest.mark.parametrize("why", ["kept", "one core", "not compiled at all", "not writable", "no Python"])
def test_nothing_is_started_in_vain(folder, monkeypatch, why):
    if why == "kept":
        folder.mkdir()
        (folder / "kernels.double-1.py311.nbi").touch()
    elif why == "one core":
        monkeypatch.setattr(precompile, "num_cores", lambda: 1)
    elif why == "not compiled at all":
        monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    elif why == "no Python":
        monkeypatch.setattr(precompile.sys, "executable", "")
    else:
        folder.write_text("a file")
    with precompiled("made", ["one"]) as wait:
        wait(lambda: pytest.fail("nothing to wait for"))
    assert not (folder.parent / "one").exists()
