"""One annotated volume on the disk, and the data set that it belongs to; read when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from anystar import io
from anystar.arrays import Volume, refuse_mismatch
from anystar.objects.labels import number_consecutively

__all__ = ["SPLITS", "Dataset", "Item", "Pair", "Split", "hold_out", "read_pair"]

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
_HELD_OUT = 0.25
"""Share of the last training volume that is held out; the paper does not state its own."""


class Pair(NamedTuple):
    """An image with its ground truth, in memory."""

    image: Volume
    labels: np.ndarray
    """Int32 ``(Z, Y, X)``, 0 is background; numbers as in the file."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One image with a label image, or a part of them."""

    name: str
    """Name of the volume, unique within its data set."""
    image: Path
    labels: Path
    """The ground truth."""
    spacing: tuple[float, float, float] | None = None
    """Micrometres (ZYX) that the owner states; ``None``: what the file says."""
    part: tuple[float, float] | None = None
    """Only this share of the longest axis, from 0 to 1; ``None``: all."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Annotated volumes with a division into training, validation and test."""

    name: str
    """Short name, used in folders and tables."""
    train: tuple[Item, ...] = ()
    """For supervised networks only."""
    validation: tuple[Item, ...] = ()
    """For thresholds and object size only."""
    test: tuple[Item, ...] = ()
    """What is reported."""
    dark: bool = False
    """Whether the objects are darker than their surroundings."""
    notes: tuple[str, ...] = ()
    """What a reader of the results has to know."""
    problems: tuple[str, ...] = ()
    """What is left out because it cannot be used, a line each."""

    def split(self, name: Split) -> tuple[Item, ...]:
        """Return the items of one division."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]


def read_pair(item: Item) -> Pair:
    """Read the image and its ground truth; ``InputError`` if they are damaged or do not belong together."""
    image = io.read(item.image, spacing=item.spacing)
    ground_truth = io.read_labels(item.labels, spacing=item.spacing)
    refuse_mismatch(item.labels, ground_truth, "its image", image)
    labels = ground_truth.data
    if int(labels.max(initial=0)) > np.iinfo(np.int32).max:
        labels, _ = number_consecutively(labels)
    labels = labels.astype(np.int32, copy=False)
    if item.part is None:
        return Pair(image, labels)
    box = part_box(image.shape, item.part)
    # Another place in the world than the file's: its header no longer describes the part.
    part = replace(image, data=np.ascontiguousarray(image.data[box]), header={})
    return Pair(part, np.ascontiguousarray(labels[box]))


def part_box(shape: Sequence[int], part: tuple[float, float]) -> tuple[slice, ...]:
    """Return the box of a share of the longest axis (the first of equal ones).

    Examples
    --------
    >>> part_box((10, 20, 20), (0.5, 1.0))
    (slice(0, 10, None), slice(10, 20, None), slice(0, 20, None))
    """
    axis = int(np.argmax(shape))
    low, high = (round(p * shape[axis]) for p in part)
    return tuple(slice(low, high) if i == axis else slice(0, int(n)) for i, n in enumerate(shape))


def hold_out(train: Sequence[Item]) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Return training and validation volumes: the end of the last one's longest axis is held out.

    The paper does so for NucMM-M and PlatyISH ("validation is performed on a held-out crop from the training
    set").
    """
    *others, last = train
    low, high = last.part or (0.0, 1.0)
    border = high - _HELD_OUT * (high - low)
    return (
        (*others, replace(last, part=(low, border))),
        (replace(last, name=f"{last.name}-held-out", part=(border, high)),),
    )
