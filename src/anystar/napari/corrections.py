"""Corrections of a labels layer: clicks and strokes become edits, and edits are displayed; without Qt.

:mod:`anystar.napari.correcting` begins them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from anystar.box import triple
from anystar.correction import Change, Corrections, ImageKey, Journal, Unsaved, recover
from anystar.correction.table import list_objects
from anystar.errors import InputError
from anystar.napari.layers import Place, features_of
from anystar.napari.segmentation import Segmentation
from anystar.napari.strokes import painted_voxels

if TYPE_CHECKING:
    import pandas

    from anystar.correction.proposals import Propose

__all__ = ["LayerCorrections", "Mode", "corrections_of"]

_KEY = "anystar corrections"


class _Mode(NamedTuple):
    title: str
    key: str
    help: str


class Mode(Enum):
    """What a click does."""

    LOOK = _Mode("Look", "Escape", "Move and zoom; clicks change nothing.")
    ADD = _Mode("Add", "a", "Click where an object is missing: the model's best candidate there is added.")
    DELETE = _Mode("Delete", "d", "Click an object to remove it.")
    MERGE = _Mode("Merge", "g", "Click two objects that are one; further clicks add more.")
    SPLIT = _Mode("Split", "s", "Click two points of an object, one in each half.")
    PAINT = _Mode("Paint", "b", "Paint the chosen object; n begins a new one, f fits a body to it.")
    CONFIRM = _Mode("Confirm", "c", "Click an object that is right: learning takes it as correct.")


@dataclass(kw_only=True, eq=False)
class LayerCorrections:
    """The corrections that a labels layer displays and that it is the canvas of."""

    layer: Any
    corrections: Corrections
    place: Place
    key: ImageKey
    journal: Journal
    """What keeps the edits on the disk."""
    segmentation: Segmentation | None = None
    pending: list[Any] = field(default_factory=list)
    """Objects to merge, or the first point of a split."""
    _measured: dict[str, dict[int, Any]] = field(default_factory=dict)

    @property
    def image_path(self) -> Path | None:
        """The file of the image, if it has one."""
        return self.key.path

    def voxel(self, position: Sequence[float]) -> tuple[float, float, float]:
        """Return the voxel (Z, Y, X) of a place in napari's world.

        Raises
        ------
        InputError
            If the place belongs to another time point or channel.
        """
        data = self.layer.world_to_data(position)
        if any(round(float(data[axis])) for axis in self.place.others):
            raise InputError(f"{self.layer.name} is of another time point or channel; move the slider there")
        return triple(float(data[axis]) for axis in self.place.axes)

    def click(
        self,
        mode: Mode,
        point: Sequence[float],
        *,
        label: int | None = None,
        propose: Propose | None = None,
    ) -> str:
        """Make of a click at a voxel what the mode means, and return a line for the user.

        Parameters
        ----------
        mode : Mode
        point : 3 floats
            Voxel (Z, Y, X).
        label : int, optional
            The object that was clicked, if that is not the one at the point: in a 3D view.
        propose : callable, optional
            See :meth:`anystar.correction.Corrections.add_at`.

        Raises
        ------
        InputError
            If nothing can be done there; :class:`anystar.correction.NothingFound` if there is no candidate.
        """
        own = self.corrections
        if mode is Mode.ADD:
            return self.show(own.add_at(point, propose=propose))
        label = own.label_at(point) if label is None else label
        if not label:
            raise InputError("there is no object here; click one")
        if mode is Mode.DELETE:
            return self.show(own.delete(label))
        if mode is Mode.CONFIRM:
            return self.show(own.review([label]))
        if mode is Mode.MERGE:
            return self._merge(label)
        if mode is Mode.SPLIT:
            return self._split(label, point)
        return ""

    def _merge(self, label: int) -> str:
        first = next((n for n in self.pending if n in self.corrections.rows), None)
        if first is None or first == label:
            self.pending = [label]
            return f"merge {label} with: click another object"
        change = self.corrections.merge([first, label])
        self.pending = [n for n in (first, label) if n in self.corrections.rows]
        return self.show(change)

    def _split(self, label: int, point: Sequence[float]) -> str:
        before = next(iter(self.pending), None)
        if before is None or before[0] != label:
            self.pending = [(label, tuple(point))]
            return f"split {label}: click a point in its other half"
        self.pending = []
        return self.show(self.corrections.split(label, before[1], point))

    def stroke(self, atoms: Sequence[Any]) -> str:
        """Take up what the brush of napari has painted: the value of its event ``paint``."""
        where, old = painted_voxels(self.layer.data, atoms)
        change = self.corrections.painted(tuple(where[axis] for axis in self.place.axes), old)
        return "" if change is None else self.show(change)

    def refit(self) -> str:
        """Fit a body to the chosen object."""
        return self.show(self.corrections.refit(int(self.layer.selected_label)))

    def confirm_all(self) -> str:
        """Confirm the whole volume."""
        return self.show(self.corrections.review())

    def confirm_box(self, low: Sequence[float], high: Sequence[float]) -> str:
        """Confirm a box between two voxels."""
        box = triple(
            slice(int(np.floor(min(a, b))), int(np.ceil(max(a, b))) + 1)
            for a, b in zip(low, high, strict=True)
        )
        return self.show(self.corrections.review_box(box))

    def undo(self) -> str:
        """Take the last edit back."""
        self.pending = []
        change = self.corrections.undo()
        return "nothing to undo" if change is None else self.show(change)

    def redo(self) -> str:
        """Make the edit again that was undone last."""
        change = self.corrections.redo()
        return "nothing to redo" if change is None else self.show(change)

    def new_object(self) -> int:
        """Choose the number of a new object for the brush."""
        self.layer.selected_label = self.corrections.next_label
        return int(self.layer.selected_label)

    def show(self, change: Change) -> str:
        """Display a change, and return what it was."""
        self.layer.refresh(extent=False)
        self.layer.features = self.features()
        return change.text

    def features(self) -> pandas.DataFrame:
        """Return a row per object; what was measured before stays with objects that were not edited."""
        table = features_of(list_objects(self.corrections))
        for name, values in self._measured.items():
            table[name] = table["label"].map(values).where(table["provenance"] == "found")
        return table

    def measure(self) -> str:
        """Measure all objects: intensities, surfaces, contrast."""
        self.layer.features = features_of(self.corrections.table())
        self.remember_measures()
        return f"measured {len(self.corrections.rows)} objects; see the features of the layer"

    def remember_measures(self) -> None:
        """Keep the columns of the layer that are not known without measuring."""
        features = self.layer.features
        if "label" not in features:
            return
        own = {"index", *list_objects(self.corrections)}
        self._measured = {
            name: dict(zip(features["label"], features[name], strict=True))
            for name in features.columns
            if name not in own
        }

    @property
    def diameter(self) -> float | None:
        """Typical diameter of the objects in shortest edges; None without objects."""
        if self.segmentation is not None and self.segmentation.result is not None:
            return self.segmentation.result.diameter_vox
        volumes = [row.volume for row in self.corrections.rows.values()]
        if not volumes:
            return None
        return float(np.cbrt(6 / np.pi * np.median(volumes) * np.prod(self.corrections.voxel_size.aspect)))

    @property
    def summary(self) -> str:
        """How many objects there are, of which kinds, and how many were reviewed."""
        rows = self.corrections.rows.values()
        counts = Counter(row.provenance for row in rows)
        kinds = ", ".join(f"{number} {kind}" for kind, number in counts.items())
        reviewed = sum(row.reviewed for row in rows)
        return f"{len(rows)} objects: {kinds}; {reviewed} reviewed" if rows else "no objects"

    @property
    def review(self) -> str:
        """How many objects were reviewed."""
        rows = self.corrections.rows.values()
        return f"{sum(row.reviewed for row in rows)} of {len(rows)} reviewed"

    @property
    def kept(self) -> str:
        """Where edits are kept, for the user."""
        if not self.corrections.can_undo:
            return "Every edit is kept on the disk as you make it."
        path = self.journal.path
        if path is not None and self.image_path is not None and path.parent == self.image_path.parent:
            return self.journal.note or f"Edits are kept beside the image, in {path.name}."
        return self.journal.note or f"Edits are kept in {path}."

    @property
    def at_risk(self) -> bool:
        """Whether edits are nowhere but in memory."""
        return not self.journal.keeps

    def restore(self, found: Unsaved) -> str:
        """Go on with corrections of an earlier time."""
        own = self.corrections
        self.journal.close()
        self.corrections, self.journal = recover(
            found.path, self.key, image=own.image, preprocessing=own.preprocessing, proposals=own.proposals
        )
        self.layer.data = self.place.to_layer(self.corrections.labels)
        self.show(Change(text="", labels=(), box=(slice(0), slice(0), slice(0))))
        return f"restored {found.edits} edits"

    def save(self, labels: Path, *, overwrite: bool = False) -> str:
        """Write labels, table, overview image, provenance and what was reviewed; name what was written."""
        from anystar.workflow.correcting import correction_outputs, save_corrections

        known = self.segmentation
        origin = None
        if known is not None and known.result is not None:
            origin = {
                "model": known.model or "the default model",
                "prob_thresh": known.result.prob_thresh,
                "nms_thresh": known.result.nms_thresh,
            }
        saved = save_corrections(
            self.corrections,
            correction_outputs(labels),
            image=self.image_path,
            origin=origin,
            overwrite=overwrite,
        )
        return f"wrote {', '.join(path.name for path in saved.files)} in {labels.absolute().parent}"

    def begin(self) -> None:
        """Let the layer display the labels, and be found with its corrections."""
        self.remember_measures()
        labels = self.corrections.labels
        if not (isinstance(self.layer.data, np.ndarray) and np.may_share_memory(self.layer.data, labels)):
            self.layer.data = self.place.to_layer(labels)
        self.layer.preserve_labels = True
        self.layer.features = self.features()
        self.layer.metadata[_KEY] = self

    def release(self) -> None:
        """End a correction in which nothing was edited, as if it had not begun: the sliders work again."""
        if self.corrections.can_undo or self.corrections.can_redo:
            return
        self.layer.metadata.pop(_KEY, None)
        if self.segmentation is not None:
            self.segmentation.corrected = False

    def close(self) -> None:
        """End the correction; what was not saved stays on the disk."""
        self.release()
        self.journal.close()


def corrections_of(layer: Any) -> LayerCorrections | None:
    """Return the corrections of a layer, if they have begun."""
    found = None if layer is None else layer.metadata.get(_KEY)
    return found if isinstance(found, LayerCorrections) else None
