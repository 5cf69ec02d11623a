"""The last thing that is done to a block: its labels, and the measures of the objects that it owns."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from anystar.arrays import mask_voxels
from anystar.blocks.candidate_store import StoredCandidates, read_candidates
from anystar.blocks.checksum import checksum, write_columns
from anystar.blocks.lazy_array import LazyArray
from anystar.blocks.partition import owner
from anystar.blocks.tasks import Run, noted
from anystar.box import triple
from anystar.geometry.polyhedra import Polyhedra
from anystar.io.label_store import LabelStore
from anystar.io.lazy import LazyImage
from anystar.objects.measure import add_channel, add_overlap, tabulate
from anystar.objects.table import Table
from anystar.predict.candidates import Candidates
from anystar.preprocess.arrays import Box, corners, within

__all__ = ["Source", "paint"]

Source = tuple[int, str, int]
"""A block, its last file of candidates, and the label before that of its first."""
_MARGIN = 32
"""Voxels beyond its box that a task draws to measure its bodies whole; larger ones are drawn alone."""
_PLANES = 64
"""Planes of a mask that are read at once."""
_SURROUNDINGS = 4
"""Voxels around a body that its contrast is measured against, and one to spare."""


def paint(run: Run, store: LabelStore, dtype: str, task: tuple[int, tuple[Source, ...]]) -> dict[str, Any]:
    """Write the labels of a box, as ``dtype``, and the objects that it owns.

    ``task`` is its number and the blocks whose bodies may reach it.
    """
    began = time.perf_counter()
    number, sources = task
    box = run.boxes[number]
    bodies = _gather(run, box, sources)
    owned = np.flatnonzero(bodies.owners(run) == number)
    # One drawing serves the result and the measures, if it is large enough for what is measured
    region = _grown(box, _voxels(bodies.boxes[owned], run.shape), run.shape)
    bodies = _gather(run, region, sources)
    labels = run.plan.choices.rasterise(bodies, region)
    names = np.concatenate([[0], bodies.names]).astype(dtype)
    core = names[labels[within(box, region)]]
    drawn = time.perf_counter()
    if core.any():
        store.write([s.start for s in box], core)
    written = time.perf_counter()
    image = run.lazy()
    part = _measure(run, image, bodies, labels, region, number, sources)
    measured = time.perf_counter()
    check = write_columns(run.table_path(number), part.columns)
    seconds = {
        "rasterising": drawn - began,
        "writing": written - drawn,
        "reading": image.seconds[0],
        "measuring": measured - written - image.seconds[0],
    }
    return noted(began, seconds, objects=len(part), file=check, labels=checksum(core))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PlacedBodies(Polyhedra):
    """Objects that reach into a box, most probable first; centres in voxels of the volume without margins."""

    boxes: np.ndarray
    """``(N, 6)`` float64, voxels of the volume: lowest and highest corner."""
    names: np.ndarray
    """``(N,)`` int64, labels."""

    def owners(self, run: Run) -> np.ndarray:
        """Return the box of the result that holds the centre of each."""
        return owner(self.points + np.array(run.plan.choices.preprocessing.origin), run.boxes)


def _gather(run: Run, box: Box, sources: tuple[Source, ...]) -> PlacedBodies:
    choices = run.plan.choices
    size, origin = np.array(choices.aspect), np.array(choices.preprocessing.origin)
    first, end = corners(box)
    low, high = (first - origin - 0.5) * size + 0.5 - 1, (end - origin + 0.5) * size - 0.5 + 1
    parts, names = [], []
    for block, version, before in sources:
        rows, which = read_candidates(run.candidates_path(block, version), run.rays, [*low, *high])
        parts.append(rows)
        names.append(before + 1 + which)
    if not parts:
        parts.append(StoredCandidates.of(Candidates.none(run.rays, 0.0)))
        names.append(np.zeros(0, np.int64))
    rows = StoredCandidates.joined(parts)
    bodies = PlacedBodies(
        points=rows.points,
        distances=rows.distances,
        rays=run.rays,
        prob=rows.prob,
        spread=rows.spread,
        boxes=(rows.boxes + 0.5) / np.tile(size, 2) - 0.5 + np.tile(origin, 2),
        names=np.concatenate(names),
    )
    return run.plan.choices.place(bodies)


def _voxels(boxes: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return half-open boxes ``(N, 2, 3)`` of the voxels that bodies may have, and of their surroundings."""
    low = (np.floor(boxes[:, :3]) - _SURROUNDINGS).clip(0, np.array(shape) - 1)
    high = (np.ceil(boxes[:, 3:]) + 1 + _SURROUNDINGS).clip(1, shape)
    return np.stack([low, high], axis=1).astype(np.int64)


