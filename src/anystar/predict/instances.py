"""From candidates to instances: suppression, voting, suppression, rasterising, measuring.

A whole volume is done at once by :func:`candidates_to_instances`; in blocks, each of these is a task.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import torch

from anystar.box import Box
from anystar.geometry.nms import suppress
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.voting import precedence, vote
from anystar.objects.objects import Objects, locate_objects
from anystar.predict.candidates import Candidates
from anystar.preprocess import Preprocessing
from anystar.preprocess.arrays import Shape, Vec

__all__ = ["Instances", "candidates_to_instances", "crop_instances", "measure_instances", "outline"]

_PLAIN = Preprocessing()


@dataclass(frozen=True, kw_only=True, eq=False)
class Instances:
    """The instances of a volume."""

    labels: np.ndarray
    """Int32, shape of the image; 0 is background."""
    objects: Objects
    """One row per object, in the order of the labels."""
    timings: dict[str, float]
    """Seconds of ``suppression`` (with voting) and ``rasterising``."""


def candidates_to_instances(
    candidates: Candidates,
    shape: Shape,
    *,
    aspect: Vec,
    prob_thresh: float,
    nms_thresh: float,
    device: torch.device,
    preprocessing: Preprocessing = _PLAIN,
) -> Instances:
    """Turn candidates into labels and objects.

    Parameters
    ----------
    candidates : Candidates
        Lengths in shortest edges of the image's voxels.
    shape : three ints
        Voxels of the image along Z, Y, X.
    aspect : three floats
        Edges of a voxel in units of the shortest.
    prob_thresh : float
        Lowest probability of an object.
    nms_thresh : float
        Overlap above which the less probable of two bodies is dropped.
    device : torch.device
        Suppression and rasterising run on it if it is a GPU: they take long in large volumes.
    preprocessing : Preprocessing
        Candidates lie on the grid of the image without the margins that it left out; objects end there.
    """
    start = time.perf_counter()
    found = outline(candidates.take(candidates.prob >= prob_thresh), nms_thresh, device)
    found = found.take(np.lexsort((*found.points.T[::-1], -found.probabilities)))
    middle = time.perf_counter()
    placed = found.on_voxels(aspect)
    drawn = rasterise(placed, preprocessing.inner_shape(shape), spacing=aspect, device=device)
    drawn = preprocessing.embedded(drawn, shape)
    objects = measure_instances(drawn, placed, origin=preprocessing.origin)
    number = np.zeros(len(found) + 1, np.int32)
    number[objects.label] = np.arange(1, len(objects) + 1)
    stop = time.perf_counter()
    return Instances(
        labels=number[drawn],
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


def outline(candidates: Polyhedra, nms_thresh: float, device: torch.device) -> Polyhedra:
    """Return one polyhedron per object.

    Candidates are suppressed, and the dropped ones vote on the outlines of those that are kept. Then the
    outlines are suppressed again: parts of one object may overlap only after the vote.
    """

    def kept(some: Polyhedra) -> np.ndarray:
        return suppress(some.with_prob(precedence(some)), threshold=nms_thresh, device=device)

    voted = vote(candidates, kept(candidates))
    return voted.take(kept(voted))


def measure_instances(
    labels: np.ndarray,
    drawn: Polyhedra,
    *,
    which: np.ndarray | None = None,
    start: Shape = (0, 0, 0),
    origin: Shape = (0, 0, 0),
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
        Voxel of the image at which the centres are counted from.

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
    return Objects(
        label=(rows + 1).astype(np.int32),
        probability=bodies.probabilities.astype(np.float32),
        centroid_vox=located.centroid_vox,
        volume_vox=located.volume_vox,
        bbox=located.bbox,
        centre_vox=bodies.points.astype(np.float64) + np.array(origin),
        distances=bodies.distances,
    )
