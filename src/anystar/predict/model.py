"""A trained network that segments volumes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch

from anystar import display
from anystar.arrays import OnGrid, Volume, VoxelSize, check_spacing
from anystar.box import Box
from anystar.errors import InputError
from anystar.nn.model import StarNet
from anystar.objects.measure import as_volume
from anystar.predict import pipeline
from anystar.predict.boxed import Croppable, segment_in_box
from anystar.predict.calibration import Calibration
from anystar.predict.detector import Detector
from anystar.predict.notes import Note
from anystar.predict.options import ModelDefaults, PredictionOptions, check_threshold
from anystar.predict.result import Result
from anystar.predict.scale_search import SearchConfig
from anystar.predict.tiling import TileConfig
from anystar.preprocess.intensity import check_image
from anystar.runtime.progress import Progress, progress_bar

__all__ = ["Model", "with_defaults"]

_EQUAL, _THICK = 0.01, 1.5
"""A spacing may be in the order X, Y, Z if two conditions hold. The first two edges differ by less than the
first share, and the third is at least the second number times as long."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Model:
    """A network on its device, with its card.

    Examples
    --------
    >>> import numpy as np, anystar
    >>> model = anystar.load_model(device="cpu")
    >>> result = model.segment(np.zeros((16, 32, 32), np.uint8))
    >>> len(result.objects), [str(note) for note in result.notes]
    (0, ['the image is constant: there is nothing to find'])
    """

    name: str
    network: StarNet
    device: torch.device
    card: dict[str, Any]
    tiling: TileConfig = TileConfig()
    """How the network's input is cut into tiles."""
    search: SearchConfig = SearchConfig()
    """The constants of the search for scale, aspect ratio and appearance."""

    @property
    def defaults(self) -> ModelDefaults:
        """What is used where an option is not given."""
        own = self.card["defaults"]
        return ModelDefaults(
            prob_thresh=check_threshold("prob_thresh", own["prob_thresh"]),
            nms_thresh=check_threshold("nms_thresh", own["nms_thresh"]),
            diameter=float(own["diameter"]),
            calibration=Calibration.of_card(self.card),
        )

    @property
    def num_rays(self) -> int:
        """Rays of the polyhedra that it proposes."""
        return self.network.config.num_rays

    def segment(
        self,
        image: Volume | np.ndarray | Croppable,
        *,
        spacing: Sequence[float] | None = None,
        box: Box | str | Sequence[slice] | None = None,
        diameter: float | None = None,
        prob_thresh: float | None = None,
        nms_thresh: float | None = None,
        tta: bool = False,
        fast: bool = False,
        aspect: bool = True,
        appearance: bool = True,
        threshold: bool = True,
        illumination: bool = True,
        progress: Progress | bool | None = None,
    ) -> Result:
        """Find every star-convex object of a volume.

        Parameters
        ----------
        image : Volume, array of shape ``(Z, Y, X)``, or what :func:`anystar.open_image` returns
            Any real type and range; objects may be brighter or darker than their surroundings.
        spacing : three floats, optional
            Micrometres per voxel (Z, Y, X) of an array, or of a volume whose file does not say. If it is not
            known, pixels are taken as square and the distance between planes is estimated.
        box : Box, str or 3 slices, optional
            Segment only this part, ``"10:20,:,5um:50um"`` for example, see :meth:`anystar.Box.of`. Two
            diameters around it are read as well, so that its border is right. The labels cover the box;
            ``result.box.embed(result.labels, shape)`` puts them on the whole grid.
        diameter : float, optional
            Typical diameter of the objects: in micrometres, or in voxels along Y and X if no size of them is
            known, or in voxels of the finest axis if its unit is not known. Estimated by default.
        prob_thresh : float, optional
            Lowest probability of an object, in [0, 1]. By default that of the model, more where a texture
            resembles objects, less where there are only objects
            (:func:`anystar.predict.adaptive_threshold.choose_threshold`).
        nms_thresh : float, optional
            Overlap (intersection over the smaller volume), in [0, 1], above which the less probable of two
            objects is dropped; that of the model by default.
        tta : bool
            Average the predictions for four orientations of the volume: four times the time.
        fast : bool
            Show the objects to the network smaller: half of its time, faint and small objects are lost first.
        aspect, appearance, threshold, illumination : bool
            Switch off an automatic step with ``False``: the estimate of the distance between planes,
            smoothing and gammas, the adaptive threshold, the correction of uneven illumination.
        progress : callable or bool, optional
            Called as ``progress(done, total, stage)``; ``True`` draws a bar, in a notebook too.

        Returns
        -------
        Result

        Raises
        ------
        InputError
            If the image is not a finite volume, or an argument is out of range.
        """
        options = PredictionOptions(
            diameter=diameter,
            prob_thresh=prob_thresh,
            nms_thresh=nms_thresh,
            tta=tta,
            fast=fast,
            aspect=aspect,
            appearance=appearance,
            threshold=threshold,
            illumination=illumination,
        )
        with progress_bar("segment") if progress is True else nullcontext(progress or None) as report:
            return self.segment_with(options, image, spacing=spacing, box=box, progress=report)

    def segment_with(
        self,
        options: PredictionOptions,
        image: Volume | np.ndarray | Croppable,
        *,
        spacing: Sequence[float] | None = None,
        box: Box | str | Sequence[slice] | None = None,
        progress: Progress | None = None,
    ) -> Result:
        """Segment with options as one value; see :meth:`segment`."""
        given = cast(Croppable, image)
        if not hasattr(image, "crop"):
            given = as_volume("image", np.asarray(image))
        voxel_size = _voxel_size(given, spacing)

        def segment(part: Volume, diameter: float | None) -> Result:
            if part.spacing is None and voxel_size is not None:
                part = replace(part, spacing=voxel_size.spacing, unit=voxel_size.unit)
            result = pipeline.segment(
                check_image(part.data),
                VoxelSize.of(part),
                self.detector(),
                self.defaults,
                replace(options, diameter=diameter),
                config=self.search,
                plane=part.plane,
                progress=progress,
            )
            return replace(result, image=part)

        if box is None:
            found = segment(given if isinstance(given, Volume) else given.crop(":,:,:"), options.diameter)
        else:
            lengths = None if voxel_size is None or voxel_size.unit != "um" else voxel_size.spacing
            wanted = Box.of(box, given.shape, spacing=lengths)
            found = segment_in_box(segment, given, wanted, voxel_size=voxel_size, diameter=options.diameter)
        return replace(found, notes=(*_order_note(spacing), *found.notes))

    def _facts(self) -> dict[str, str]:
        parameters = sum(p.numel() for p in self.network.parameters())
        own = self.defaults
        return {
            "device": str(self.device),
            "parameters": f"{parameters / 1e6:.1f} million",
            "object diameter": f"{own.diameter:g} voxels, to which images are scaled",
            "thresholds": f"prob_thresh {own.prob_thresh:g}, nms_thresh {own.nms_thresh:g}",
        }

    def __repr__(self) -> str:
        return display.as_text(f"Model {self.name}", self._facts())

    def _repr_html_(self) -> str:
        return display.as_html(f"Model {self.name}", self._facts())

    def detector(self) -> Detector:
        """Return a detector with the network; one per image, as it remembers what it found."""
        return Detector(network=self.network, device=self.device, tiling=self.tiling)

    def digest(self) -> str:
        """Return a digest of the weights."""
        total = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            total.update(name.encode())
            total.update(tensor.cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
        return total.hexdigest()[:16]


def with_defaults(card: dict[str, Any]) -> dict[str, Any]:
    """Return a card whose defaults are complete."""
    usual = ModelDefaults()
    defaults = {name: getattr(usual, name) for name in ("prob_thresh", "nms_thresh", "diameter")}
    return card | {"defaults": defaults | card.get("defaults", {})}


def _order_note(spacing: Sequence[float] | None) -> tuple[Note, ...]:
    """Return a remark on a spacing that looks like one in the order X, Y, Z."""
    if spacing is None:
        return ()
    z, y, x = check_spacing(spacing)
    if abs(z - y) > _EQUAL * y or x < _THICK * y:
        return ()
    text = f"spacing is in the order Z, Y, X, so voxels are longest along X ({x:g}); give spacing={(x, y, z)}"
    return (Note("spacing", f"{text} if that is the distance between planes"),)


def _voxel_size(image: OnGrid, spacing: Sequence[float] | None) -> VoxelSize | None:
    """Return the voxel size of the image to segment, if it is known."""
    given = None if spacing is None else VoxelSize(check_spacing(spacing))
    own = VoxelSize.of(image)
    if given is not None and own is not None and own != given:
        raise InputError(
            f"spacing is {given.spacing}, but the volume has its own, {own.spacing}; leave spacing out, or "
            "correct the volume (dataclasses.replace(volume, spacing=..., unit='um'))"
        )
    return given if own is None else own
