"""The same blocks on Dask workers, of which one dies in every stage."""

import os
import signal
from dataclasses import dataclass

import numpy as np
import psutil
import pytest
import torch

from anystar.blocks import lazy_model, scheduler
from tests.blocks.conftest import SMALL_TILES, labels_of
from tests.predict.stub import stub_model


@dataclass(frozen=True)
class Small:
    """A stub with small tiles in any process, those without fixtures too."""

    num_rays, device = 32, torch.device("cpu")

    def tiles(self, shape):
        return self._detector.tiles(shape)

    def detect_tile(self, image, tile, *, floor, tta):
        return self._detector.detect_tile(image, tile, floor=floor, tta=tta)

    @property
    def _detector(self):
        return stub_model(radius=4.0, tiling=SMALL_TILES).detector()


STAGES = ["network", "suppression", "votes", "overlaps", "labels", "overview"]
HOW = {"diameter": 3.3, "prob_thresh": 0.25, "tiles_along": 2, "block": (64, 64, 64)}


def kill_a_worker():
    """End one of the worker processes that this one has started."""
    children = psutil.Process().children(recursive=True)
    workers = [p for p in children if "spawn_main" in " ".join(p.cmdline())]
    assert len(workers) > 0
    os.kill(workers[0].pid, signal.SIGKILL)


@pytest.mark.slow
def test_lost_workers_lose_nothing(tmp_path, model, image, sized):
    source = image(shape=(20, 200, 60))
    args = {"model": model, "detector": Small(), **HOW}
    sized(source, tmp_path / "here.zarr", table=tmp_path / "here.csv", overview=tmp_path / "here.png", **args)
    killed = []

    def progress(done, total, stage):
        stage = stage.split(",")[0]
        if stage in STAGES and 1 <= done <= total - 2 and stage not in killed:
            killed.append(stage)
            kill_a_worker()

    there = {"dask": "local", "workers": 2, "progress": progress, "overview": tmp_path / "there.png"}
    outcome = sized(source, tmp_path / "there.zarr", table=tmp_path / "there.csv", **there, **args)
    assert killed == STAGES
    assert outcome.num_objects > 1000
    assert (tmp_path / "there.png").read_bytes() == (tmp_path / "here.png").read_bytes()
    np.testing.assert_array_equal(labels_of(tmp_path / "there.zarr"), labels_of(tmp_path / "here.zarr"))
    assert (tmp_path / "there.csv").read_text() == (tmp_path / "here.csv").read_text()


def test_tasks_may_run_again_late_and_in_any_order(tmp_path, model, image, sized, monkeypatch):
    """What a worker that was given up does after all, after a whole later stage, changes nothing."""
    source = image()
    args = {"model": model, "detector": Small(), **HOW, "block": (16, 16, 64)}
    sized(source, tmp_path / "here.zarr", table=tmp_path / "here.csv", **args)
    before, late, rounds = [], [], []
    rng = np.random.default_rng(0)

    def twice(function, items):
        items = list(items)  # all neighbours as they were when the round began
        rounds.append(len(items))
        for n in rng.permutation(len(items)):
            yield items[n], function(items[n])
        before.extend((function, item) for item in items[:3])
        for again, item in reversed(before):
            try:
                again(item)
            except FileNotFoundError:
                late.append(item)  # what it would read is gone: nothing is written either

    monkeypatch.setattr("anystar.blocks.run.in_turn", twice)
    sized(source, tmp_path / "there.zarr", table=tmp_path / "there.csv", **args)
    assert len(rounds) > 3
    assert late
    np.testing.assert_array_equal(labels_of(tmp_path / "there.zarr"), labels_of(tmp_path / "here.zarr"))
    assert (tmp_path / "there.csv").read_text() == (tmp_path / "here.csv").read_text()


def test_superseded_candidates_are_removed(tmp_path, model, image, sized, monkeypatch):
    honest, seen = scheduler.paint_all, []

    def look(run, *args):
        files = [p for p in run.candidates_folder.rglob("*") if p.is_file()]
        seen.append((len(files), len(run.tile_blocks)))
        honest(run, *args)

    monkeypatch.setattr("anystar.blocks.run.paint_all", look)
    sized(image(), tmp_path / "a.zarr", model=model, **HOW)
    ((files, blocks),) = seen
    assert files == blocks > 1


def test_workers_take_turns_on_several_gpus(monkeypatch):
    assert lazy_model.own_device("cpu") == "cpu"
    monkeypatch.setattr(lazy_model.torch.cuda, "device_count", lambda: 1)
    assert lazy_model.own_device("auto") == "auto"
    monkeypatch.setattr(lazy_model.torch.cuda, "device_count", lambda: 2)
    seen = []
    for number in range(4):
        monkeypatch.setattr(lazy_model, "_worker_number", lambda number=number: number)
        seen.append(lazy_model.own_device("auto"))
    assert seen == ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]
