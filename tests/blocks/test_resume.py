"""Interrupted at any moment, a run goes on and comes to the same result."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import zarr

from anystar import filters, io
from anystar.arrays import Volume
from anystar.blocks import run, tasks
from anystar.blocks.journal import Journal
from anystar.blocks.lazy_array import LazyArray
from anystar.blocks.plan import read_plan, write_plan
from anystar.errors import AlreadyDone
from anystar.io import unfinished
from tests.blocks.conftest import labels_of

HOW = {"diameter": 3.3, "prob_thresh": 0.25, "tiles_along": 2, "block": (16, 16, 64), "hold": 0}


class Killed(BaseException):
    """What no code catches, like SIGKILL."""


@pytest.fixture
def dies_at(monkeypatch):
    """Let the run die before or after the n-th line of its journal is written."""
    honest = Journal.add

    def prepare(number, *, written):
        count = 0

        def add(self, *args, **entry):
            nonlocal count
            count += 1
            if count == number and not written:
                raise Killed
            honest(self, *args, **entry)
            if count == number:
                with open(self.path, "ab") as file:
                    file.write(b'{"stage": "network", "blo')  # the next line, cut off
                raise Killed

        monkeypatch.setattr(Journal, "add", add)

    yield prepare
    monkeypatch.setattr(Journal, "add", honest)


def test_wherever_it_dies_it_goes_on_and_repeats_nothing_finished(
    tmp_path, model, image, sized, dies_at, monkeypatch
):
    source, honest = image(), Journal.add
    sized(source, tmp_path / "whole.zarr", model=model, table=tmp_path / "whole.csv", **HOW)
    tiles = len(model.network.seen)
    model.network.seen.clear()
    where = tmp_path / "again.zarr"
    args = {"model": model, "table": tmp_path / "again.csv", **HOW}
    deaths = (
        (3, True),
        (2, False),
        (4, True),
        (7, False),
        (5, True),
        (2, False),
        (9, True),
        (6, False),
        (8, True),
    )
    for times, (number, written) in enumerate(deaths):
        dies_at(number, written=written)
        with pytest.raises(Killed):
            sized(source, where, resume=times > 0, **args)
        assert not where.exists()
    monkeypatch.setattr(Journal, "add", honest)
    sized(source, where, resume=True, **args)
    np.testing.assert_array_equal(labels_of(where), labels_of(tmp_path / "whole.zarr"))
    assert (tmp_path / "again.csv").read_text() == (tmp_path / "whole.csv").read_text()
    # Up to two of the interruptions hit a block of the network before it was noted: at most these run again
    assert tiles <= len(model.network.seen) <= tiles + 2 * 8
    assert not list(tmp_path.glob(".again*"))


def test_what_differs_is_named_and_nothing_is_begun_twice(tmp_path, model, image, sized, dies_at):
    source, out = image(), tmp_path / "a.zarr"
    dies_at(2, written=True)
    with pytest.raises(Killed):
        sized(source, out, model=model, **HOW)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match="begun and not finished; add resume=True to go on, or"):
        sized(source, out, model=model, **HOW)
    other = HOW | {"prob_thresh": 0.3, "nms_thresh": 0.1}
    with pytest.raises(ValueError, match=r"\(prob_thresh was 0.25, is 0.3, nms_thresh was 0.3, is 0.1\)"):
        sized(source, out, model=model, resume=True, **other)
    with pytest.raises(ValueError, match=r"memory was 0, is 4000000000"):
        sized(source, out, model=model, resume=True, memory=4 * 10**9, **HOW)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_not_begun_is_begun_and_what_is_finished_is_said_to_be(tmp_path, model, image, sized):
    source, out, table = image(), tmp_path / "a.zarr", tmp_path / "a.csv"
    how = {"model": model, "table": table, "resume": True, **HOW}
    table.write_text("mine")
    with pytest.raises(ValueError, match=r"a\.csv exists already; add overwrite=True"):
        sized(source, out, **how)
    assert table.read_text() == "mine"
    table.unlink()
    outcome = sized(source, out, **how)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(
        AlreadyDone, match=rf"a\.zarr is finished, {outcome.num_objects} objects; nothing"
    ) as told:
        sized(source, out, memory=4 * 10**9, **how)  # which decides nothing
    assert told.value.num_objects == outcome.num_objects
    with pytest.raises(ValueError, match=r"begun differently \(diameter was 3.3, is 4\)"):
        sized(source, out, **how | {"diameter": 4})
    with pytest.raises(
        ValueError, match=r"finished but .*p\.png is not there; make both anew with overwrite"
    ):
        sized(source, out, overview=tmp_path / "p.png", **how)
    io.write(tmp_path / "b.zarr", Volume(data=np.ones((8, 8, 8), np.uint8)))
    with pytest.raises(ValueError, match=r"b\.zarr exists already; add overwrite=True"):
        sized(source, tmp_path / "b.zarr", **how)
    assert sorted(p for p in tmp_path.rglob("*") if "b.zarr" not in p.parts) == before


def test_another_image_of_the_same_name_is_refused(tmp_path, model, image, sized, dies_at):
    source, out, honest = image(), tmp_path / "a.zarr", Journal.add
    dies_at(2, written=True)
    with pytest.raises(Killed):
        sized(source, out, model=model, **HOW)
    Journal.add = honest
    path, data = source.address.file, source.read()
    io.write(path, source.place(np.ascontiguousarray(data[:, :, ::-1])))
    with pytest.raises(ValueError, match="a digest of the image's voxels was"):
        sized(io.open_image(path, spacing=source.spacing), out, model=model, resume=True, **HOW)
    io.write(path, source.place(data))  # as it was, written anew
    whole = sized(io.open_image(path, spacing=source.spacing), out, model=model, resume=True, **HOW)
    assert whole.num_objects > 0
    io.write(path, source.place(np.ascontiguousarray(data[::-1])))
    with pytest.raises(ValueError, match="a digest of the image's voxels was"):
        sized(io.open_image(path, spacing=source.spacing), out, model=model, resume=True, **HOW)


def test_other_filters_are_refused(tmp_path, model, image, sized, dies_at):
    source, out, honest = image(), tmp_path / "a.zarr", Journal.add
    how = {"model": model, "keep": lambda part: filters.relevant(part, [filters.volume(16)]), **HOW}
    dies_at(2, written=True)
    with pytest.raises(Killed):
        sized(source, out, text="--min-volume 16", **how)
    Journal.add = honest
    with pytest.raises(ValueError, match=r"\(filters was --min-volume 16, is --min-volume 5\)"):
        sized(source, out, text="--min-volume 5", resume=True, **how)
    plan = tmp_path / ".a.zarr.run" / "plan.toml"
    found = read_plan(plan)
    write_plan(plan, replace(found, request=replace(found.request, filters=None)))  # of an older version
    assert sized(source, out, text="--min-volume 5", resume=True, **how).num_filtered > 0


@pytest.mark.parametrize("where", ["not listed", "appeared", "half removed"])
def test_killed_when_the_labels_have_appeared(tmp_path, model, image, sized, monkeypatch, where):
    """Before the image lists them, or before all of the run's own files are gone."""
    store = tmp_path / "image.zarr"
    io.write(store, Volume(data=image().read(), spacing=(1.0, 0.5, 0.5)))
    source, out, folder = io.open_image(store), store / "labels" / "cells", store / "labels" / ".cells.run"
    how = {"model": model, "table": tmp_path / "a.csv", **HOW}
    how["keep"] = lambda part: filters.relevant(part, [filters.volume(16)])
    sized(source, tmp_path / "whole.zarr", **how | {"table": tmp_path / "whole.csv"})

    close = Journal.close

    def dies(*args, **kwargs):
        if not out.exists():
            return
        if where == "half removed":
            (folder / "journal").unlink()
        raise Killed

    with monkeypatch.context() as patch:
        if where == "not listed":
            patch.setattr(unfinished, "register", dies)
        elif where == "appeared":
            patch.setattr(Journal, "close", lambda journal: dies(close(journal)))
        else:
            patch.setattr(run, "shutil", SimpleNamespace(rmtree=dies))
        with pytest.raises(Killed):
            sized(source, out, resume=True, **how)
    assert out.exists()
    assert folder.exists()
    if where == "half removed":
        with pytest.raises(AlreadyDone):
            sized(source, out, resume=True, **how)
    else:
        assert sized(source, out, resume=True, **how).num_filtered > 0
    assert not list((store / "labels").glob(".*"))
    assert zarr.open_group(store / "labels", mode="r").attrs["ome"]["labels"] == ["cells"]
    np.testing.assert_array_equal(labels_of(out), labels_of(tmp_path / "whole.zarr"))
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "whole.csv").read_text()


