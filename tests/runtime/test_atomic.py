"""Files appear whole or not at all."""

import os
import platform
import subprocess
import sys

import pytest

from anystar.runtime.atomic import remove_partial, staged, write_csv


def test_both_or_none(tmp_path):
    one, two = tmp_path / "one.txt", tmp_path / "deep" / "er" / "two.txt"
    with pytest.raises(FileNotFoundError), staged(one, two) as (a, _):
        a.rename(tmp_path / "no" / "such" / "folder")
    assert list(tmp_path.iterdir()) == []
    with staged(one, two) as (a, b):
        assert a.name.endswith("one.txt")
        a.write_text("1")
        b.write_text("2")
    assert (one.read_text(), two.read_text()) == ("1", "2")
    assert [p.name for p in two.parent.iterdir()] == ["two.txt"]


def test_a_table_is_kept_if_its_successor_cannot_be_written(tmp_path):
    path = tmp_path / "a.csv"
    write_csv(path, ("name", "value"), [("µ, one", 1), ("two", "")])
    assert path.read_bytes() == 'name,value\r\n"µ, one",1\r\ntwo,\r\n'.encode()
    with pytest.raises(ZeroDivisionError):
        write_csv(path, ("name",), ([1 / n] for n in (1, 0)))
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]
    assert len(path.read_text(encoding="utf-8").splitlines()) == 3


def test_an_unwritable_place_is_known_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "a.txt", tmp_path):
        with pytest.raises(OSError, match=r"irectory|File exists"), staged(tmp_path / "fine.txt", place):
            pytest.fail("the work began")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_names_must_differ(tmp_path):
    with pytest.raises(ValueError, match="different names"), staged(tmp_path / "a", tmp_path / "a"):
        pytest.fail("the work began")


def test_permissions_are_those_of_any_new_file(tmp_path):
    (tmp_path / "usual").touch()
    with staged(tmp_path / "a") as (a,):
        a.unlink()
        a.touch(mode=0o600)
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_full_disk_is_told_with_its_place(tmp_path):
    cases = [OSError(28, "No space left on device"), OSError("64000 requested and 55264 written")]
    cases.append(OSError(28, "No space left on device", str(tmp_path / ".12@here.partial..34.partial.a.npy")))
    for error in cases:
        with pytest.raises(OSError, match="No space left") as caught, staged(tmp_path / "a.npy"):
            raise error
        assert caught.value.errno == 28
        assert caught.value.filename == str(tmp_path / "a.npy")
    with pytest.raises(OSError, match="something else"), staged(tmp_path / "a.npy"):
        raise OSError("something else")
    assert list(tmp_path.iterdir()) == []


def test_what_killed_processes_left_is_removed(tmp_path):
    (tmp_path / "in").mkdir()
    mine, here = os.getpid(), platform.node()
    kept = [f".{mine}@{here}.partial.a.tif", f".{mine}.partial.b.tif", "c.partial.tif", ".d.partial.tif"]
    gone = [
        f".999999999@{here}.partial.a.tif",
        ".999999999.partial.b.tif",
        f".{mine}@elsewhere.partial.c.tif",
    ]
    for name in kept + gone:
        (tmp_path / "in" / name).touch()
    remove_partial(tmp_path)
    assert sorted(p.name for p in (tmp_path / "in").iterdir()) == sorted(kept)


def test_a_folder_that_cannot_be_written_is_named_by_the_file(tmp_path, monkeypatch):
    def touch(path):  # who runs the tests may be allowed everything
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.touch", touch)
    with pytest.raises(PermissionError) as caught, staged(tmp_path / "a.npy"):
        pass
    assert caught.value.filename == str(tmp_path / "a.npy")


def test_what_a_killed_process_left_goes_with_the_next_run(tmp_path):
    """Of this machine only, of that file only, and not of a process that lives."""
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    number, node = int(dead.stdout), platform.node()
    left = tmp_path / f".{number}@{node}.partial.a.tif"
    others = [
        tmp_path / f".{number}@elsewhere.partial.a.tif",
        tmp_path / f".{os.getppid()}@{node}.partial.a.tif",
        tmp_path / f".{number}@{node}.partial.b.tif",
    ]
    for path in (left, *others):
        path.write_text("half")
    with staged(tmp_path / "a.tif") as (temporary,):
        temporary.write_text("whole")
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "a.tif", *others])
