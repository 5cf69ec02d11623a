"""From candidates to instances: suppression, voting, suppression, rasterising, measuring.

The stages are those of :class:`InstanceStages`. :func:`candidates_to_instances` applies them to a whole
volume; :mod:`anystar.blocks.tasks` and :mod:`anystar.blocks.painting` apply the same ones block by block.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch

from anystar.box import Box, triple
from anystar.geometry.nms import suppress, suppress_partly
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.voting import precedence, vote
from anystar.objects.objects import Objects, locate_objects
from anystar.predict.calibration import Calibration
from anystar.predict.candidates import Candidates
from anystar.preprocess import Preprocessing
from anystar.preprocess.arrays import Box as Region
from anystar.preprocess.arrays import Shape, Vec, box_shape, whole_box

__all__ = [
    "InstanceStages",
    "Instances",
    "candidates_to_instances",
    "crop_instances",
]

SomePolyhedra = TypeVar("SomePolyhedra", bound=Polyhedra)


@dataclass(frozen=True, kw_only=True, eq=False)
class Instances:
    """The instances of a volume."""

    labels: np.ndarray
    """Int32, shape of the image; 0 is background."""
    objects: Objects
    """One row per object, in the order of the labels."""
    timings: dict[str, float]
    """Seconds of ``suppression`` (with voting) and ``rasterising``."""


@dataclass(frozen=True, kw_only=True)
class InstanceStages:
    """The stages from candidates to instances, for a whole volume or for a part of it.

    Candidates have lengths in shortest edges of the image's voxels, on the grid of the image without the
    margins that preprocessing leaves out.
    """

    aspect: Vec
    """Edges of a voxel along Z, Y, X, in units of the shortest."""
    prob_thresh: float
    """Lowest probability of an object."""
    nms_thresh: float
    """Overlap above which the less probable of two bodies is dropped."""
    preprocessing: Preprocessing = Preprocessing()
    """Objects end where its margins begin."""
    calibration: Calibration | None = None
    """What probabilities and spreads of the model mean, if that is known."""

    def probable(self, candidates: SomePolyhedra) -> SomePolyhedra:
        """Return the candidates that are probable enough for an object."""
        return candidates.take(candidates.probabilities >= self.prob_thresh)

    def suppress(self, candidates: Polyhedra, device: torch.device | None = None) -> np.ndarray:
        """Return the indices of the candidates of a whole volume that no better one overlaps."""
        ranked = candidates.with_prob(precedence(candidates))
        return suppress(ranked, threshold=self.nms_thresh, device=device)

    def suppress_partly(self, candidates: Polyhedra, status: np.ndarray, complete: np.ndarray) -> np.ndarray:
        """Decide which candidates of a part are kept, as :func:`anystar.geometry.nms.suppress_partly`."""
        ranked = candidates.with_prob(precedence(candidates))
        return suppress_partly(ranked, status, complete, threshold=self.nms_thresh)

    def place(self, outlines: SomePolyhedra) -> SomePolyhedra:
        """Return the outlines as they are drawn: the most probable first, centres in voxels."""
        order = np.lexsort((*outlines.points.T[::-1], -outlines.probabilities))
        return outlines.take(order).on_voxels(self.aspect)

    def rasterise(self, placed: Polyhedra, box: Region, device: torch.device | None = None) -> np.ndarray:
        """Return a box of the image where outline ``i`` has the label ``i + 1``, and margins are 0."""
        start = triple(part.start - num for part, num in zip(box, self.preprocessing.origin, strict=True))
        drawn = rasterise(placed, box_shape(box), spacing=self.aspect, start=start, device=device)
        return self.preprocessing.clear_margins(drawn, box)

    def measure(
        self, labels: np.ndarray, placed: Polyhedra, box: Region, which: np.ndarray | None = None
    ) -> Objects:
        """Measure the outlines of a drawing that own at least one voxel.

        Parameters
        ----------
        labels : numpy.ndarray
            The box as it was drawn, ``(Z, Y, X)`` int32: outline ``i`` has the label ``i + 1``.
        placed : Polyhedra
            All outlines that were drawn, centres in voxels.
        box : three slices
            The part of the image that was drawn.
        which : numpy.ndarray, optional
            Indices of the outlines to measure; all by default.

        Returns
        -------
        Objects
            With calibrated probabilities, and uncertainties of the volumes, as far as these are known.
        """
        found = locate_objects(labels, len(placed), origin=triple(part.start for part in box))
        index = np.full(len(placed) + 1, -1)
        index[found.label] = np.arange(len(found))
        which = np.arange(len(placed)) if which is None else which
        rows = which[index[which + 1] >= 0]
        located, bodies = found.select(index[rows + 1]), placed.take(rows)
        chance = uncertainty = np.full(len(rows), np.nan, np.float32)
        if self.calibration is not None:
            chance = self.calibration.chances(bodies.probabilities)
            if bodies.spread is not None:
                uncertainty = self.calibration.uncertainties(bodies.spread)
        return Objects(
            label=(rows + 1).astype(np.int32),
            probability=bodies.probabilities.astype(np.float32),
            calibrated_probability=chance,
            volume_uncertainty=uncertainty,
            centroid_vox=located.centroid_vox,
            volume_vox=located.volume_vox,
            bbox=located.bbox,
            centre_vox=bodies.points.astype(np.float64) + np.array(self.preprocessing.origin),
            distances=bodies.distances,
        )


def candidates_to_instances(
    candidates: Candidates, shape: Shape, stages: InstanceStages, device: torch.device | None = None
) -> Instances:
    """Turn the candidates of a whole volume, with lengths in shortest edges of its voxels, into instances.

    Suppression and rasterising run on the device if it is a GPU.
    """
    start, box = time.perf_counter(), whole_box(shape)
    probable = stages.probable(candidates)
    outlines = vote(probable, stages.suppress(probable, device))
    # Once more: parts of one object may overlap only after the vote
    placed = stages.place(outlines.take(stages.suppress(outlines, device)))
    middle = time.perf_counter()
    labels = stages.rasterise(placed, box, device)
    objects = stages.measure(labels, placed, box)
    if len(objects) < len(placed):  # some own no voxel
        labels, objects = _renumbered(labels, objects, len(placed))
    stop = time.perf_counter()
    timings = {"suppression": middle - start, "rasterising": stop - middle}
    return Instances(labels=labels, objects=objects, timings=timings)


def crop_instances(labels: np.ndarray, objects: Objects, box: Box) -> tuple[np.ndarray, Objects]:
    """Return labels and objects inside a box, in voxels of the box, numbered anew in the same order.

    What an object has outside of the box is cut off.
    """
    labels = labels[box.slices]
    inside = locate_objects(labels, len(objects))
    whole = objects.select(inside.label - 1).moved([-first for first in box.start])
    cut = replace(whole, centroid_vox=inside.centroid_vox, volume_vox=inside.volume_vox, bbox=inside.bbox)
    return _renumbered(labels, cut, len(objects))


def _renumbered(labels: np.ndarray, objects: Objects, most: int) -> tuple[np.ndarray, Objects]:
    """Return labels, up to ``most``, and objects with the numbers 1, 2, ... in the order of the objects."""
    numbers = np.arange(1, len(objects) + 1, dtype=np.int32)
    number = np.zeros(most + 1, np.int32)
    number[objects.label] = numbers
    return number[labels], replace(objects, label=numbers)
