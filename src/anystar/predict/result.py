"""What a segmentation returns: labels, a table of objects, and the candidates behind them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from anystar.arrays import measuring
from anystar.config import ConfigError
from anystar.geometry.nms import suppress
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.rays import Rays
from anystar.geometry.voting import precedence, vote
from anystar.objects.measure import tabulate
from anystar.objects.objects import Objects, locate_objects
from anystar.objects.table import Table
from anystar.predict.candidates import Candidates
from anystar.predict.crowd import raised_to
from anystar.preprocess import Preprocessing
from anystar.preprocess.arrays import whole_box

__all__ = ["Result", "assemble"]


@dataclass(frozen=True, kw_only=True)
class Result:
    """A segmentation, with what is needed to threshold it anew."""

    labels: np.ndarray
    """Int32, shape of the input; 0 is background."""
    objects: Objects
    spacing: tuple[float, float, float] | None
    """Micrometres per voxel (ZYX) that were assumed, if any."""
    prob_thresh: float
    nms_thresh: float
    diameter_vox: float | None = None
    """Object diameter that the volume was scaled for, in voxels of the finest axis, if it was."""
    notes: tuple[str, ...] = ()
    """Remarks for the user, a line each."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds a stage."""
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    """What was done to the intensities of the image."""
    candidates: Candidates
    voxel_size: tuple[float, float, float]
    """Length of a voxel along each axis in units of the shortest, told or estimated: the candidates' unit."""
    rays: Rays

    def rethreshold(self, prob: float | None = None, nms: float | None = None) -> Result:
        """Return the result for other thresholds without running the network again.

        Parameters
        ----------
        prob : float, optional
            Probability threshold, at least the floor of the cached candidates.
        nms : float, optional
            Overlap above which the less probable of two objects is dropped.
        """
        prob = self.prob_thresh if prob is None else check_threshold("prob", prob)
        nms = self.nms_thresh if nms is None else check_threshold("nms", nms)
        if prob < self.candidates.floor:
            raise ConfigError(
                f"prob must be at least {self.candidates.floor}, the least kept, got {prob}; segment again"
            )
        raised = raised_to(self.prob_thresh)
        z, y, x = self.labels.shape
        labels, objects, timings = assemble(
            self.candidates,
            (z, y, x),
            self.voxel_size,
            self.rays,
            prob,
            nms,
            torch.device("cpu"),
            self.preprocessing,
        )
        return replace(
            self,
            labels=labels,
            objects=objects,
            prob_thresh=prob,
            nms_thresh=nms,
            notes=tuple(
                note for note in self.notes if prob == self.prob_thresh or not note.startswith(raised)
            ),
            timings=self.timings | timings,
        )

    def table(self, image: np.ndarray | None = None, *, distances: bool = False) -> Table:
        """Measure the objects, see :func:`anystar.objects.measure.tabulate`; ``image`` adds intensities."""
        spacing, unit = measuring(self.spacing, "um", self.voxel_size)
        return tabulate(
            self.labels,
            self.objects,
            self.rays,
            image=None if image is None else self.preprocessing.repaired(image),
            spacing=spacing,
            unit=unit,
            margins=self.preprocessing.margin_mask(whole_box(self.labels.shape)),
            distances=distances,
        )


def check_threshold(name: str, value: float) -> float:
    """Return a threshold within [0, 1] or raise ``ConfigError``."""
    if not 0 <= value <= 1:
        raise ConfigError(f"{name} must be a threshold within [0, 1], got {value}")
    return float(value)


def assemble(
    candidates: Candidates,
    shape: tuple[int, int, int],
    voxel_size: tuple[float, float, float],
    rays: Rays,
    prob_thresh: float,
    nms_thresh: float,
    device: torch.device,
    preprocessing: Preprocessing,
) -> tuple[np.ndarray, Objects, dict[str, float]]:
    """Suppress, let the dropped vote on the outlines, suppress again, rasterise on the input's lattice.

    Suppression and rasterising, which take long in large volumes, are done on ``device`` if it is a GPU.
    Candidates lie on the grid of the image without the margins that ``preprocessing`` left out; objects end
    where these begin.

    Returns
    -------
    labels : int32 array of ``shape``
    objects : Objects
    timings : dict
        Seconds of ``suppression`` (votes included) and ``rasterising``.
    """
    start = time.perf_counter()
    likely = candidates.prob >= prob_thresh
    points, distances, prob = candidates.points[likely], candidates.distances[likely], candidates.prob[likely]
    found = Polyhedra(points, distances, rays, prob)

    def kept(some: Polyhedra) -> np.ndarray:
        return suppress(some.with_prob(precedence(some)), threshold=nms_thresh, device=device)

    voted = vote(found, kept(found))
    # Two parts of one object may overlap only as both are agreed upon
    whole = voted.take(kept(voted))
    whole = whole.take(np.lexsort((*whole.points.T[::-1], -whole.probabilities)))
    middle = time.perf_counter()
    placed = whole.on_voxels(voxel_size)
    drawn = rasterise(placed, preprocessing.inner_shape(shape), spacing=voxel_size, device=device)
    labels, objects = _measure(
        preprocessing.embedded(drawn, shape),
        placed.probabilities,
        placed.points + preprocessing.origin,
        placed.distances,
    )
    stop = time.perf_counter()
    return labels, objects, {"suppression": middle - start, "rasterising": stop - middle}


def _measure(
    labels: np.ndarray, prob: np.ndarray, centres: np.ndarray, distances: np.ndarray
) -> tuple[np.ndarray, Objects]:
    """Number the objects that own at least one voxel from 1, and measure them."""
    found = locate_objects(labels, len(prob))
    old, count = found.label, len(found)
    number = np.zeros(len(prob) + 1, np.int32)
    number[old] = np.arange(1, count + 1)
    objects = Objects(
        label=np.arange(1, count + 1, dtype=np.int32),
        probability=prob[old - 1].astype(np.float32),
        centroid_vox=found.centroid_vox,
        volume_vox=found.volume_vox,
        bbox=found.bbox,
        centre_vox=centres[old - 1].astype(np.float64),
        distances=distances[old - 1].astype(np.float32),
    )
    return number[labels], objects
