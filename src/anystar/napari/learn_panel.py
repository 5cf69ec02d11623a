"""The panel in which a model learns from what was corrected."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from napari.viewer import Viewer
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFormLayout, QLabel, QLineEdit, QProgressBar, QVBoxLayout, QWidget

from anystar.errors import InputError
from anystar.napari.image_form import MODELS
from anystar.napari.learn_sources import LearnSources
from anystar.napari.learning import LearnRequest, as_corrected, free_folder, learn, losses
from anystar.napari.loss_curve import LossCurve
from anystar.napari.widgets import button, message, row
from anystar.napari.worker import Run, cancel_with
from anystar.runtime.user_folders import data_folder

__all__ = ["LearnPanel"]


class LearnPanel(QWidget):
    """Adapts the model to the corrected layers, in the background, and offers the new one."""

    event_made = Signal(object)

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.run: Run | None = None
        self.events: list[Any] = []
        self.iterations = 150
        self._build()
        cancel_with(self)
        self.event_made.connect(self._show_event)
        self.viewer.layers.events.inserted.connect(self.sources.refresh)
        self.viewer.layers.events.removed.connect(self.sources.refresh)
        self.update_state()

    def _build(self) -> None:
        self.message, self.place = message(36), message()
        self.sources = LearnSources(self.viewer)
        self.sources.changed.connect(self.update_state)
        self.sources.complained.connect(self.message.setText)
        self.name = QLineEdit("corrected")
        self.name.textChanged.connect(self.update_state)
        self.learn_button, self.cancel_button = button("Learn from this"), button("Cancel")
        self.learn_button.clicked.connect(self.learn)
        self.cancel_button.clicked.connect(self.cancel)
        self.progress, self.stage, self.curve = QProgressBar(), QLabel(), LossCurve()
        self.scores = QLabel()
        self.scores.setTextFormat(Qt.TextFormat.RichText)
        form = QFormLayout()
        form.addRow("Name of the new model", self.name)
        layout = QVBoxLayout(self)
        layout.addWidget(self.sources)
        layout.addLayout(form)
        buttons = row(self.learn_button, self.cancel_button)
        below = (self.progress, self.stage, self.curve, self.message, self.scores)
        for widget in (self.place, buttons, *below):
            layout.addWidget(widget)
        layout.addStretch()

    @property
    def model_name(self) -> str:
        """Name of the new model."""
        return self.name.text().strip() or "corrected"

    @property
    def out(self) -> Path:
        """Folder of the run, which does not exist yet: beside what is learnt from, if it can be written."""
        images = [edited.image_path for edited in self.sources.layers]
        paths = [*images, *(labels for labels, _ in self.sources.files)]
        folder = next((path.parent for path in paths if path is not None), Path.cwd())
        if not os.access(folder, os.W_OK):
            folder = data_folder() / "models"
        return free_folder(folder / f"{self.model_name}_model")

    def learn(self) -> None:
        """Begin to learn, in a thread."""
        self.sources.refresh()
        try:
            request = self._request()
        except InputError as error:
            self.message.setText(str(error))
            return
        self.events = []
        self.scores.setText("")
        self.message.setText("The viewer can be used meanwhile.")
        self.run = Run(f"Learn {request.name}", partial(learn, request, report=self.event_made.emit))
        self.run.progressed.connect(self._show_progress)
        self.run.finished.connect(self._finished)
        self.run.failed.connect(self.message.setText)
        self.run.cancelled.connect(partial(self.message.setText, "cancelled; the model in use stays"))
        self.run.ended.connect(self._ended)
        self.run.start()
        self.update_state()

    def _request(self) -> LearnRequest:
        chosen, files = self.sources.layers, self.sources.files
        if not chosen and not files:
            raise InputError("nothing is chosen to learn from; correct a layer, or add files")
        known = next((s.segmentation for s in chosen if s.segmentation is not None), None)
        return LearnRequest(
            volumes=tuple(as_corrected(edited) for edited in chosen),
            files=tuple(files),
            out=self.out,
            name=self.model_name,
            model=None if known is None else known.model,
            device="auto" if known is None else known.device,
            iterations=self.iterations,
        )

    def cancel(self) -> None:
        """Stop after the present steps."""
        if self.run is not None:
            self.run.cancel()
            self.message.setText("stopping …")

    def _show_progress(self, done: int, total: int, stage: str) -> None:
        self.progress.setMaximum(total)
        self.progress.setValue(done)
        self.stage.setText(stage)

    def _show_event(self, event: Any) -> None:
        self.events.append(event)
        self.curve.show_points(*losses(self.events), event.total)

    def _finished(self, found: Any) -> None:
        text = f"{found.num_objects} objects were learnt from; the model is {found.model}."
        self.message.setText("\n".join([text, *found.notes]))
        if found.before is not None and found.after is not None:
            rows = [
                ("AP at IoU 0.5", found.before.ap, found.after.ap),
                ("mean AP (0.3, 0.5, 0.7)", found.before.mean_ap, found.after.mean_ap),
            ]
            cells = "".join(
                f"<tr><td>{t}&nbsp;</td><td>{a:.2f}&nbsp;</td><td><b>{b:.2f}</b></td></tr>"
                for t, a, b in rows
            )
            head = f"on {found.num_held_out} objects held out"
            self.scores.setText(
                f"<table><tr><td>{head}&nbsp;</td><td>before&nbsp;</td><td>after</td></tr>{cells}</table>"
            )
        MODELS.append(found.model)
        self.stage.setText(f"offered as '{found.model.stem}' in the panel that segments")

    def _ended(self) -> None:
        self.run = None
        self.update_state()

    def update_state(self, *_: Any) -> None:
        """Show what holds now."""
        running = self.run is not None
        chosen = bool(self.sources.layers or self.sources.files)
        self.learn_button.setEnabled(not running and chosen)
        self.cancel_button.setEnabled(running)
        self.progress.setVisible(running)
        nothing = "Correct a labels layer first, or add files that were saved."
        self.place.setText(f"It goes to {self.out}." if chosen else nothing)

    def enterEvent(self, event: Any) -> None:
        """Bring the list up to date when the mouse comes in."""
        self.sources.refresh()
        super().enterEvent(event)

    def closeEvent(self, event: Any) -> None:
        """Stop learning with the panel."""
        self.cancel()
        self.viewer.layers.events.inserted.disconnect(self.sources.refresh)
        self.viewer.layers.events.removed.disconnect(self.sources.refresh)
        super().closeEvent(event)
