"""Annotated volumes at the scale and with the intensities of the network's input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from anystar.arrays import VoxelSize
from anystar.config import ConfigError, check_range
from anystar.errors import InputError
from anystar.objects.labels import resembles_image
from anystar.preprocess import Preprocessing
from anystar.preprocess.arrays import whole_box
from anystar.preprocess.intensity import check_image
from anystar.preprocess.resample import ResampledImage
from anystar.synth.augment.blur import GaussianSmooth, ThickSlices
from anystar.synth.augment.noise import GaussianNoise, PhotonNoise
from anystar.synth.augment.shading import BiasField, Gamma, HistogramShift, Invert
from anystar.synth.augment.window import Window

__all__ = [
    "CropAugment",
    "LabelledConfig",
    "LabelledVolume",
    "LabelledVolumes",
    "RawVolume",
    "known_labels",
    "median_diameter",
    "prepare",
]

_SHELL = 0.2
"""Depth of the background that is known around a labelled object, as a share of the diameter."""
_SPECK = 20
"""Pieces of fewer voxels, or of a thousandth of the largest, are slips of the pen."""
_SHRINK = 0.75
"""An axis is reduced beforehand if its voxels shrink to less than this."""


@dataclass(frozen=True, kw_only=True)
class CropAugment:
    """What is done to the intensities of a crop, in this order; each with a probability of its own."""

    invert: Invert = Invert(probability=0.0)
    bias_field: BiasField = BiasField(probability=0.3, coefficient=(-0.2, 0.2))
    thick_slices: ThickSlices = ThickSlices(probability=0.1, step=(1.5, 3.0))
    gaussian_smooth: GaussianSmooth = GaussianSmooth(probability=0.2, sigma=(0.0, 1.0))
    photon_noise: PhotonNoise = PhotonNoise(probability=0.2, photons=(30.0, 1000.0))
    gaussian_noise: GaussianNoise = GaussianNoise(probability=0.3, deviation=(0.0, 0.08))
    gamma: Gamma = Gamma(probability=0.5, gamma=(0.6, 1.7), logarithmic=True)
    histogram_shift: HistogramShift = HistogramShift(probability=0.1)
    window: Window = Window(probability=0.3, gain=(0.5, 1.0))


@dataclass(frozen=True, kw_only=True)
class LabelledConfig:
    """Which annotated volumes are learnt from, and how crops of them are taken."""

    images: str
    """Folder of images, or one image."""
    labels: str
    """Folder of label images of the same names, or one."""
    validation_images: str | None = None
    """Images that are only judged by."""
    validation_labels: str | None = None
    """Their labels."""
    hold_out: int | None = None
    """Volumes (the last by name) that are only judged by, if there are no others for that; a fifth of all by
    default, none of fewer than five."""
    spacing: tuple[float, float, float] | None = None
    """Micrometres per voxel (ZYX) of all volumes, instead of what their files say."""
    channel: int | str | None = None
    """Channel of images that have several, counted from 0."""
    time: int | None = None
    """Time point of images that have several, counted from 0."""
    series: int | None = None
    """Image of files that hold several, counted from 0."""
    axes: str | None = None
    """Letters of the images' axes, slowest first, if their files state others or none."""
    ignore_label: int = -1
    """Voxels of this label teach nothing."""
    unlabelled: Literal["background", "ignore"] = "background"
    """What voxels of label 0 are. ``ignore``: unknown, but for a thin shell around each labelled object."""
    diameter: float = 16.0
    """Volumes are scaled so that their median object has this diameter, in voxels."""
    scale: tuple[float, float] = (0.7, 1.4)
    """Range of a further factor, log-uniform, a crop."""
    turn: float = 0.5
    """Share of the crops that are turned by any angle; the others are only flipped and have axes swapped."""
    near_objects: float = 0.8
    """Share of the crops that are placed by choosing an object; the others lie anywhere."""
    augment: CropAugment = field(default_factory=CropAugment)
    """Changes of the intensities."""

    def __post_init__(self) -> None:
        if self.ignore_label == 0:
            raise ConfigError(
                "ignore_label must not be 0; to ignore what has no label, set unlabelled to ignore"
            )
        if not self.diameter > 0:
            raise ConfigError(f"diameter must be positive, got {self.diameter}")
        for name in ("hold_out", "channel", "time", "series"):
            if isinstance(value := getattr(self, name), int) and value < 0:
                raise ConfigError(f"{name} must be at least 0, got {value}")
        if (self.validation_images is None) != (self.validation_labels is None):
            raise ConfigError("validation images and validation labels must be given together")
        check_range("scale", self.scale, 0.1, 10)
        check_range("turn", (0, self.turn), 0, 1)
        check_range("near_objects", (0, self.near_objects), 0, 1)


