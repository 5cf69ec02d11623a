"""All blocks of a run, stage after stage; what the journal knows is never done again."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np

from anystar.blocks.candidate_store import StoredCandidates, read_candidates
from anystar.blocks.journal import Journal
from anystar.blocks.overview import Surveyor
from anystar.blocks.painting import Source, paint
from anystar.blocks.tasks import FOUND, Run, Version, detect_block, suppress_block, vote_block
from anystar.io.label_store import LabelStore
from anystar.preprocess.arrays import corners
from anystar.runtime.progress import Progress

__all__ = ["Mapper", "count_objects", "find_objects", "in_turn", "paint_all", "survey_all", "survivors"]

Item = TypeVar("Item")
Result = TypeVar("Result")
_STAGES = ("network", "suppression", "votes", "overlaps")
"""Stages that decide about a block's candidates; each replaces the result of the one before."""


class Mapper(Protocol):
    """Calls a function of every item, here or elsewhere, and gives each with its result as it is finished."""

    def __call__(
        self, function: Callable[[Item], Result], items: Iterable[Item], /
    ) -> Iterator[tuple[Item, Result]]:
        """Yield items and results in any order."""


def in_turn(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
    """Call ``function`` of one item after the other, in this process."""
    for item in items:
        yield item, function(item)


def find_objects(run: Run, journal: Journal, mapper: Mapper, progress: Progress | None = None) -> None:
    """Run the network on every block, suppress, count the votes of the dropped, and suppress again."""
    num = len(run.tile_blocks)
    todo = (n for n in range(num) if journal.entry("network", n) is None)
    clock = _Clock("network", num, len(journal.of("network")), progress)
    for number, entry in _guarded(mapper(partial(detect_block, run), todo), run):
        journal.add("network", number, **entry)
        clock.tick()
    _decide("suppression", run, journal, mapper, progress)
    _count_votes(run, journal, mapper, progress)
    _decide("overlaps", run, journal, mapper, progress)


def _decide(stage: str, run: Run, journal: Journal, mapper: Mapper, progress: Progress | None) -> None:
    """Suppress, round after round, until every candidate is decided."""
    num = len(run.tile_blocks)
    state = _State(num, journal, until=stage)
    to_vote = stage == "suppression"
    _remove_superseded(run, journal, keep_found=to_vote)
    rounds = 0
    while len(waiting := np.flatnonzero(state.open)):
        before = state.open.sum()
        clock = _Clock(stage, num, num - len(waiting), progress)
        tasks = ((state.version(int(n)), state.near(int(n))) for n in waiting)
        for ((number, _), _), entry in _guarded(mapper(partial(suppress_block, run), tasks), run):
            journal.add(stage, number, **entry)
            state.update(number, entry)
            clock.tick()
        _remove_superseded(run, journal, keep_found=to_vote)
        rounds += 1
        # The first undecided candidate of all can always be decided
        assert state.open.sum() < before, f"round {rounds} of {stage} decided nothing"


def _count_votes(run: Run, journal: Journal, mapper: Mapper, progress: Progress | None) -> None:
    """Let all that was found vote on the outlines of what is kept, which is then undecided again."""
    num = len(run.tile_blocks)
    found, state = _State(num, journal, until="network"), _State(num, journal, until="suppression")
    holding = [n for n, entry in sorted(journal.of("suppression").items()) if entry["kept"]]
    done = journal.of("votes")
    tasks = ((state.version(n), found.near(n)) for n in holding if n not in done)
    clock = _Clock("votes", len(holding), len(done), progress)
    for ((number, _), _), entry in _guarded(mapper(partial(vote_block, run), tasks), run):
        journal.add("votes", number, **entry)
        clock.tick()


def _remove_superseded(run: Run, journal: Journal, *, keep_found: bool) -> None:
    """Remove the candidates that no later task will read; call while no task of the run is under way."""
    state = _State(len(run.tile_blocks), journal)
    last = {run.candidates_path(*state.version(n)) for n in range(len(state.versions))}
    if keep_found:
        last |= {run.candidates_path(n, FOUND) for n in range(len(state.versions))}
    for path in run.candidates_folder.glob("[0-9]*/[0-9]*"):
        if path not in last:
            path.unlink(missing_ok=True)


def count_objects(run: Run, journal: Journal) -> np.ndarray:
    """Return how many objects each block holds; call after :func:`find_objects`."""
    counts = np.zeros(len(run.tile_blocks), np.int64)
    for number, entry in journal.of("overlaps").items():
        counts[number] = entry["kept"]
    return counts


def paint_all(
    run: Run,
    journal: Journal,
    labels: LabelStore,
    dtype: str,
    mapper: Mapper,
    progress: Progress | None = None,
) -> None:
    """Draw and measure every block of the result."""
    counts = count_objects(run, journal)
    before = np.concatenate([[0], np.cumsum(counts)])
    state = _State(len(run.tile_blocks), journal)
    state.boxes[counts == 0] = np.nan
    size, origin = np.array(run.plan.choices.aspect), np.array(run.plan.choices.preprocessing.origin)
    done = journal.of("labels")
    num = len(run.boxes)

    def tasks() -> Iterator[tuple[int, tuple[Source, ...]]]:
        for number in range(num):
            if number not in done:
                first, end = corners(run.boxes[number])
                low, high = (first - origin - 0.5) * size - 1, (end - origin + 0.5) * size + 1
                yield number, tuple((*state.version(int(n)), int(before[n])) for n in state.within(low, high))

    clock = _Clock("labels", num, len(done), progress)
    for (number, _), entry in _guarded(mapper(partial(paint, run, labels, dtype), tasks()), run):
        journal.add("labels", number, **entry)
        clock.tick()


def survivors(run: Run, journal: Journal) -> Iterator[tuple[StoredCandidates, np.ndarray]]:
    """Yield what is left of each block's candidates, with their labels, which ascend."""
    counts = count_objects(run, journal)
    before = np.concatenate([[0], np.cumsum(counts)])
    state = _State(len(run.tile_blocks), journal)
    for number in np.flatnonzero(counts).tolist():
        rows, which = read_candidates(run.candidates_path(*state.version(number)), run.rays)
        yield rows, before[number] + 1 + which


def survey_all(
    surveyor: Surveyor, journal: Journal, mapper: Mapper, progress: Progress | None = None
) -> None:
    """Look at every block of the result for the overview image."""
    num = len(surveyor.run.boxes)
    done = {n for n, entry in journal.of("overview").items() if entry["kept"] == surveyor.version}
    clock = _Clock("overview", num, len(done), progress)
    todo = (n for n in range(num) if n not in done)
    for number, entry in _guarded(mapper(surveyor, todo), surveyor.run):
        journal.add("overview", number, **entry)
        clock.tick()


class _State:
    """What is known of each block's candidates: their file, how many are open, where they reach."""

    def __init__(self, num: int, journal: Journal, *, until: str = _STAGES[-1]) -> None:
        self.versions = [""] * num
        self.open = np.zeros(num, np.int64)
        self.boxes = np.full((num, 6), np.nan)
        self.reach = np.zeros(num)
        for stage in _STAGES[: _STAGES.index(until) + 1]:
            for number, entry in journal.of(stage).items():
                self.update(number, entry)

    def update(self, number: int, entry: dict[str, Any]) -> None:
        self.versions[number] = entry["version"]
        self.open[number] = entry["open"]
        self.boxes[number] = entry["box"] or np.nan
        self.reach[number] = entry["reach"]

    def version(self, number: int) -> Version:
        """Return the newest candidates of a block."""
        return number, self.versions[number]

    def near(self, number: int) -> tuple[Version, ...]:
        """Return the other blocks whose bodies may touch those of one."""
        box = self.boxes[number]
        touching = (self.boxes[:, :3] <= box[3:]).all(1) & (self.boxes[:, 3:] >= box[:3]).all(1)
        return tuple(self.version(int(n)) for n in np.flatnonzero(touching) if n != number)

    def within(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return the blocks whose bodies may reach into a box, or into bodies whose centres it holds."""
        touching = (self.boxes[:, :3] <= high).all(1) & (self.boxes[:, 3:] >= low).all(1)
        reach = self.reach[touching].max(initial=0)
        near = (self.boxes[:, :3] <= high + reach).all(1) & (self.boxes[:, 3:] >= low - reach).all(1)
        return np.flatnonzero(near)


class _Clock:
    """Reports the progress of a stage, and the time left at the pace so far."""

    def __init__(self, stage: str, total: int, done: int, progress: Progress | None) -> None:
        self.stage, self.total, self.done, self.progress = stage, total, done, progress
        self.before, self.began = done, time.monotonic()
        self._report()

    def tick(self) -> None:
        self.done += 1
        self._report()

    def _report(self) -> None:
        if self.progress is not None:
            self.progress(self.done, self.total, f"{self.stage}{self._left()}")

    def _left(self) -> str:
        if self.done == self.before or self.done == self.total:
            return ""
        pace = (time.monotonic() - self.began) / (self.done - self.before)
        return f", {_duration(pace * (self.total - self.done))} left"


def _duration(seconds: float) -> str:
    """Return a time as people say it.

    Examples
    --------
    >>> _duration(42), _duration(600), _duration(36000), _duration(400000)
    ('42 s', '10 min', '10 h', '5 days')
    """
    for limit, unit, name in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / 86400:.0f} days"


def _guarded(done: Iterator[Result], run: Run) -> Iterator[Result]:
    """Add to the error of a failed task that the finished blocks are kept."""
    advice = "the finished blocks are kept; correct this, then run the same again with resume=True"
    try:
        yield from done
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise OSError(f"no space left beside {run.folder}; {advice}") from error
        if error.errno:
            what = error.filename or run.folder
            raise OSError(f"{what}: {error.strerror}; {advice}") from error
        raise
    except ValueError as error:
        raise type(error)(f"{str(error).rstrip('.')}; {advice}") from error
