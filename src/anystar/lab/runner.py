"""Methods over data sets: labels are kept in a folder, so that what was done is not done again."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anystar import io
from anystar._version import __version__
from anystar.arrays import Volume
from anystar.errors import InputError
from anystar.evaluate import ObjectCounts, count_by_object
from anystar.lab.corruptions import CORRUPTIONS, corrupt
from anystar.lab.items import Dataset, Item, Pair, Split, read_pair
from anystar.lab.methods import Method, Setting, VolumeRequest, digest
from anystar.lab.tuning import ChosenSetting, choose_setting
from anystar.rng import stream
from anystar.runtime.atomic import staged

__all__ = ["PLAIN", "Condition", "Laboratory"]

FLAT = (1.0, 1.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What is done to the images before they are segmented."""

    corruption: str = ""
    """Name in :data:`anystar.lab.corruptions.CORRUPTIONS`; empty: nothing."""
    strength: float = 0.0

    @property
    def name(self) -> str:
        """Return a name for folders; strength 0 is the plain image whatever the corruption."""
        return f"{self.corruption}-{self.strength:g}" if self.strength else "plain"


PLAIN = Condition()


class Laboratory:
    """Runs methods on data sets and remembers what it has done in a folder; a second run goes on there.

    ``labels/DATASET/METHOD/CONDITION/NAME.tif`` hold the segmentations, ``settings/DATASET/METHOD.json`` how
    thresholds were chosen, ``used.json`` the versions, files and methods of every experiment. The seed is
    that of corruptions and bootstrap. ``notify`` is called with a line about what is done, ``complain`` with
    one about what is left out.
    """

    def __init__(
        self,
        out: Path,
        *,
        seed: int = 0,
        notify: Callable[[str], None] = lambda line: None,
        complain: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.out, self.seed, self.notify, self._complain = out, seed, notify, complain
        self.problems: list[str] = []
        self.unavailable: dict[str, str] = {}
        self._used: dict[str, Any] = {"files": {}, "methods": {}}

    def leave_out(self, line: str) -> None:
        """Say once what cannot be used, and remember it for the summary."""
        if line not in self.problems:
            self.problems.append(line)
            self._complain(line)

    def choice(self, method: Method, dataset: Dataset) -> ChosenSetting:
        """Return the setting of a method for a data set: searched on its validation volumes, kept on disk.

        Results of another method of this name, or of other data, are refused.
        """
        path = self.out / "settings" / dataset.name / f"{method.name}.json"
        identity = {"method": method.identity(), "data": _fingerprint(dataset)}
        self._used["methods"][method.name] = identity["method"]
        if path.exists():
            stored = json.loads(path.read_text())
            for what in ("method", "data"):
                if stored[what] != identity[what]:
                    raise InputError(
                        f"{path} was made with another {what} of this name; "
                        "choose another output folder, or remove it"
                    )
            return ChosenSetting(setting=stored["setting"], how=stored["how"])
        validation = list(self.pairs(dataset, "validation"))
        if validation:
            self.notify(f"{dataset.name}: {method.name} searches its setting on {len(validation)} volumes")
        requests = [(self._request(i, p, PLAIN, dataset, method), p.labels) for i, p in validation]
        voxel = (requests[0][0].spacing or FLAT) if requests else FLAT
        found = choose_setting(method, requests, voxel)
        _write_json(path, identity | {"setting": found.setting, "how": found.how, "tried": found.tried})
        return found

    def counts(
        self, method: Method, dataset: Dataset, setting: Setting, condition: Condition
    ) -> dict[str, ObjectCounts]:
        """Return what each test volume contributes to the scores, segmenting what is not there yet."""
        folder = self._folder(method, dataset, condition)
        pairs = {item.name: (item, pair) for item, pair in self.pairs(dataset, "test")}
        todo = [n for n in pairs if not (folder / f"{n}.tif").exists()]
        if todo:
            self.notify(f"{dataset.name}: {method.name} segments {len(todo)} volumes ({condition.name})")
            requests = (self._request(*pairs[n], condition, dataset, method) for n in todo)
            for request, (labels,) in method.run(requests, [setting]):
                image = pairs[request.name][1].image
                volume = Volume(data=labels, spacing=image.spacing, unit=image.unit)
                io.write(folder / f"{request.name}.tif", volume)
        found = {}
        for name, (_, pair) in pairs.items():
            labels = io.read(folder / f"{name}.tif").data
            if labels.shape != pair.labels.shape:
                self.leave_out(
                    f"{folder / name}.tif has shape {labels.shape}, its ground truth {pair.labels.shape}; "
                    "remove it and run again"
                )
                continue
            if not labels.any():
                self.notify(f"{dataset.name}: {method.name} found nothing in {name} ({condition.name})")
            found[name] = count_by_object(pair.labels, labels)
        return found

    def labels(self, method: Method, dataset: Dataset, item: Item) -> np.ndarray:
        """Return a segmentation that :meth:`counts` has made."""
        return io.read(self._folder(method, dataset, PLAIN) / f"{item.name}.tif").data

    def _folder(self, method: Method, dataset: Dataset, condition: Condition) -> Path:
        return self.out / "labels" / dataset.name / method.name / condition.name

    def pairs(self, dataset: Dataset, split: Split) -> Iterator[tuple[Item, Pair]]:
        """Yield what can be used; say what cannot."""
        for item in dataset.split(split):
            try:
                pair = read_pair(item)
            except (ValueError, OSError) as error:
                self.leave_out(str(error))
                continue
            if not pair.labels.any():
                self.leave_out(f"{item.labels} has no labelled object; check that it is the right file")
                continue
            files = self._used["files"]
            files |= {str(p): digest(p) for p in (item.image, item.labels) if str(p) not in files}
            yield item, pair

    def _request(
        self, item: Item, pair: Pair, condition: Condition, dataset: Dataset, method: Method
    ) -> VolumeRequest:
        image = pair.image.data
        if dataset.dark and method.inverts_dark:
            image = (float(image.max()) + float(image.min()) - image.astype(np.float32)).astype(np.float32)
        if condition.strength:
            rng = stream(self.seed, dataset.name, item.name, condition.corruption)
            image = corrupt(image, CORRUPTIONS[condition.corruption], condition.strength, rng=rng)
        return VolumeRequest(name=item.name, image=image, spacing=pair.image.spacing)

    def write_used(self, experiment: str, command: Sequence[str]) -> None:
        """Write what an experiment used: command, versions, methods, and the checksums of the files."""
        import scipy
        import torch

        versions = {"anystar": __version__, "python": platform.python_version()}
        versions |= {library.__name__: library.__version__ for library in (np, scipy, torch)}
        path = self.out / "used.json"
        used = json.loads(path.read_text()) if path.exists() else {}
        used[experiment] = {"command": list(command), "seed": self.seed, "versions": versions, **self._used}
        _write_json(path, used)


def _fingerprint(dataset: Dataset) -> str:
    """Return a short checksum of which volumes, and which parts of them, a data set has."""
    items = [
        (split, i.name, i.image.stat().st_size, i.labels.stat().st_size, i.spacing, i.part)
        for split, found in (("validation", dataset.validation), ("test", dataset.test))
        for i in found
    ]
    return hashlib.sha256(json.dumps(items).encode()).hexdigest()[:16]


def _write_json(path: Path, content: Any) -> None:
    with staged(path) as (temporary,):
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