@dataclass(frozen=True, kw_only=True)
class RawVolume:
    """An image with its labels, as they are in their files."""

    name: str
    image: np.ndarray
    """Any real type, shape ``(Z, Y, X)``."""
    labels: np.ndarray
    """Whole numbers, the same shape."""
    spacing: tuple[float, float, float] | None
    """Length of a voxel along each axis (ZYX); relative ones become those in units of the shortest."""
    unit: Literal["um", "relative"] = "um"
    """Of the spacing; see :class:`anystar.arrays.Volume`."""

    def __post_init__(self) -> None:
        try:
            check_image(self.image)
            known = None if self.spacing is None else VoxelSize(self.spacing, self.unit)
            object.__setattr__(self, "spacing", None if known is None else known.lengths.spacing)
        except ValueError as error:
            raise InputError(f"{self.name}: {error}") from None
        if self.labels.shape != self.image.shape:
            raise InputError(
                f"{self.name}: the image has the shape {self.image.shape}, its labels {self.labels.shape}; "
                "give labels on the grid of the image"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledVolume:
    """An annotated volume, ready for crops."""

    name: str
    image: Tensor
    """Normalised to [0, 1], float32, shape ``(Z, Y, X)``."""
    labels: Tensor
    """Int32, the same shape: 0 is background, -1 unknown, objects are 1 to n."""
    step: tuple[float, float, float]
    """Length of a voxel along each axis in voxels of a crop."""
    centres: np.ndarray
    """Middle of each object's box in voxels, float64, shape ``(n, 3)``."""
    scattered: bool
    """Whether its labels have several pieces each, as if one number stood for many objects."""


class LabelledVolumes(NamedTuple):
    """What is learnt from, and what is only judged by."""

    training: tuple[LabelledVolume, ...]
    validation: tuple[LabelledVolume, ...] = ()


def prepare(volumes: Sequence[RawVolume], config: LabelledConfig) -> tuple[LabelledVolume, ...]:
    """Normalise, number and scale annotated volumes.

    Each volume is scaled so that its own median object has the diameter that ``config`` says; one without
    objects as the median of the others, in their unit.

    Raises
    ------
    ValueError
        For an image or labels that cannot be used, or if no volume has any object; with the volume's name.
    """
    numbered = [known_labels(volume, config) for volume in volumes]
    usual = median_diameter(volumes, numbered)
    return tuple(
        _scale(volume, labels, _diameter(labels, _unit(volume)) or usual, config)
        for volume, labels in zip(volumes, numbered, strict=True)
    )


def median_diameter(volumes: Sequence[RawVolume], labels: Sequence[np.ndarray]) -> float:
    """Return the median over volumes of their objects' median diameter, in the unit of their spacing.

    ``labels`` are those of :func:`known_labels`; ``ValueError`` if there is no object in any.
    """
    found = [_diameter(one, _unit(volume)) for volume, one in zip(volumes, labels, strict=True)]
    known = [d for d in found if d is not None]
    if not known:
        names = ", ".join(volume.name for volume in volumes)
        raise InputError(f"there is no labelled object in {names}; check that these are the labels")
    return float(np.median(known))


def _unit(volume: RawVolume) -> np.ndarray:
    return np.array((1.0, 1.0, 1.0) if volume.spacing is None else volume.spacing)


def known_labels(volume: RawVolume, config: LabelledConfig) -> np.ndarray:
    """Return int32 labels: objects 1 to n, background 0, unknown -1; ``ValueError`` if they are no labels."""
    if resembles_image(volume.labels):
        raise InputError(
            f"{volume.name}: the labels are intensities (neighbouring voxels mostly differ); give labels, "
            "or check whether images and labels are swapped"
        )
    found = np.unique(volume.labels)
    if found.dtype.kind == "f" and not np.array_equal(found, np.round(found)):
        raise InputError(
            f"{volume.name}: the labels have fractional values; give a label image (0 background, one number "
            "per object)"
        )
    if bad := [int(v) for v in found if v < 0 and v != config.ignore_label]:
        raise InputError(
            f"{volume.name}: the labels hold {bad[0]}; only {config.ignore_label} may be negative (ignored "
            "voxels), or name another with --ignore-label"
        )
    numbers = np.zeros(len(found), np.int32)
    objects = (found > 0) & (found != config.ignore_label)
    numbers[objects] = np.arange(1, objects.sum() + 1)
    numbers[found == config.ignore_label] = -1
    labels = numbers[np.searchsorted(found, volume.labels)]
    if config.unlabelled == "ignore":
        known, diameter = labels > 0, _diameter(labels, _unit(volume))
        if diameter is not None:
            known = with_shell(known, diameter, _unit(volume))
        labels[(labels == 0) & ~known] = -1
    return labels


def with_shell(objects: np.ndarray, diameter: float, edges: np.ndarray) -> np.ndarray:
    """Return where objects of a typical diameter are, or a thin shell around: somewhere they must end."""
    return np.asarray(ndimage.distance_transform_edt(~objects, sampling=edges) <= _SHELL * diameter)


def _diameter(labels: np.ndarray, unit: np.ndarray) -> float | None:
    """Return the median diameter of the objects, of those that the border does not cut if there are any."""
    boxes = ndimage.find_objects(np.maximum(labels, 0))
    if not boxes:
        return None
    volumes = np.bincount(labels[labels > 0], minlength=len(boxes) + 1)[1:] * unit.prod()
    whole = [all(s.start > 0 and s.stop < n for s, n in zip(box, labels.shape, strict=True)) for box in boxes]
    chosen = volumes[whole] if any(whole) else volumes
    return float(np.cbrt(6 / np.pi * np.median(chosen)))


def _scattered(labels: np.ndarray) -> bool:
    """Return whether the labelled regions have twice the number of pieces as of labels, without specks."""
    pieces, num = ndimage.label(labels > 0)
    sizes = np.bincount(pieces[pieces > 0], minlength=num + 1)[1:]
    large = sizes >= max(_SPECK, sizes.max(initial=0) / 1000)
    return bool(large.sum() >= 2 * max(1, labels.max()))


def _scale(volume: RawVolume, labels: np.ndarray, diameter: float, config: LabelledConfig) -> LabelledVolume:
    """Reduce what is finer than crops ever need; note how large the voxels then are in a crop."""
    step = _unit(volume) * config.diameter / diameter
    shrink = step * config.scale[1]
    zoom = np.where(shrink < _SHRINK, shrink, 1.0)
    z, y, x = zoom.tolist()
    try:
        preprocessing = Preprocessing.fit(volume.image)
    except ValueError as error:
        raise InputError(f"{volume.name}: {error}") from None
    prepared = preprocessing.apply(volume.image)
    inner = preprocessing.inner_box(labels.shape)
    margins = preprocessing.margin_mask(inner)
    labels = labels[inner] if margins is None else np.where(margins, -1, labels[inner])  # -1: unknown
    resampled = ResampledImage(prepared=prepared, zoom=(z, y, x), device=torch.device("cpu"))
    image = resampled.read(whole_box(resampled.shape))
    reduced = torch.zeros(resampled.shape) if image is None else image[0, 0]  # None if constant
    index = [
        np.minimum(((np.arange(size) + 0.5) * num / size).astype(int), num - 1)
        for size, num in zip(reduced.shape, labels.shape, strict=True)
    ]
    small = torch.from_numpy(np.ascontiguousarray(labels[np.ix_(*index)]))
    boxes = [box for box in ndimage.find_objects(np.maximum(small.numpy(), 0)) if box is not None]
    centres = [[(s.start + s.stop - 1) / 2 for s in box] for box in boxes]
    num = np.array(labels.shape) / np.array(reduced.shape)
    return LabelledVolume(
        name=volume.name,
        # Shared, so that worker processes see the same memory instead of copies.
        image=reduced.share_memory_(),
        labels=small.share_memory_(),
        step=tuple((step * num).tolist()),
        centres=np.array(centres, np.float64).reshape(-1, 3),
        scattered=_scattered(labels),
    )
