"""Thresholds and filters that follow a slider: what is kept, what is redrawn, how large it is.

A change of a filter redraws the objects that it concerns. A change of the threshold shows a preview at once,
the objects of a drawing at a lower threshold that are probable enough. The exact result, whose outlines are
averages of other candidates, replaces it when it is made. Where no candidates were kept, the preview stays.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from anystar.objects.filter_options import FilterOptions
from anystar.objects.filters import keep_labels
from anystar.objects.objects import LocatedObjects
from anystar.objects.redraw import redraw
from anystar.objects.table import Table

if TYPE_CHECKING:
    from anystar.predict.result import Result

__all__ = [
    "Canvas",
    "Display",
    "Drawing",
    "Histogram",
    "Listing",
    "Live",
    "draw",
    "histogram",
    "size_edges",
]

_BINS = 24


@dataclass(frozen=True, kw_only=True, eq=False)
class Listing:
    """All objects at one threshold, as a table."""

    table: Table
    prob_thresh: float
    result: Result | None = None
    """What other thresholds are made from; none where the candidates were not kept."""

    def kept(self, prob_thresh: float, filters: FilterOptions) -> np.ndarray:
        """Return which objects are probable enough and meet the conditions, bool ``(N,)``."""
        return filters.kept(self.table) & (self.table["probability"] >= prob_thresh)

    @property
    def sizes(self) -> np.ndarray:
        """Volumes of the objects, in cubic micrometres if these are known, else in voxels."""
        return self.table["volume_um3" if self.table.known("volume_um3") else "volume_vox"]

    @property
    def size_unit(self) -> str:
        """Unit of the volumes."""
        return "µm³" if self.table.known("volume_um3") else "voxels"


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawing(Listing):
    """The same with their labels."""

    labels: np.ndarray
    """Int32 ``(Z, Y, X)``."""
    objects: LocatedObjects


def draw(result: Result) -> Drawing:
    """Return the drawing of a result; measures its objects."""
    return Drawing(
        labels=result.labels,
        objects=result.objects,
        table=result.table(),
        prob_thresh=result.prob_thresh,
        result=result,
    )


class Display(ABC):
    """What a layer displays: some objects of a drawing, at first all of them."""

    labels: Any
    """The array that is displayed, or one per resolution."""

    def __init__(self, drawing: Listing) -> None:
        self.drawing = drawing
        self.kept = np.ones(len(drawing.table), bool)
        """Which objects of ``drawing`` are displayed, bool ``(N,)``."""

    def show(self, drawing: Listing, kept: np.ndarray) -> None:
        """Display the objects of a drawing that are kept."""
        self._change(drawing, kept)
        self.drawing, self.kept = drawing, kept.copy()

    @abstractmethod
    def _change(self, drawing: Any, kept: np.ndarray) -> None:
        """Change what is displayed."""

    @property
    def table(self) -> Table:
        """The rows of the objects that are displayed."""
        return self.drawing.table.select(self.kept)


class Canvas(Display):
    """The labels of a drawing in memory, of which only those that change are redrawn.

    Parameters
    ----------
    drawing : Drawing

    Examples
    --------
    >>> import anystar
    >>> labels = np.array([[[0, 1, 2, 2]]], np.int32)
    >>> drawing = Drawing(
    ...     labels=labels,
    ...     objects=anystar.objects.locate_objects(labels, 2),
    ...     table=Table(columns={"label": np.array([1, 2])}),
    ...     prob_thresh=0.5,
    ... )
    >>> canvas = Canvas(drawing)
    >>> canvas.show(drawing, np.array([True, False]))
    >>> canvas.labels.tolist()
    [[[0, 1, 0, 0]]]
    """

    def __init__(self, drawing: Drawing) -> None:
        super().__init__(drawing)
        self.labels = drawing.labels.copy()

    def _change(self, drawing: Drawing, kept: np.ndarray) -> None:
        if drawing is self.drawing:
            rows = np.flatnonzero(kept != self.kept)
            objects = drawing.objects
            redraw(self.labels, drawing.labels, objects.label[rows], objects.bbox[rows], kept[rows])
        else:
            self.labels[...] = keep_labels(drawing.labels, drawing.objects.label[kept])


class Live:
    """Objects whose threshold and filters follow sliders.

    Parameters
    ----------
    canvas : Display
        What the layer displays, at first the result as it was found.
    """

    def __init__(self, canvas: Display) -> None:
        self.canvas, self.exact = canvas, canvas.drawing
        self.lowest: Drawing | None = None
        """A drawing at the lowest threshold, for previews below that of ``exact``, once it is made."""
        self.prob_thresh = self.exact.prob_thresh
        self.filters = FilterOptions()

    @property
    def is_exact(self) -> bool:
        """Whether the canvas displays what a segmentation with this threshold finds, or all that can be."""
        exact = self.canvas.drawing is self.exact and self.prob_thresh == self.exact.prob_thresh
        return exact or self.exact.result is None

    def update(self, prob_thresh: float, filters: FilterOptions) -> None:
        """Display the objects of a threshold that meet conditions, as far as they are known."""
        self.prob_thresh, self.filters = prob_thresh, filters
        drawing: Listing = self.exact
        if prob_thresh < self.exact.prob_thresh and self.lowest is not None:
            drawing = self.lowest
        self.canvas.show(drawing, drawing.kept(prob_thresh, filters))

    def replace(self, exact: Listing) -> None:
        """Take the exact drawing of another threshold."""
        self.exact = exact
        self.update(self.prob_thresh, self.filters)

    def result(self) -> Result | None:
        """Return the result with the objects that are displayed."""
        result = self.canvas.drawing.result
        if result is None:
            return None
        return replace(result, labels=self.canvas.labels, objects=result.objects.select(self.canvas.kept))


@dataclass(frozen=True, kw_only=True, eq=False)
class Histogram:
    """How many objects have which size."""

    edges: np.ndarray
    """Of the bins, ascending, one more than there are bins."""
    all: np.ndarray
    """Objects per bin."""
    kept: np.ndarray
    """Objects per bin that are kept."""


def size_edges(sizes: np.ndarray) -> np.ndarray:
    """Return edges of bins that hold all sizes, at equal ratios.

    >>> size_edges(np.array([10.0, 1000.0]))[[0, -1]].round(1).tolist()
    [10.0, 1000.0]
    """
    known = sizes[np.isfinite(sizes) & (sizes > 0)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (1.0, 10.0)
    if high <= low * 1.01:
        low, high = low / 2, high * 2
    edges = np.geomspace(low, high, _BINS + 1)
    edges[0], edges[-1] = low, high  # not a rounding error less
    return edges


def histogram(sizes: np.ndarray, kept: np.ndarray, edges: np.ndarray) -> Histogram:
    """Count the objects by size, all and those that are kept."""
    counts, kept_counts = (np.histogram(some, edges)[0] for some in (sizes, sizes[kept]))
    return Histogram(edges=edges, all=counts, kept=kept_counts)
