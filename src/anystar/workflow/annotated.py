"""Annotated volumes: images with their label images, read for training and tuning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anystar import io
from anystar.arrays import refuse_mismatch
from anystar.errors import InputError
from anystar.train import LabelledConfig, LabelledVolumes, RawVolume, prepare
from anystar.workflow.pairing import file_pairs

__all__ = ["read_labelled", "read_pairs"]


def read_pairs(
    images: Path,
    labels: Path,
    *,
    spacing: tuple[float, float, float] | None = None,
    channel: int | str | None = None,
) -> list[RawVolume]:
    """Read images (one channel of each) with their labels, paired by name.

    Raises
    ------
    ValueError
        If a file is missing, cannot be read, or an image and its labels differ in shape or
        voxel size.
    """
    volumes = []
    for image_path, labels_path in file_pairs(images, labels).values():
        image = io.read(image_path, spacing=spacing, channel=channel)
        ground_truth = io.read(labels_path, spacing=spacing)
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


def read_labelled(config: LabelledConfig) -> LabelledVolumes:
    """Read, split and prepare the volumes that a configuration names."""
    how: dict[str, Any] = {"spacing": config.spacing, "channel": config.channel}
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