def test_a_full_disk_loses_nothing(tmp_path, model, image, sized, monkeypatch):
    source, out, honest = image(), tmp_path / "a.zarr", tasks.write_candidates
    calls = []

    def full(path, rows):
        calls.append(path)
        if len(calls) == 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        honest(path, rows)

    monkeypatch.setattr(tasks, "write_candidates", full)
    with pytest.raises(OSError, match=r"no space left beside .*; the finished blocks are kept; correct this"):
        sized(source, out, model=model, **HOW)
    assert not out.exists()
    assert (tmp_path / ".a.zarr.run" / "journal").read_text().count('"stage": "network"') == 3
    sized(source, out, model=model, resume=True, **HOW)
    assert labels_of(out).any()


def test_a_missing_voxel_is_filled_as_at_once(tmp_path, model, sized, image):
    data = io.read(image().address.file).data.astype(np.float32)
    data[-3, -3, -3] = np.nan
    np.save(tmp_path / "nan.npy", data)
    source = io.open_image(tmp_path / "nan.npy", spacing=(1.0, 0.5, 0.5))
    sized(source, tmp_path / "a.zarr", model=model, **HOW)
    at_once = model.segment(data, spacing=source.spacing, diameter=3.3, prob_thresh=0.25).labels
    assert ((labels_of(tmp_path / "a.zarr") > 0) == (at_once > 0)).all()
    assert np.isnan(LazyArray(source)[:, :, :]).sum() == 1  # it is read as it is


