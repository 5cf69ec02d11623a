"""Labels on the disk of which some objects are displayed: the others are left out as they are read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from anystar.napari.live import Display, Listing, Live
from anystar.objects.table import Table

__all__ = ["LazyCanvas", "VisibleLabels", "live_store"]


class VisibleLabels:
    """An array of labels, read when it is indexed, in which hidden objects are background.

    Parameters
    ----------
    labels : array
        Any array that can be sliced, such as one of Dask or Zarr.
    visible : numpy.ndarray
        Bool, by label; may change later.

    Examples
    --------
    >>> some = VisibleLabels(np.array([[0, 1], [2, 2]]), np.array([False, False, True]))
    >>> some[1].tolist(), np.asarray(some).tolist()
    ([2, 2], [[0, 0], [2, 2]])
    """

    def __init__(self, labels: Any, visible: np.ndarray) -> None:
        self.labels, self.visible = labels, visible

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return tuple(self.labels.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype:
        """Type of the labels."""
        return np.dtype(self.labels.dtype)

    def __getitem__(self, index: Any) -> np.ndarray:
        part = np.asarray(self.labels[index])
        return part * self.visible[part]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[(slice(None),) * self.ndim], dtype)


class LazyCanvas(Display):
    """What a layer displays of labels on the disk, from the next time that a part is read.

    Parameters
    ----------
    listing : Listing
        All objects.
    levels : sequence of arrays
        The labels at each resolution, finest first.
    """

    def __init__(self, listing: Listing, levels: Sequence[Any]) -> None:
        super().__init__(listing)
        self._visible = np.zeros(int(listing.table["label"].max(initial=0)) + 1, bool)
        self._visible[listing.table["label"]] = True
        self.labels = [VisibleLabels(level, self._visible) for level in levels]
        """Arrays for the layer, one per resolution."""

    def _change(self, drawing: Listing, kept: np.ndarray) -> None:
        self._visible[drawing.table["label"]] = kept


def live_store(table: Table, levels: Sequence[Any]) -> Live:
    """Return what the sliders change of labels on the disk, given the table of all their objects."""
    lowest = float(table["probability"].min(initial=1.0))
    return Live(LazyCanvas(Listing(table=table, prob_thresh=np.floor(lowest * 100) / 100), levels))
