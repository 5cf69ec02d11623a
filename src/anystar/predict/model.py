"""A trained network that segments volumes."""

from __future__ import annotations

import copy
import hashlib
import time
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from anystar.arrays import check_spacing, proportions
from anystar.config import ConfigError, nearest
from anystar.geometry.rays import golden_spiral
from anystar.nn.checkpoint import ModelFile, load_header, load_model_file
from anystar.nn.device import device_or_error, fast_bfloat16
from anystar.nn.model import StarNet, place
from anystar.predict.candidates import (
    Candidates,
    ProgressCallback,
    find_candidates,
    plan_tiles,
    tile_candidates,
)
from anystar.predict.result import Result, assemble, check_threshold
from anystar.predict.scale import diameter_in_voxels, search
from anystar.predict.tiles import Axes, Tile
from anystar.preprocess import PreparedImage, Preprocessing
from anystar.preprocess.intensity import check_image
from anystar.preprocess.resample import ResampledImage
from anystar.runtime.allocator import freed_memory_kept

__all__ = ["DEFAULT_MODEL", "Model", "list_models", "load_model", "model_path"]

DEFAULT_MODEL = "grain-small"
_FLOOR = 0.1
_FAST = 0.8
_DEFAULTS = {"prob_thresh": 0.5, "nms_thresh": 0.3, "diameter": 16.0}
"""Of a model whose card does not say better."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A network on its device, with its defaults.

    Examples
    --------
    >>> import numpy as np, anystar
    >>> model = anystar.load_model(device="cpu")
    >>> result = model.segment(np.zeros((16, 32, 32), np.uint8))
    >>> len(result.objects), result.notes
    (0, ('the image is constant: there is nothing to find',))
    """

    name: str
    network: StarNet
    device: torch.device
    card: dict[str, Any]
    tta: bool = False
    """Average the predictions for four orientations of the volume: four times the time."""
    fast: bool = False
    """See objects smaller than the network knows best: half of its time."""

    @freed_memory_kept()
    def segment(
        self,
        image: np.ndarray,
        *,
        spacing: tuple[float, float, float] | None = None,
        diameter: float | None = None,
        prob_thresh: float | None = None,
        nms_thresh: float | None = None,
        tta: bool = False,
        fast: bool = False,
        progress: ProgressCallback | None = None,
    ) -> Result:
        """Find every star-convex object of a volume.

        Parameters
        ----------
        image : array, shape ``(Z, Y, X)``
            Any real type and range; objects may be brighter or darker than their surroundings.
        spacing : three floats, optional
            Micrometres per voxel (Z, Y, X); only the ratios matter if no diameter is given. By default voxels
            are taken as square, and as long along Z as makes objects clearest (``(1, 1, 1)`` for cubic ones).
        diameter : float, optional
            Typical diameter of the objects, in micrometres if ``spacing`` is given, else in voxels (along Y
            and X). Estimated by default.
        prob_thresh : float, optional
            Least probability of an object, in [0, 1]; by default the model's own, or more where a texture
            resembles objects, or less where nothing else is there (:func:`anystar.predict.crowd.cutoff`).
        nms_thresh : float, optional
            Overlap (intersection over the smaller volume) above which the less probable of two objects is
            dropped; the model's own by default.
        tta : bool
            Average the network's predictions for four orientations of the volume.
        fast : bool
            Let the network see the objects smaller: half of its time, faint and small ones are lost first.
        progress : callable, optional
            Called as ``progress(done, total, stage)``.

        Returns
        -------
        Result

        Raises
        ------
        ValueError
            If the image is not a finite volume, or an argument is out of range.
        """
        image = check_image(image)
        prob_thresh = None if prob_thresh is None else self.threshold("prob_thresh", prob_thresh)
        nms_thresh = self.threshold("nms_thresh", nms_thresh)
        spacing = None if spacing is None else check_spacing(spacing)
        voxel_size = proportions(spacing)
        diameter = diameter_in_voxels(diameter, spacing, image.shape)
        started = time.perf_counter()
        preprocessing = Preprocessing.fit(image)
        settled, candidates = search(
            replace(self, tta=self.tta or tta, fast=self.fast or fast),
            preprocessing.apply(image),
            voxel_size=voxel_size,
            diameter=diameter,
            prob_thresh=prob_thresh,
            progress=progress,
        )
        prob_thresh = settled.prob_thresh
        seconds = time.perf_counter() - started
        rays = golden_spiral(self.network.config.num_rays)
        shape = (image.shape[0], image.shape[1], image.shape[2])
        labels, objects, timings = assemble(
            candidates, shape, settled.voxel_size, rays, prob_thresh, nms_thresh, self.device, preprocessing
        )
        return Result(
            labels=labels,
            objects=objects,
            spacing=spacing,
            prob_thresh=prob_thresh,
            nms_thresh=nms_thresh,
            diameter_vox=settled.diameter,
            notes=(*settled.notes, *candidates.notes),
            timings={"network": seconds, **timings},
            preprocessing=preprocessing,
            candidates=candidates,
            voxel_size=settled.voxel_size,
            rays=rays,
        )

    def candidates(
        self,
        image: PreparedImage,
        zoom: tuple[float, float, float],
        *,
        floor: float = _FLOOR,
        progress: ProgressCallback | None = None,
    ) -> Candidates:
        """Run the network over an image magnified by ``zoom``; lengths in voxels of that."""
        view = ResampledImage(prepared=image, zoom=zoom, device=self.device)
        bfloat16 = fast_bfloat16(self.device)
        return find_candidates(
            self.network, view, floor=floor, bfloat16=bfloat16, tta=self.tta, progress=progress
        )

    @property
    def num_rays(self) -> int:
        """Rays of the bodies that it proposes."""
        return self.network.config.num_rays

    def tile_axes(self, shape: tuple[int, int, int]) -> Axes:
        """Return the tiles in which it sees a volume of ``shape`` on its own lattice."""
        return plan_tiles(self.network.config, shape)

    def detect(self, view: ResampledImage, tile: Tile, floor: float) -> Candidates:
        """Return the candidates of one tile; lengths in voxels of ``view``."""
        bfloat16 = fast_bfloat16(self.device)
        return tile_candidates(self.network, view, tile, floor=floor, bfloat16=bfloat16, tta=self.tta)

    def digest(self) -> str:
        """Return a number that other weights would not have."""
        total = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            total.update(name.encode())
            total.update(tensor.cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
        return total.hexdigest()[:16]

    def threshold(self, name: str, value: float | None) -> float:
        """Return a threshold within [0, 1], the model's own for ``None``: ``prob_thresh``, ``nms_thresh``."""
        return check_threshold(name, self.card["defaults"][name] if value is None else value)

    def floor(self, prob_thresh: float | None) -> float:
        """Return the least probability of a candidate that is kept, so that thresholds can change later."""
        return min(_FLOOR, self.threshold("prob_thresh", prob_thresh))

    @property
    def diameter(self) -> float:
        """Object diameter in voxels at which the network is to see objects."""
        best = float(self.card["defaults"]["diameter"])
        return best * _FAST if self.fast else best


def load_model(name: str | Path | None = None, *, device: str = "auto") -> Model:
    """Load a bundled model by name, or a model file by path.

    Parameters
    ----------
    name : str or path, optional
        One of :func:`list_models`, or the path of a ``.safetensors`` file that ``anystar train`` wrote. The
        default model by default.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises
    ------
    ValueError
        If there is no such model, file or device.
    """
    where = device_or_error(device)
    path = model_path(DEFAULT_MODEL if name is None else name)
    file = load_model_file(path)
    return Model(name=path.stem, network=_prepare(file, where), device=where, card=_with_defaults(file.card))


def model_path(name: str | Path) -> Path:
    """Return the file of a bundled model, or of the path that was given; ``ConfigError`` without one."""
    wanted, paths = str(name), _bundled()
    if wanted in paths:
        return paths[wanted]
    path = Path(wanted).expanduser()
    if path.is_dir():
        raise ConfigError(f"{wanted} is a folder; give a model file, such as {path / 'model.safetensors'}")
    if path.is_file():
        return path
    if path.suffix == ".safetensors":
        raise ConfigError(f"there is no model file {wanted}; check the name")
    known = nearest(wanted, paths) if paths else "; none is bundled: give the path of a model file"
    raise ConfigError(f"unknown model '{wanted}'{known}")


def list_models() -> dict[str, dict[str, Any]]:
    """Return the cards of the bundled models by name, with the size of each file in bytes."""
    cards = {}
    for name, path in sorted(_bundled().items()):
        card = _with_defaults(load_header(path)["card"])
        cards[name] = card | {"size": path.stat().st_size, "default": name == DEFAULT_MODEL}
    return cards


def _bundled() -> dict[str, Path]:
    folder = Path(str(resources.files("anystar") / "models"))
    return {path.stem: path for path in folder.glob("*.safetensors")}


def _with_defaults(card: dict[str, Any]) -> dict[str, Any]:
    return card | {"defaults": _DEFAULTS | card.get("defaults", {})}


def _prepare(file: ModelFile, device: torch.device) -> StarNet:
    """Fold batch normalisation into the convolutions and put the network on the device."""
    network = copy.deepcopy(file.network).eval()
    for module in list(network.modules()):
        if not isinstance(module, nn.Sequential):
            continue
        for i in range(len(module) - 1):
            conv, norm = module[i], module[i + 1]
            if isinstance(conv, nn.Conv3d) and isinstance(norm, nn.BatchNorm3d):
                module[i] = nn.utils.fusion.fuse_conv_bn_eval(conv, norm)
                module[i + 1] = nn.Identity()
    return place(network, device)
