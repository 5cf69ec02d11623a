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

from anystar.box import Box
from anystar.geometry.nms import suppress, suppress_partly
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.voting import precedence, vote
from anystar.objects.objects import Objects, locate_objects
from anystar.predict.calibration import Calibration
from anystar.predict.candidates import Candidates
from anystar.preprocess import Preprocessing
from anystar.preprocess.arrays import Box as Region
from anystar.preprocess.arrays import Shape, Vec, whole_box

__all__ = [
    "InstanceStages",
    "Instances",
    "candidates_to_instances",
    "crop_instances",
    "measure_instances",
]

_PLAIN = Preprocessing()
_CPU = torch.device("cpu")
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
    preprocessing: Preprocessing = _PLAIN
    """Objects end where its margins begin."""
    calibration: Calibration | None = None
    """What probabilities and spreads of the model mean, if that is known."""
    device: torch.device = _CPU
    """Suppression and rasterising of whole volumes run on it if it is a GPU."""

    def probable(self, candidates: SomePolyhedra) -> SomePolyhedra:
        """Return the candidates that are probable enough for an object."""
        return candidates.take(candidates.probabilities >= self.prob_thresh)

    def suppress(self, candidates: Polyhedra) -> np.ndarray:
        """Return the indices of the candidates of a whole volume that no better one overlaps."""
        return suppress(
            candidates.with_prob(precedence(candidates)), threshold=self.nms_thresh, device=self.device
        )

    def suppress_partly(self, candidates: Polyhedra, status: np.ndarray, complete: np.ndarray) -> np.ndarray:
        """Decide which candidates of a part are kept, as :func:`anystar.geometry.nms.suppress_partly`."""
        ranked = candidates.with_prob(precedence(candidates))
        return suppress_partly(ranked, status, complete, threshold=self.nms_thresh)

    def vote(self, candidates: Polyhedra, kept: np.ndarray) -> Polyhedra:
        """Return the kept candidates with the outline that all candidates around them vote for.

        These are suppressed once more: parts of one object may overlap only after the vote.
        """
        return vote(candidates, kept)

    def place(self, outlines: SomePolyhedra) -> SomePolyhedra:
        """Return the outlines as they are drawn: the most probable first, centres in voxels."""
        order = np.lexsort((*outlines.points.T[::-1], -outlines.probabilities))
        return outlines.take(order).on_voxels(self.aspect)

    def rasterise(self, placed: Polyhedra, box: Region) -> np.ndarray:
        """Return a box of the image where outline ``i`` has the label ``i + 1``, and margins are 0."""
        z, y, x = (part.stop - part.start for part in box)
        first = [part.start - margin for part, margin in zip(box, self.preprocessing.origin, strict=True)]
        drawn = rasterise(
            placed,
            (z, y, x),
            spacing=self.aspect,
            start=(first[0], first[1], first[2]),
            device=self.device,
        )
        return self.preprocessing.clear_margins(drawn, box)

    def measure(
        self, labels: np.ndarray, placed: Polyhedra, box: Region, which: np.ndarray | None = None
    ) -> Objects:
        """Measure outlines of a box of the image, all or some; see :func:`measure_instances`."""
        z, y, x = (part.start for part in box)
        return measure_instances(
            labels,
            placed,
            which=which,
            start=(z, y, x),
            origin=self.preprocessing.origin,
            calibration=self.calibration,
        )


def candidates_to_instances(candidates: Candidates, shape: Shape, stages: InstanceStages) -> Instances:
    """Turn the candidates of a whole volume into labels and objects.

    Parameters
    ----------
    candidates : Candidates
        Lengths in shortest edges of the image's voxels.
    shape : three ints
        Voxels of the image along Z, Y, X.
    stages : InstanceStages
    """
    start, box = time.perf_counter(), whole_box(shape)
    probable = stages.probable(candidates)
    outlines = stages.vote(probable, stages.suppress(probable))
    placed = stages.place(outlines.take(stages.suppress(outlines)))
    middle = time.perf_counter()
    drawn = stages.rasterise(placed, box)
    objects = stages.measure(drawn, placed, box)
    if len(objects) < len(placed):  # some own no voxel
        number = np.zeros(len(placed) + 1, np.int32)
        number[objects.label] = np.arange(1, len(objects) + 1)
        drawn = number[drawn]
    stop = time.perf_counter()
    return Instances(
        labels=drawn,
        objects=replace(objects, label=np.arange(1, len(objects) + 1, dtype=np.int32)),
        timings={"suppression": middle - start, "rasterising": stop - middle},
    )


def crop_instances(instances: Instances, box: Box) -> Instances:
    """Return the instances inside a box, in voxels of the box, numbered anew in the same order.

    What an object has outside of the box is cut off.
    """
    labels = instances.labels[box.slices]
    inside = locate_objects(labels, len(instances.objects))
    whole = instances.objects.select(inside.label - 1).moved([-first for first in box.start])
    number = np.zeros(len(instances.objects) + 1, np.int32)
    number[inside.label] = np.arange(1, len(inside) + 1)
    objects = replace(
        whole,
        label=np.arange(1, len(inside) + 1, dtype=np.int32),
        centroid_vox=inside.centroid_vox,
        volume_vox=inside.volume_vox,
        bbox=inside.bbox,
    )
    return replace(instances, labels=number[labels], objects=objects)


def measure_instances(
    labels: np.ndarray,
    drawn: Polyhedra,
    *,
    which: np.ndarray | None = None,
    start: Shape = (0, 0, 0),
    origin: Shape = (0, 0, 0),
    calibration: Calibration | None = None,
) -> Objects:
    """Measure the polyhedra of a drawing that own at least one voxel.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(Z, Y, X)`` int32: polyhedron ``i`` has the label ``i + 1``.
    drawn : Polyhedra
        All that were drawn, centres in voxels.
    which : numpy.ndarray, optional
        Indices of those to measure; all by default.
    start : 3 ints
        First voxel of the drawing in the image.
    origin : 3 ints
        Voxel of the image from which the centres are counted.
    calibration : Calibration, optional
        Gives calibrated probabilities, and uncertainties of the volumes if the polyhedra have a spread.

    Returns
    -------
    Objects
        Labels are those of the drawing.
    """
    found = locate_objects(labels, len(drawn), origin=start)
    index = np.full(len(drawn) + 1, -1)
    index[found.label] = np.arange(len(found))
    which = np.arange(len(drawn)) if which is None else which
    rows = which[index[which + 1] >= 0]
    located, bodies = found.select(index[rows + 1]), drawn.take(rows)
    chance = uncertainty = np.full(len(rows), np.nan, np.float32)
    if calibration is not None:
        chance = calibration.chances(bodies.probabilities)
        uncertainty = uncertainty if bodies.spread is None else calibration.uncertainties(bodies.spread)
    return Objects(
        label=(rows + 1).astype(np.int32),
        probability=bodies.probabilities.astype(np.float32),
        calibrated_probability=chance,
        volume_uncertainty=uncertainty,
        centroid_vox=located.centroid_vox,
        volume_vox=located.volume_vox,
        bbox=located.bbox,
        centre_vox=bodies.points.astype(np.float64) + np.array(origin),
        distances=bodies.distances,
    )
