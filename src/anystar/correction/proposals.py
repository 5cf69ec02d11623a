"""The object under a click: from the candidates that were found, or from a run of the model around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from anystar.arrays import Volume, VoxelSize
from anystar.box import Box, triple
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rasterise import rasterise
from anystar.geometry.voting import vote
from anystar.predict.model import Model
from anystar.predict.result import Result

__all__ = ["Proposals", "Propose", "run_around"]

_FLOOR = 0.02
"""Lowest probability of a candidate in a run around a point: somebody says that there is an object."""
_REACH = 2.5
"""Reach of that run on each side of the point, in diameters."""
_UNKNOWN = 32
"""Its reach in shortest edges if no diameter is known."""
_MOST = 200
"""Candidates that are tried at most."""

Voxel = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class Proposals:
    """Candidate polyhedra of an image, or of a part of it."""

    candidates: Polyhedra
    """With probabilities, on a grid of cubic voxels as long as the shortest edge."""
    aspect: tuple[float, float, float]
    """Edges of a voxel of the image, in units of the shortest."""
    origin: Voxel = (0, 0, 0)
    """Voxel of the image at which the grid of the candidates begins."""

    @classmethod
    def of(cls, result: Result, *, start: Voxel = (0, 0, 0)) -> Proposals:
        """Return all candidates of a segmentation, those below the threshold and suppressed ones included.

        ``start`` is the first voxel of its labels in the whole image, if it is of a part.
        """
        inside = (0, 0, 0) if result.inside is None else result.inside.start
        origin = triple(a + b - c for a, b, c in zip(start, result.preprocessing.origin, inside, strict=True))
        return cls(candidates=result.candidates, aspect=result.voxel_size.aspect, origin=origin)

    def at(self, point: Voxel) -> Iterator[Polyhedra]:
        """Yield the polyhedra that cover a voxel of the image, most probable first, one row each.

        Each outline is the average of the candidates that agree with it, if that still covers the voxel.
        Centres are in voxels of the image.
        """
        place = (np.array(point) - np.array(self.origin) + 0.5) * np.array(self.aspect) - 0.5
        away = np.linalg.norm(self.candidates.points - place, axis=1)
        reach = self.candidates.distances.max(axis=1) if len(away) else away
        local = self.candidates.take(np.flatnonzero(away <= 3 * reach))  # with those that vote
        near = np.flatnonzero((away <= reach)[away <= 3 * reach])
        order = near[np.argsort(-local.probabilities[near], kind="stable")]
        for row in order[:_MOST]:
            single = self._placed(local.take(np.array([row])))
            if _covers(single, point, self.aspect):
                agreed = self._placed(vote(local, np.array([row])))
                yield agreed if _covers(agreed, point, self.aspect) else single

    def _placed(self, some: Polyhedra) -> Polyhedra:
        on_voxels = some.on_voxels(self.aspect)
        points = on_voxels.points + np.array(self.origin)
        return Polyhedra(points, on_voxels.distances, on_voxels.rays, on_voxels.prob)


def _covers(one: Polyhedra, voxel: Voxel, aspect: tuple[float, float, float]) -> bool:
    return bool(rasterise(one, (1, 1, 1), spacing=aspect, start=voxel)[0, 0, 0])


Propose = Callable[[Voxel], Proposals]
"""Gives candidates around a voxel."""


def run_around(
    model: Model, image: np.ndarray, voxel_size: VoxelSize, *, diameter: float | None = None
) -> Propose:
    """Return a function that runs a model around a point, for objects of which no candidate was kept.

    Parameters
    ----------
    model : Model
    image : numpy.ndarray
        ``(Z, Y, X)``, or an array that gives one for a box, such as a Dask array.
    voxel_size : VoxelSize
    diameter : float, optional
        Typical diameter of the objects in shortest edges; estimated from what lies around the point by
        default.
    """

    def propose(point: Voxel) -> Proposals:
        reach = _UNKNOWN if diameter is None else _REACH * diameter
        half = [int(np.ceil(reach / edge)) for edge in voxel_size.aspect]
        box = Box(start=point, stop=triple(p + 1 for p in point)).grown(half, image.shape)
        lengths = voxel_size.lengths
        result = model.segment(
            Volume(data=np.asarray(image[box.slices]), spacing=lengths.spacing, unit=lengths.unit),
            diameter=None if diameter is None else diameter * min(lengths.spacing),
            prob_thresh=_FLOOR,
            appearance=False,
        )
        return Proposals.of(result, start=box.start)

    return propose
