"""What a segmentation returns: labels, a table of objects, and the candidates behind them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch

from anystar.arrays import VoxelSize
from anystar.errors import InputError
from anystar.geometry.rays import Rays
from anystar.objects.measure import tabulate
from anystar.objects.objects import Objects
from anystar.objects.table import Table
from anystar.predict.candidates import Candidates
from anystar.predict.instances import candidates_to_instances
from anystar.predict.notes import THRESHOLD, Note
from anystar.predict.options import check_threshold
from anystar.preprocess import Preprocessing
from anystar.preprocess.arrays import whole_box

__all__ = ["Result"]


@dataclass(frozen=True, kw_only=True)
class Result:
    """A segmentation, with what is needed to threshold it anew."""

    labels: np.ndarray
    """Int32, shape of the input; 0 is background."""
    objects: Objects
    voxel_size: VoxelSize
    """Voxel size that lengths are measured by: micrometres if they are known, else in shortest edges."""
    prob_thresh: float
    nms_thresh: float
    diameter_vox: float | None = None
    """Object diameter that the volume was scaled for, in voxels of the finest axis, if it was."""
    notes: tuple[Note, ...] = ()
    """Remarks for the user."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds a stage."""
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    """What was done to the intensities of the image."""
    candidates: Candidates
    rays: Rays

    def rethreshold(self, prob_thresh: float | None = None, nms_thresh: float | None = None) -> Result:
        """Return the result for other thresholds without running the network again.

        Parameters
        ----------
        prob_thresh : float, optional
            Lowest probability of an object, at least the floor of the candidates.
        nms_thresh : float, optional
            Overlap above which the less probable of two objects is dropped.
        """
        prob = self.prob_thresh if prob_thresh is None else check_threshold("prob_thresh", prob_thresh)
        nms = self.nms_thresh if nms_thresh is None else check_threshold("nms_thresh", nms_thresh)
        floor = self.candidates.floor
        if prob < floor:
            raise InputError(
                f"prob_thresh must be at least {floor}, the lowest that was kept, got {prob}; segment again"
            )
        z, y, x = self.labels.shape
        instances = candidates_to_instances(
            self.candidates,
            (z, y, x),
            aspect=self.voxel_size.aspect,
            rays=self.rays,
            prob_thresh=prob,
            nms_thresh=nms,
            device=torch.device("cpu"),
            preprocessing=self.preprocessing,
        )
        return replace(
            self,
            labels=instances.labels,
            objects=instances.objects,
            prob_thresh=prob,
            nms_thresh=nms,
            notes=tuple(n for n in self.notes if n.kind != THRESHOLD or prob == self.prob_thresh),
            timings=self.timings | instances.timings,
        )

    def table(self, image: np.ndarray | None = None, *, distances: bool = False) -> Table:
        """Measure the objects, see :func:`anystar.objects.measure.tabulate`; ``image`` adds intensities."""
        return tabulate(
            self.labels,
            self.objects,
            self.rays,
            image=None if image is None else self.preprocessing.repaired(image),
            spacing=self.voxel_size.spacing,
            unit=self.voxel_size.unit,
            margins=self.preprocessing.margin_mask(whole_box(self.labels.shape)),
            distances=distances,
        )
