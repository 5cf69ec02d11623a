"""Data sets on the disk: the layouts in which owners publish, and a plain one for everybody else.

``images-masks`` (C. elegans, EmbedSeg)::

    train/images/NAME.tif  train/masks/NAME.tif  val/...  test/...

``nucmm``, HDF5 files with the array ``main``::

    Image/train/img_0000_0576_0768.h5  Label/train/seg_0000_0576_0768.h5  Image/val/...  Label/val/...

A folder of your own: ``images/NAME.*`` with ``labels/NAME.*`` (or ``masks/``), alone or below ``train``,
``val`` and ``test``; or pairs ``NAME_image.*`` with ``NAME_labels.*``, each a data set by itself.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from anystar.errors import InputError
from anystar.io import file_stem, file_suffix
from anystar.io.address import is_png_or_jpeg
from anystar.lab.items import SPLITS, Dataset, Item, hold_out
from anystar.lab.sources import SOURCES, PaperDataset

__all__ = ["discover", "find_source", "locate"]

_HIDDEN = (".", "__MACOSX")
_GROUND_TRUTH_FOLDERS = ("labels", "masks")
_SPLIT_FOLDERS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}
"""Folders of the divisions; of two for the same, the first that is there."""
_NUM_VALIDATION = {"nucmm-z": 2}
"""Training volumes that the paper set aside, by data set."""


def discover(root: Path, *, cut: bool = False) -> list[Dataset]:
    """Return every data set below a folder, or of the folder: those of the paper, then the user's own.

    With ``cut``, the first half of a single volume is for training and validation, the second for the test.
    """
    if not root.is_dir():
        raise InputError(f"{root} is not a folder; give the folder that holds the data sets")
    found: list[Dataset] = []
    used: set[Path] = set()
    for source in SOURCES.values():
        place = locate(source, root)
        if place is not None and (dataset := find_source(source, place)) is not None:
            found.append(dataset)
            used.add(place)
    for folder in (root, *_folders(root)):
        if folder not in {root / name for name in _SPLIT_FOLDERS} and not used & {folder, *folder.parents}:
            found += _own(folder, cut)
    if not found:
        raise InputError(
            f"{root} holds no data set; expected images/ and labels/, NAME_image.tif with NAME_labels.tif, "
            "or a folder of 'anystar data list'"
        )
    return found


def locate(source: PaperDataset, root: Path) -> Path | None:
    """Return the folder of one of the paper's data sets at or below ``root`` (up to two levels), if there."""
    places = [root / name for name in (source.name, *source.folders)]
    places += [sub / name for sub in _folders(root) for name in source.folders]
    if root.name in (source.name, *source.folders):
        places.insert(0, root)
    return next((p for p in places if _holds(source, p)), None)


def _holds(source: PaperDataset, folder: Path) -> bool:
    if source.layout == "nucmm":
        return (folder / "Image").is_dir() and (folder / "Label").is_dir()
    return source.layout == "images-masks" and any((folder / s / "images").is_dir() for s in SPLITS)


def find_source(source: PaperDataset, folder: Path) -> Dataset | None:
    """Return a data set of the paper from its folder, with the paper's division."""
    if not _holds(source, folder):
        return None
    found = _Found(source.spacing)
    if source.layout == "nucmm":
        splits: dict[str, Any] = {
            split: found.pairs(folder / "Image" / name, folder / "Label" / name, ("img_", "seg_"))
            for split, name in (("train", "train"), ("test", "val"))
        }
    else:
        splits = found.splits(folder)
    if (aside := _NUM_VALIDATION.get(source.name)) and len(splits["train"]) > aside:
        splits |= {"train": splits["train"][:-aside], "validation": splits["train"][-aside:]}
    notes, problems = (source.note,) if source.note else (), tuple(found.problems)
    return _complete(Dataset(name=source.name, dark=source.dark, notes=notes, problems=problems, **splits))


