"""The tasks of a block, each of which any process can run.

1. ``detect_block`` runs the network on the block's tiles and stores its candidates.
2. ``suppress_block`` decides which candidates are kept, as far as those of the neighbouring blocks allow. It
   is repeated until all are decided.
3. ``vote_block`` lets all candidates near the kept ones vote on their outlines. Then ``suppress_block``
   follows again, since parts of one object may overlap only after the vote.
4. ``painting.paint`` draws the objects that reach into a box of the result, and measures those whose centre
   it holds.

What a stage does is :class:`anystar.predict.instances.InstanceStages`; here is only which candidates of which
blocks it gets, and what becomes of the answer.

A task reads files of the run's folder that its arguments name, writes one of its own, and returns what the
journal notes. It may run twice at once, be killed, or end after its run was given up and resumed. A file of
candidates appears whole or not at all, its name says what it was made from, and it is never changed.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from anystar.blocks.candidate_store import StoredCandidates, read_candidates, write_candidates
from anystar.blocks.lazy_array import LazyArray
from anystar.blocks.partition import Boxes, PassBlocks, TileBlocks, hull
from anystar.blocks.plan import Plan
from anystar.geometry.nms import DROPPED, KEPT, UNDECIDED
from anystar.geometry.rays import Rays, golden_spiral
from anystar.geometry.voting import vote
from anystar.io.lazy import LazyImage
from anystar.predict.candidates import Candidates
from anystar.predict.detector import TileDetector
from anystar.preprocess.arrays import ArrayLike, Box, PartInMemory
from anystar.preprocess.resample import ResampledImage

__all__ = [
    "FOUND",
    "Run",
    "Version",
    "detect_block",
    "noted",
    "numbered",
    "suppress_block",
    "vote_block",
]

Version = tuple[int, str]
"""A block, and which of its files of candidates."""
FOUND = "found"
"""The version of a block's candidates that nothing is decided of."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """A run as its tasks know it; travels to other processes by name, not by content."""

    folder: Path
    """Where its files lie."""
    plan: Plan
    image: LazyImage
    detector: TileDetector
    hold: int
    """Bytes of the image that a task may keep at once."""
    mask: LazyImage | None = None
    """Where objects may be, not 0 inside; shape of the image."""
    others: tuple[tuple[str, LazyImage], ...] = ()
    """Channels that are not segmented but measured: what their columns are named after, and image."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels of the image along Z, Y, X."""
        return self.plan.request.shape

    def lazy(self) -> LazyArray:
        """Return the image as an array, which notes how long it reads."""
        return LazyArray(self.image)

    def displayed(self, box: Box) -> tuple[np.ndarray, float]:
        """Return a box of the image for the overview, without NaN, and the seconds of reading."""
        settings, image = self.plan.choices.preprocessing, self.lazy()
        part = image[box] if settings.finite else settings.repaired(image, box)
        return part, image.seconds[0]

    def view(self, image: ArrayLike, zoom: float) -> ResampledImage:
        """Return what the network sees at a zoom."""
        choices = self.plan.choices
        prepared = choices.preprocessing.apply(image)
        return ResampledImage(prepared=prepared, zoom=choices.zooms(zoom), device=self.detector.device)

    @cached_property
    def tile_blocks(self) -> PassBlocks:
        """Blocks of the first two stages, those of each pass of the network after those of the one before."""
        image = self.lazy()
        shapes = [self.view(image, zoom).shape for zoom, _ in self.plan.choices.passes]
        axes = [self.detector.tiles(shape) for shape in shapes]
        return PassBlocks(tuple(TileBlocks(each, self.plan.tiles_along) for each in axes))

    @cached_property
    def boxes(self) -> Boxes:
        """Blocks of the last stage."""
        return Boxes(self.shape, self.plan.block)

    @cached_property
    def rays(self) -> Rays:
        """Directions of the distances."""
        return golden_spiral(self.detector.num_rays)

    @property
    def candidates_folder(self) -> Path:
        """Where all candidates lie."""
        return self.folder / "candidates"

    def candidates_path(self, number: int, version: str) -> Path:
        """Return where a version of the candidates of a block lies."""
        return numbered(self.candidates_folder, number, version)

    def rows(self, number: int, version: str, *, near: Sequence[float] | None = None) -> StoredCandidates:
        """Read a version of the candidates of a block, or those that reach into the box ``near``."""
        return read_candidates(self.candidates_path(number, version), self.rays, near)[0]

    def table_path(self, number: int) -> Path:
        """Return where the objects that a box owns lie."""
        return numbered(self.folder / "objects", number, "npz")


def numbered(folder: Path, number: int, suffix: str) -> Path:
    """Return the file of a block: a thousand a folder."""
    return folder / f"{number // 1000:04d}" / f"{number % 1000:03d}.{suffix}"


