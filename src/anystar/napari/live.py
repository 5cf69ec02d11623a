"""Thresholds and filters that follow a slider: what is kept, what is redrawn, how large it is.

A change of a filter redraws the objects that it concerns. A change of the threshold shows a preview at once,
the objects of a drawing at a lower threshold that are probable enough. The exact result, whose outlines are
averages of other candidates, replaces it when it is made. Where no candidates were kept, the preview stays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

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


class Display(Protocol):
    """What a layer displays: some of the objects."""

    labels: Any
    """The array that is displayed, or one per resolution."""
    drawing: Any
    kept: np.ndarray
    """Which objects of ``drawing`` are displayed, bool ``(N,)``."""

    def show(self, drawing: Any, kept: np.ndarray) -> None:
        """Display the objects of a drawing that are kept."""

    @property
    def table(self) -> Table:
        """The rows of the objects that are displayed."""


class Canvas:
    """The labels that a layer displays: some objects of a drawing.

    Parameters
    ----------
    drawing : Drawing
        Of which all are displayed at first.

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
        self.drawing = drawing
        self.labels = drawing.labels.copy()
        self.kept = np.ones(len(drawing.table), bool)

    def show(self, drawing: Drawing, kept: np.ndarray) -> None:
        """Display the objects of a drawing that are kept; redraws only those that change."""
        if drawing is self.drawing:
            rows = np.flatnonzero(kept != self.kept)
            objects = drawing.objects
            redraw(self.labels, drawing.labels, objects.label[rows], objects.bbox[rows], kept[rows])
        else:
            self.labels[...] = keep_labels(drawing.labels, drawing.objects.label[kept])
        self.drawing, self.kept = drawing, kept.copy()

    @property
    def table(self) -> Table:
        """The rows of the objects that are displayed."""
        return self.drawing.table.select(self.kept)


class Live:
    """Objects whose threshold and filters follow sliders.

    Parameters
    ----------
    exact : Listing
        The result as it was found.
    canvas : Display, optional
        What the layer displays; a :class:`Canvas` of a drawing by default.
    """

    def __init__(self, exact: Listing, canvas: Display | None = None) -> None:
        self.exact = exact
        self.lowest: Drawing | None = None
        """A drawing at the lowest threshold, for previews below that of ``exact``, once it is made."""
        if canvas is None:
            assert isinstance(exact, Drawing)
            canvas = Canvas(exact)
        self.canvas: Display = canvas
        self.prob_thresh = exact.prob_thresh
        self.filters = FilterOptions()

    @property
    def is_exact(self) -> bool:
        """Whether the canvas displays what a segmentation with this threshold finds, or all that can be."""
        exact = self.canvas.drawing is self.exact and self.prob_thresh == self.exact.prob_thresh
        return exact or self.exact.result is None

    @property
    def previewed(self) -> bool:
        """Whether a drawing for the threshold is there, exact or not."""
        return self.prob_thresh >= (self.lowest or self.exact).prob_thresh

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
        drawing, kept = self.canvas.drawing, self.canvas.kept
        if drawing.result is None:
            return None
        assert isinstance(self.canvas, Canvas)
        objects = drawing.result.objects.select(kept)
        return replace(drawing.result, labels=self.canvas.labels, objects=objects)


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
    return Histogram(
        edges=edges,
        all=np.histogram(sizes, edges)[0],
        kept=np.histogram(sizes[kept], edges)[0],
    )