class _Found:
    """Pairs files by name and remembers what has no partner."""

    def __init__(self, spacing: tuple[float, float, float] | None = None) -> None:
        self.spacing, self.problems = spacing, list[str]()

    def splits(self, folder: Path) -> dict[str, Any]:
        """Return the pairs of each division."""
        found: dict[str, Any] = dict.fromkeys(SPLITS, ())
        for name, split in _SPLIT_FOLDERS.items():
            found[split] = found[split] or self.folder(folder / name)
        return found

    def folder(self, folder: Path) -> tuple[Item, ...]:
        """Return the pairs of ``images/`` and ``labels/`` or ``masks/``."""
        if not (folder / "images").is_dir():
            return ()
        labels = next((folder / t for t in _GROUND_TRUTH_FOLDERS if (folder / t).is_dir()), None)
        if labels is None:
            self.problems.append(f"{folder / 'images'} has no {folder / 'labels'} beside it; add the labels")
            return ()
        return self.pairs(folder / "images", labels)

    def pairs(self, images: Path, labels: Path, prefixes: tuple[str, str] = ("", "")) -> tuple[Item, ...]:
        """Return the pairs of two folders: files of the same name but for the prefixes."""
        one, other = (
            {file_stem(p).removeprefix(prefix): p for p in _files(folder)} if folder.is_dir() else {}
            for folder, prefix in zip((images, labels), prefixes, strict=True)
        )
        for kind, these, those, place in (("labels", one, other, labels), ("image", other, one, images)):
            lone = sorted(these.keys() - those)
            self.problems += [f"{these[n]} has no {kind} of its name in {place}; left out" for n in lone]
        return tuple(
            Item(name=name, image=one[name], labels=other[name], spacing=self.spacing)
            for name in sorted(one.keys() & other)
        )


def _own(folder: Path, cut: bool) -> list[Dataset]:
    """Return the data sets of a folder in one of the plain layouts."""
    found = _Found()
    splits = found.splits(folder)
    if any(splits.values()):
        return [_complete(Dataset(name=folder.name, problems=tuple(found.problems), **splits))]
    whole = found.folder(folder)
    if whole or found.problems:
        problems = tuple(found.problems)
        return [_single(Dataset(name=folder.name, test=whole, problems=problems, notes=(_UNDIVIDED,)), cut)]
    stems = {file_stem(p): p for p in _files(folder)}
    names = [n for s in stems if (n := s.removesuffix("_image")) != s and f"{n}_labels" in stems]
    items = [Item(name=n, image=stems[f"{n}_image"], labels=stems[f"{n}_labels"]) for n in sorted(names)]
    return [_single(Dataset(name=i.name, test=(i,), notes=(_UNDIVIDED,)), cut) for i in items]


_UNDIVIDED = "no division is given: every volume is a test volume"
_HELD_OUT = "thresholds are chosen on the last quarter of the last training volume, which is not trained on"
_HALVED = "one volume: the first half of its longest axis is for training and validation, the second the test"


def _complete(dataset: Dataset) -> Dataset:
    """Hold a validation crop out of the training volumes, if there is no validation."""
    if dataset.validation or not dataset.train:
        return dataset
    train, validation = hold_out(dataset.train)
    return replace(dataset, train=train, validation=validation, notes=(*dataset.notes, _HELD_OUT))


def _single(dataset: Dataset, cut: bool) -> Dataset:
    """Cut a single volume in two, where that is wanted."""
    if not cut or len(dataset.test) != 1:
        return dataset
    first, second = (replace(dataset.test[0], part=part) for part in ((0.0, 0.5), (0.5, 1.0)))
    return _complete(replace(dataset, train=(first,), test=(second,), notes=(_HALVED,)))


def _files(folder: Path) -> list[Path]:
    """Return the volumes of a folder: files, and Zarr stores, which are folders."""
    named = (p for p in folder.iterdir() if not p.name.startswith(_HIDDEN))
    return sorted(p for p in named if file_suffix(p) and not is_png_or_jpeg(p))


def _folders(root: Path) -> list[Path]:
    return sorted(
        p for p in root.iterdir() if p.is_dir() and not file_suffix(p) and not p.name.startswith(_HIDDEN)
    )
