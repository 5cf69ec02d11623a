"""Corrections on the disk: what was painted is there again after a crash."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anystar.correction import Corrections
from anystar.correction.journal import ImageKey, Journal, find_unsaved, recover
from anystar.errors import FileError
from tests.correction.scenes import PLACES, SHAPE, assert_same, labels_of_four, result_of_four, snapshot
from tests.correction.test_corrections import EDITS, make

IMAGE = np.arange(np.prod(SHAPE), dtype=np.uint16).reshape(SHAPE)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


def recorded(folder, *, path=None, corrections=None):
    path = path or folder / "embryo.tif"
    key = ImageKey.of(IMAGE, path=path)
    corrections = corrections or Corrections.of_labels(labels_of_four())
    corrections.recorder = Journal(key)
    return corrections, key


@given(edits=st.lists(EDITS, max_size=6))
@settings(max_examples=25)
def test_everything_is_recovered_with_its_history(edits, tmp_path_factory):
    corrections, key = recorded(tmp_path_factory.mktemp("images"))
    for edit in edits:
        make(corrections, edit)
    found = find_unsaved(key)
    assert found == []  # in use
    corrections.recorder._file and corrections.recorder._file.close()  # as if the program had ended
    found = find_unsaved(key)
    if not corrections.recorder.unsaved:
        assert not found
        return
    again, journal = recover(found[0].path, key)
    assert_same(again, snapshot(corrections))
    assert again.history == corrections.history
    while corrections.can_undo:
        corrections.recorder = None
        corrections.undo()
        again.undo()
    assert_same(again, snapshot(corrections))
    journal.saved(Path("labels.tif"))
    journal.close()
    assert not find_unsaved(key)


def test_nothing_is_written_before_the_first_edit_and_nothing_stays_once_all_is_saved(tmp_path):
    corrections, _ = recorded(tmp_path)
    assert list(tmp_path.iterdir()) == []
    corrections.delete(1)
    assert [p.name for p in tmp_path.iterdir()] == ["embryo.tif.corrections"]
    corrections.recorder.saved(tmp_path / "labels.tif")
    corrections.recorder.close()
    assert list(tmp_path.iterdir()) == []


def test_polyhedra_and_probabilities_are_kept(tmp_path):
    corrections, key = recorded(tmp_path, corrections=Corrections.of(result_of_four()))
    corrections.add_at(PLACES[3])
    corrections.recorder.close()
    again, journal = recover(find_unsaved(key)[0].path, key)
    assert_same(again, snapshot(corrections))
    again.delete(1)  # goes on in the same file
    journal.close()
    more, journal = recover(find_unsaved(key)[0].path, key)
    assert more.history == ("added 4", "deleted 1")
    journal.close()


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_an_entry_that_was_cut_off_is_as_not_written(tmp_path, cut):
    corrections, key = recorded(tmp_path)
    corrections.delete(1)
    before = snapshot(corrections)
    corrections.merge([5, 9])
    corrections.recorder.close()
    (found,) = find_unsaved(key)
    with open(found.path, "r+b") as file:
        file.truncate(found.path.stat().st_size - cut)
    again, journal = recover(found.path, key)
    assert_same(again, before)
    again.delete(2)
    journal.close()
    again, journal = recover(found.path, key)
    assert again.history == ("deleted 1", "deleted 2")
    journal.close()


def test_what_was_not_saved_is_never_overwritten(tmp_path):
    for label in (1, 2):
        corrections, key = recorded(tmp_path)
        corrections.delete(label)
        corrections.recorder.close()
    assert {p.name for p in tmp_path.iterdir()} == {"embryo.tif.corrections", "embryo.tif.corrections-2"}
    histories = set()
    for found in find_unsaved(key):
        again, journal = recover(found.path, key)
        histories.add(again.history)
        with pytest.raises(FileError, match="in use"):
            recover(found.path, key)
        journal.close()
    assert histories == {("deleted 1",), ("deleted 2",)}


def test_another_image_of_the_same_name_is_not_offered_it(tmp_path):
    corrections, key = recorded(tmp_path)
    corrections.delete(1)
    corrections.recorder.close()
    assert find_unsaved(key)
    assert not find_unsaved(ImageKey.of(IMAGE + 1, path=key.path))


def test_the_user_folder_takes_over_where_the_image_cannot_be_written_beside(tmp_path):
    (tmp_path / "file").write_text("no folder")
    corrections, key = recorded(tmp_path, path=tmp_path / "file" / "embryo.tif")
    corrections.delete(1)
    assert corrections.recorder.path.is_relative_to(tmp_path / "home")
    assert "cannot be written" in corrections.recorder.note
    corrections.recorder.close()
    assert find_unsaved(key)[0].edits == 1


def test_an_edit_stays_in_memory_where_nothing_can_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    corrections, _ = recorded(tmp_path, path=tmp_path / "file" / "embryo.tif")
    corrections.delete(1)
    assert "save them soon" in corrections.recorder.note
    assert 1 not in corrections.rows
    assert corrections.undo() is not None


def test_a_full_disk_costs_no_edit(tmp_path):
    corrections, key = recorded(tmp_path)
    corrections.delete(1)

    class Full:
        def __init__(self, file):
            self.file = file

        def write(self, data):
            self.file.write(data[: len(data) // 2])
            raise OSError(28, "No space left on device")

        def __getattr__(self, name):
            return getattr(self.file, name)

    corrections.recorder._file = Full(corrections.recorder._file)
    corrections.delete(2)
    assert "No space left" in corrections.recorder.note
    corrections.undo()  # there is room again
    corrections.delete(5)
    corrections.recorder.close()
    newest = max(find_unsaved(key), key=lambda one: one.edits)
    again, journal = recover(newest.path, key)
    assert_same(again, snapshot(corrections))
    journal.close()


PAINTER = """
import sys, time
from pathlib import Path
import numpy as np
from anystar.correction import Corrections
from anystar.correction.journal import ImageKey, Journal
image = np.load(sys.argv[1])
labels = np.zeros(image.shape, np.int32)
corrections = Corrections.of_labels(labels)
corrections.recorder = Journal(ImageKey.of(image, path=Path(sys.argv[1])))
for label in range(1, 10_000):
    z, y, x = label % 20, 2 * label % 30, 3 * label % 30
    where = tuple(a.ravel() for a in np.mgrid[z : z + 3, y : y + 5, x : x + 5])
    corrections.paint(where, label, over=True)
    print(label, flush=True)
"""


def test_a_program_that_is_killed_loses_nothing_that_it_had_painted(tmp_path):
    path = tmp_path / "image.npy"
    np.save(path, IMAGE)
    command = [sys.executable, "-c", PAINTER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as program:
        last = 0
        while last < 7:
            last = int(program.stdout.readline())
        program.send_signal(signal.SIGKILL)
        rest = program.stdout.read().split()
    last = max([last, *(int(line) for line in rest if line.isdigit())])
    key = ImageKey.of(IMAGE, path=path)
    for _ in range(50):  # the lock ends with the program
        if find_unsaved(key):
            break
        time.sleep(0.1)
    again, journal = recover(find_unsaved(key)[0].path, key)
    assert len(again.history) in (last, last + 1)  # one may have been written but not printed
    assert again.rows[last].provenance == "painted"
    journal.close()