def _grown(box: Box, reach: np.ndarray, shape: tuple[int, int, int]) -> Box:
    """Return the box with its bodies, as far as they reach and the margin allows."""
    grown = []
    for axis, (part, num) in enumerate(zip(box, shape, strict=True)):
        low = min(part.start, int(reach[:, 0, axis].min(initial=part.start)))
        high = max(part.stop, int(reach[:, 1, axis].max(initial=part.stop)))
        grown.append(slice(max(low, part.start - _MARGIN, 0), min(high, part.stop + _MARGIN, num)))
    return triple(grown)


def _measure(
    run: Run,
    image: LazyArray,
    bodies: PlacedBodies,
    labels: np.ndarray,
    region: Box,
    number: int,
    sources: tuple[Source, ...],
) -> Table:
    """Measure the bodies that the box owns; those that reach beyond the region in a drawing of their own."""
    mine = np.flatnonzero(bodies.owners(run) == number)
    reach = _voxels(bodies.boxes[mine], run.shape)
    low, high = corners(region)
    inside = ((reach[:, 0] >= low) & (reach[:, 1] <= high)).all(1)
    parts = [_tabulate(run, image, bodies, labels, region, mine[inside])]
    for n, (start, stop) in zip(mine[~inside], reach[~inside], strict=True):
        own = triple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
        here = _gather(run, own, sources)
        alone = np.flatnonzero(here.names == bodies.names[n])
        parts.append(_tabulate(run, image, here, run.plan.choices.rasterise(here, own), own, alone))
    whole = Table.concat(parts)
    return whole.select(np.argsort(whole["label"], kind="stable"))


def _tabulate(
    run: Run, image: LazyArray, bodies: PlacedBodies, labels: np.ndarray, region: Box, which: np.ndarray
) -> Table:
    """Measure some bodies of a drawing; their intensities only if a table is written."""
    origin = triple(s.start for s in region)
    objects = run.plan.choices.measure(labels, bodies, region, which)
    request, choices = run.plan.request, run.plan.choices
    if not request.table:
        return Table(columns={"label": bodies.names[objects.label - 1], "volume_vox": objects.volume_vox})
    found = tabulate(
        labels,
        objects,
        run.rays,
        image=choices.preprocessing.repaired(image, region) if len(objects) else np.zeros_like(labels),
        spacing=run.plan.voxel_size.spacing,
        unit=run.plan.voxel_size.unit,
        origin=origin,
        shape=run.shape,
        margins=choices.preprocessing.margin_mask(region),
        distances=request.distances,
    )
    if run.mask is not None:
        inside = _inside(run.mask, labels, region) if len(objects) else np.zeros(0, np.int64)
        found = add_overlap(found, inside)
    for name, other in run.others:
        values = LazyArray(other, image.seconds)[region] if len(objects) else np.zeros_like(labels)
        found = add_channel(found, labels, values, name, origin=origin)
    columns = dict(found.columns) | {"label": bodies.names[objects.label - 1]}
    return Table(columns=columns)


def _inside(mask: LazyImage, labels: np.ndarray, region: Box) -> np.ndarray:
    """Count how many voxels of each label lie in the mask, a few planes in memory at a time."""
    counts = np.zeros(int(labels.max(initial=0)) + 1, np.int64)
    z, y, x = region
    for start in range(z.start, z.stop, _PLANES):
        stop = min(start + _PLANES, z.stop)
        inside = mask_voxels(mask.read((slice(start, stop), y, x)))
        counts += np.bincount(labels[start - z.start : stop - z.start][inside], minlength=len(counts))
    return counts
