"""One annotated volume on the disk, and the data set that it belongs to; read when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from anystar import io
from anystar.arrays import Volume, refuse_mismatch

__all__ = ["Box", "Dataset", "Item", "Pair", "Split", "cut_in_two", "hold_out", "read_pair"]

Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
"""Half-open ``(start, stop)`` along Z, Y and X, in voxels of the file."""
Split = Literal["train", "validation", "test"]


class Pair(NamedTuple):
    """An image with its ground truth, in memory."""

    image: Volume
    """The image; ``spacing`` in micrometres, ZYX."""
    labels: np.ndarray
    """Int32 ``(Z, Y, X)``, 0 is background; numbers as in the file."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One image with a label image, or a part of them."""

    name: str
    """Name of the volume, unique within its data set."""
    image: Path
    """File of the image."""
    labels: Path
    """File of the ground truth."""
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
    """Read the image and its ground truth, and check that they belong together.

    Raises
    ------
    ValueError
        If a file is damaged, the labels are no labels, or shapes or spacings differ, with
        ``<what>; <what to do>``.
    """
    image = io.read(item.image, spacing=item.spacing)
    ground_truth = io.read_labels(item.labels, spacing=item.spacing)
    refuse_mismatch(item.labels, ground_truth, "its image", image)
    labels = _int32(ground_truth.data)
    if item.part is None:
        return Pair(image, labels)
    box = part_box(image.shape, item.part)
    chosen = tuple(slice(a, b) for a, b in box)
    # Another place in the world than the file's: its header no longer describes the part.
    part = replace(image, data=np.ascontiguousarray(image.data[chosen]), header={})
    return Pair(part, np.ascontiguousarray(labels[chosen]))


def part_box(shape: Sequence[int], part: tuple[float, float]) -> Box:
    """Return the box of a share of the longest axis (the first of equal ones).

    Examples
    --------
    >>> part_box((10, 20, 20), (0.5, 1.0))
    ((0, 10), (10, 20), (0, 20))
    """
    axis = int(np.argmax(shape))
    low, high = (round(p * shape[axis]) for p in part)
    z, y, x = ((low, high) if i == axis else (0, int(n)) for i, n in enumerate(shape))
    return z, y, x


def hold_out(train: Sequence[Item], share: float = 0.25) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Split a validation crop off the last training volume: the end of its longest axis.

    The paper does so for NucMM-M and PlatyISH ("validation is performed on a held-out crop from the training
    set"); its place and size are not stated, the last quarter is ours.

    Returns
    -------
    train, validation : tuples of Item
    """
    *others, last = train
    low, high = last.part or (0.0, 1.0)
    border = high - share * (high - low)
    return (
        (*others, replace(last, part=(low, border))),
        (replace(last, name=f"{last.name}-held-out", part=(border, high)),),
    )


def cut_in_two(item: Item) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Return the first half of a single volume for training and the second for the test."""
    return (replace(item, part=(0.0, 0.5)),), (replace(item, part=(0.5, 1.0)),)


def _int32(labels: np.ndarray) -> np.ndarray:
    """Return int32 labels; numbered anew if a number does not fit."""
    if labels.size and int(labels.max()) > np.iinfo(np.int32).max:
        values, labels = np.unique(labels, return_inverse=True)
        labels = labels + (values[0] != 0)
    return labels.astype(np.int32, copy=False)
