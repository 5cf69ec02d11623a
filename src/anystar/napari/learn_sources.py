"""What a model learns from: corrected layers, and corrections that were saved."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from napari.layers import Labels
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QGroupBox, QListWidget, QListWidgetItem, QVBoxLayout
from superqt.utils import signals_blocked

from anystar.errors import InputError
from anystar.napari.corrections import LayerCorrections, corrections_of
from anystar.napari.widgets import button, row

__all__ = ["LearnSources"]

_KEY = Qt.ItemDataRole.UserRole
_ENDINGS = "Labels (*.tif *.tiff *.nii *.nii.gz *.nrrd *.h5 *.npy)"


class LearnSources(QGroupBox):
    """A list of layers and files, each of which can be left out."""

    changed = Signal()
    complained = Signal(str)

    def __init__(self, viewer: Any) -> None:
        super().__init__("Learn from")
        self.viewer = viewer
        self.saved: list[tuple[Path, Path]] = []
        """Labels and images that were chosen."""
        self.list = QListWidget()
        self.list.setMaximumHeight(110)
        self.list.setToolTip("Layers and files that you have corrected; only what was reviewed counts.")
        self.list.itemChanged.connect(self._report)
        self.files_button = button(
            "Add files…", "Corrected labels that were saved; their image is found by itself"
        )
        self.folder_button = button("Add a folder…", "All corrected labels in a folder")
        self.files_button.clicked.connect(self.choose_files)
        self.folder_button.clicked.connect(self.choose_folder)
        layout = QVBoxLayout(self)
        layout.addWidget(self.list)
        layout.addWidget(row(self.files_button, self.folder_button))
        self.refresh()

    def refresh(self, event: Any = None) -> None:
        """List the layers that were corrected, with what was reviewed of each, and the files."""
        off = self._in_state(Qt.CheckState.Unchecked)
        with signals_blocked(self.list):
            self.list.clear()
            for edited in self._edited():
                self._add(f"{edited.layer.name}: {edited.review}", edited.layer.name, off)
            for labels, image in self.saved:
                self._add(f"{labels.name} with {image.name}", str(labels), off)
        self._report()

    def _add(self, text: str, key: str, off: set[str]) -> None:
        item = QListWidgetItem(text)
        item.setData(_KEY, key)
        item.setToolTip(key)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Unchecked if key in off else Qt.CheckState.Checked)
        self.list.addItem(item)

    def _report(self, *_: object) -> None:
        self.changed.emit()

    def _edited(self) -> list[LayerCorrections]:
        found = [corrections_of(layer) for layer in self.viewer.layers if isinstance(layer, Labels)]
        return [edited for edited in found if edited is not None]

    def _in_state(self, state: Qt.CheckState) -> set[str]:
        """Return the keys of the items that are checked, or of those that are not."""
        items = [self.list.item(i) for i in range(self.list.count())]
        return {str(item.data(_KEY)) for item in items if item.checkState() == state}

    @property
    def layers(self) -> list[LayerCorrections]:
        """The corrected layers to learn from."""
        chosen = self._in_state(Qt.CheckState.Checked)
        return [edited for edited in self._edited() if edited.layer.name in chosen]

    @property
    def files(self) -> list[tuple[Path, Path]]:
        """The saved labels and their images to learn from."""
        chosen = self._in_state(Qt.CheckState.Checked)
        return [pair for pair in self.saved if str(pair[0]) in chosen]

    def choose_files(self) -> None:
        """Choose saved labels in a dialog."""
        names, _ = QFileDialog.getOpenFileNames(self, "Corrected labels", "", f"{_ENDINGS};;All files (*)")
        self.add_files([Path(name) for name in names])

    def choose_folder(self) -> None:
        """Choose a folder with saved labels in a dialog."""
        if name := QFileDialog.getExistingDirectory(self, "Folder with corrected labels"):
            self.add_folder(Path(name))

    def add_folder(self, folder: Path) -> None:
        """Add all corrected labels in a folder, or a Zarr store."""
        from anystar.workflow.corrected import find_corrected

        found = [folder] if folder.suffix == ".zarr" else []
        with contextlib.suppress(InputError):  # there is no volume
            found = found or find_corrected(folder)
        if found:
            self.add_files(found)
        else:
            self.complained.emit(f"{folder} holds no labels that were saved here; add files one by one")

    def add_files(self, paths: list[Path]) -> None:
        """Add saved labels; the image of each is looked up, or chosen in a dialog."""
        from anystar.workflow.corrected import image_of

        for labels in paths:
            image = image_of(labels) or self._choose_image(labels)
            if image is None:
                self.complained.emit(f"{labels.name} was not added, as its image is not known")
            elif image.resolve() == labels.resolve():
                self.complained.emit(f"{labels.name} was given as its own image; choose the image")
            elif labels not in [one for one, _ in self.saved]:
                self.saved.append((labels, image))
        self.refresh()

    def _choose_image(self, labels: Path) -> Path | None:
        title = f"The image of {labels.name}"
        name, _ = QFileDialog.getOpenFileName(self, title, str(labels.parent), "All files (*)")
        return Path(name) if name else None