def test_blank_parts_cost_no_network(tmp_path, model, image, sized):
    data = io.read(image().address.file).data
    data[:, 20:] = 0
    np.save(tmp_path / "half.npy", data)
    source = io.open_image(tmp_path / "half.npy", spacing=(1.0, 0.5, 0.5))
    sized(image(), tmp_path / "full.zarr", model=model, **HOW)
    full = len(model.network.seen)
    model.network.seen.clear()
    sized(source, tmp_path / "half.zarr", model=model, **HOW)
    assert 0 < len(model.network.seen) < full
    assert labels_of(tmp_path / "half.zarr")[:, :18].any()
    assert not labels_of(tmp_path / "half.zarr")[:, 32:].any()


KILLED = """
import sys
from pathlib import Path
import pytest
from tests.blocks.conftest import segment_small
segment_small(Path(sys.argv[1]), resume=sys.argv[2] == "resume")
"""


@pytest.mark.slow
def test_kill_minus_nine(tmp_path):
    """A process of its own, killed as soon as it has finished a few blocks."""
    journal = tmp_path / ".a.zarr.run" / "journal"

    def start(how):
        return subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path), how])

    process = start("begin")
    deadline = time.monotonic() + 120
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= 3):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "a.zarr").exists()
    lines = journal.read_bytes().splitlines()[:3]
    assert start("resume").wait() == 0
    assert len(lines) == 3
    done = start("begin")  # finished: refused
    assert done.wait() != 0
    assert labels_of(tmp_path / "a.zarr").any()
    assert not journal.exists()


DAMAGE = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "changed": lambda content: content[: len(content) // 2] + bytes(8) + content[len(content) // 2 + 8 :],
    "gone": lambda content: None,
}


@pytest.mark.parametrize("stage", ["network", "suppression", "overlaps", "labels"])
def test_whatever_is_damaged_is_made_again(tmp_path, model, image, sized, monkeypatch, stage):
    """Files of each kind, of a run that died in a stage; the result is that of an undisturbed run."""
    source = image(shape=(16, 24, 80))
    how = {"model": model, "table": tmp_path / "a.csv", **HOW, "tiles_along": 1, "block": (64, 64, 64)}
    sized(source, tmp_path / "whole.zarr", **how | {"table": tmp_path / "whole.csv"})
    died, honest = tmp_path / "died", Journal.add

    def add(self, name, block, **entry):
        honest(self, name, block, **entry)
        if name == stage and len(self.of(stage)) == (1 if stage == "labels" else 2):
            raise Killed

    monkeypatch.setattr(Journal, "add", add)
    with pytest.raises(Killed):
        sized(source, died / "a.zarr", **how)
    monkeypatch.setattr(Journal, "add", honest)
    files = [p.relative_to(died) for p in sorted(died.rglob("*")) if p.is_file() and p.stat().st_size]
    kinds = {p.parent.parent.name if p.suffix in (".found", ".npz") else p.name[-12:]: p for p in files}
    assert len(kinds) >= 3
    for number, path in enumerate(p for p in kinds.values() if p.name != "plan.toml"):
        for name, damage in list(DAMAGE.items())[number % 2 :: 2]:
            shutil.rmtree(tmp_path / "again", ignore_errors=True)
            shutil.copytree(died, tmp_path / "again")
            content = damage((tmp_path / "again" / path).read_bytes())
            (tmp_path / "again" / path).unlink()
            if content is not None:
                (tmp_path / "again" / path).write_bytes(content)
            sized(source, tmp_path / "again" / "a.zarr", resume=True, overwrite=False, **how)
            where = f"{path} {name}"
            labels = labels_of(tmp_path / "again" / "a.zarr")
            np.testing.assert_array_equal(labels, labels_of(tmp_path / "whole.zarr"), err_msg=where)
            assert (tmp_path / "a.csv").read_text() == (tmp_path / "whole.csv").read_text(), where
            (tmp_path / "a.csv").unlink()


def test_a_damaged_plan_is_refused_with_a_way_out(tmp_path, model, image, sized, dies_at):
    source = image(shape=(24, 36, 32))
    dies_at(2, written=True)
    with pytest.raises(Killed):
        sized(source, tmp_path / "a.zarr", model=model, **HOW)
    plan = tmp_path / ".a.zarr.run" / "plan.toml"
    content = plan.read_bytes()
    for damage in DAMAGE.values():
        if (damaged := damage(content)) is not None:
            plan.write_bytes(damaged)
            with pytest.raises(ValueError, match=r"plan.toml is damaged; begin anew with overwrite=True"):
                sized(source, tmp_path / "a.zarr", model=model, resume=True, **HOW)
