"""Annotated volumes: images with their label images, read for training and tuning."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from anystar import io
from anystar.arrays import refuse_mismatch
from anystar.errors import InputError
from anystar.train import LabelledConfig, LabelledVolumes, RawVolume, prepare
from anystar.workflow.pairing import file_pairs

__all__ = ["VolumeChoice", "choice_of", "read_labelled", "read_pairs"]


@dataclass(frozen=True, kw_only=True)
class VolumeChoice:
    """Which volume of each annotated image is read, see :func:`anystar.open_image`."""

    spacing: tuple[float, float, float] | None = None
    """Micrometres per voxel along Z, Y, X, instead of what the files say."""
    channel: int | str | None = None
    """Which channel of images that have several: its number from 0, or its name."""
    time: int | None = None
    """Which time point of images that have several, from 0."""
    series: int | None = None
    """Which image of files that hold several, from 0."""
    axes: str | None = None
    """Letters of the images' axes, slowest first, if their files state others or none."""


def read_pairs(
    images: Path,
    labels: Path,
    *,
    spacing: tuple[float, float, float] | None = None,
    channel: int | str | None = None,
    time: int | None = None,
    series: int | None = None,
    axes: str | None = None,
    ignore_label: int | None = None,
) -> list[RawVolume]:
    """Read images (one volume of each) with their labels, paired by name.

    Parameters
    ----------
    images, labels : Path
        Folders with matching names, or one file each.
    spacing, channel, time, series, axes
        How the images are opened, see :func:`anystar.open_image`. Labels have the same ``spacing``, and the
        same ``axes`` if their file states the same ones as that of the image.
    ignore_label : int, optional
        A negative label that is allowed.

    Raises
    ------
    InputError
        If a file is missing, cannot be read, is no label image, or an image and its labels differ in shape
        or voxel size.
    """
    volumes = []
    for image_path, labels_path in file_pairs(images, labels).values():
        image = io.read(image_path, spacing=spacing, channel=channel, time=time, series=series, axes=axes)
        ground_truth = io.read_labels(
            labels_path,
            spacing=spacing,
            axes=io.shared_axes(labels_path, image_path, axes),
            ignore_label=ignore_label,
        )
        refuse_mismatch(labels_path, ground_truth, image_path, image)
        volumes.append(
            RawVolume(
                name=image_path.name,
                image=image.data,
                labels=ground_truth.data,
                spacing=image.spacing,
                unit=image.unit,
            )
        )
    return volumes


def choice_of(options: VolumeChoice | LabelledConfig) -> dict[str, Any]:
    """Return which volume is read, as arguments of :func:`anystar.open_image`."""
    return {field.name: getattr(options, field.name) for field in fields(VolumeChoice)}


def read_labelled(config: LabelledConfig) -> LabelledVolumes:
    """Read, split and prepare the volumes that a configuration names."""
    how = {**choice_of(config), "ignore_label": config.ignore_label}
    volumes = read_pairs(Path(config.images), Path(config.labels), **how)
    judges: list[RawVolume] = []
    if config.validation_images is not None and config.validation_labels is not None:
        judges = read_pairs(Path(config.validation_images), Path(config.validation_labels), **how)
    else:
        number = len(volumes) // 5 if config.hold_out is None else config.hold_out
        if number >= len(volumes):
            raise InputError(
                f"hold_out={number} leaves none of the {len(volumes)} volumes to learn from; hold out fewer"
            )
        volumes, judges = volumes[: len(volumes) - number], volumes[len(volumes) - number :]
    prepared = prepare([*volumes, *judges], config)
    return LabelledVolumes(training=prepared[: len(volumes)], validation=prepared[len(volumes) :])