def detect_block(run: Run, number: int) -> dict[str, Any]:
    """Run the network on a block; return the number and the extent of its candidates."""
    began, whole = time.perf_counter(), run.lazy()
    found = Candidates.joined(_probable_of_tiles(run, number, whole))
    network = time.perf_counter() - began - whole.seconds[0]
    rows = StoredCandidates.of(found)
    seconds = {"reading": whole.seconds[0], "network": network}
    notes = [(note.kind, note.text) for note in found.notes]
    return _store(run, number, FOUND, rows, began, seconds, candidates=len(rows), notes=notes)


def _probable_of_tiles(run: Run, number: int, whole: LazyArray) -> list[Candidates]:
    """Return the candidates of each tile of a block.

    Up to ``run.hold`` bytes of the image are kept meanwhile; nobody has them when the candidates are joined.
    """
    which, tiles = run.tile_blocks[number]
    zoom, of_pass = run.plan.choices.passes[which]
    source = run.view(whole, zoom).source(hull([tile.read for tile in tiles]))
    voxels = np.prod([s.stop - s.start for s in source], dtype=float)
    image: ArrayLike = whole
    if len(tiles) > 1 and voxels * whole.dtype.itemsize <= run.hold:
        image = PartInMemory.of(whole, source)
    view, tta = run.view(image, zoom), run.plan.request.options.tta
    floor = max(of_pass, run.plan.choices.prob_thresh)
    found = (run.detector.detect_tile(view, tile, floor=floor, tta=tta) for tile in tiles)
    return [run.plan.choices.probable(of_tile.scaled(1 / zoom).in_group(which)) for of_tile in found]


def suppress_block(run: Run, task: tuple[Version, tuple[Version, ...]]) -> dict[str, Any]:
    """Decide what can be decided of a block, given those whose bodies may touch its own."""
    began = time.perf_counter()
    block, near = task
    own = run.rows(*block)
    rows = StoredCandidates.joined([own, *(run.rows(*other, near=own.box) for other in near)])
    complete = np.arange(len(rows)) < len(own)
    status = run.plan.choices.suppress_partly(rows, rows.status, complete)[: len(own)]
    left = replace(own, status=status).take(status != DROPPED)
    suppression = time.perf_counter() - began
    # Equal names are equal contents: what is decided depends on the neighbours' versions, too
    version = hashlib.sha256(repr(task).encode()).hexdigest()[:16]
    kept = int((left.status == KEPT).sum())
    return _store(run, block[0], version, left, began, {"suppression": suppression}, kept=kept)


def vote_block(run: Run, task: tuple[Version, tuple[Version, ...]]) -> dict[str, Any]:
    """Outline the survivors of a block, given all that was found in those that may touch it."""
    began = time.perf_counter()
    block, near = task
    kept = run.rows(*block)
    places = [(block[0], FOUND), *near]
    rows = StoredCandidates.joined([run.rows(*place, near=kept.box) for place in places])
    outlined = StoredCandidates.of(vote(rows, _where(_places(kept), _places(rows))))
    version = hashlib.sha256(repr(("votes", task)).encode()).hexdigest()[:16]
    voting = time.perf_counter() - began
    return _store(run, block[0], version, outlined, began, {"suppression": voting})


def _places(rows: StoredCandidates) -> np.ndarray:
    """Return point and group of each row, ``(N, 4)``: two groups may have a candidate at one point."""
    return np.column_stack([rows.points, rows.group.astype(rows.points.dtype)])


def _where(wanted: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the rows of ``points`` that ``wanted`` are, each the first of its place, both ``(N, 4)``."""
    _, first, which = np.unique(
        np.concatenate([points, wanted]), axis=0, return_index=True, return_inverse=True
    )
    return first[which.ravel()[len(points) :]]


def _store(
    run: Run,
    number: int,
    version: str,
    rows: StoredCandidates,
    began: float,
    seconds: dict[str, float],
    **entry: Any,
) -> dict[str, Any]:
    """Write a version of the candidates of a block; return what the journal is to note of it."""
    entry |= {"version": version, "file": write_candidates(run.candidates_path(number, version), rows)}
    entry |= {"open": int((rows.status == UNDECIDED).sum()), "box": rows.box, "reach": rows.reach}
    return noted(began, seconds, **entry)


def noted(began: float, seconds: dict[str, float], **entry: Any) -> dict[str, Any]:
    """Return what the journal is to note, with the seconds since ``began`` that no kind of work has named."""
    whole = time.perf_counter() - began
    seconds["files"] = whole - sum(seconds.values())
    return {**entry, "seconds": {name: round(value, 4) for name, value in seconds.items()}}
