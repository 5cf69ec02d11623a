"""Label images compared with their ground truth, file by file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anystar import io
from anystar.arrays import refuse_mismatch
from anystar.errors import user_message
from anystar.evaluate import THRESHOLDS, Scores, add_scores, match_labels, mean_ap
from anystar.outputs import refuse_ending, refuse_outputs
from anystar.runtime.atomic import staged
from anystar.workflow.pairing import matching_pairs

__all__ = ["Evaluation", "evaluate_files"]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Scores of label images."""

    scores: Mapping[str, Sequence[Scores]]
    """By name, one entry per overlap threshold."""
    pairs: Mapping[str, tuple[Path, Path]]
    """The files that were compared, or could not be."""
    unpaired: tuple[str, ...]
    """The files that have no partner, one line per folder."""
    remarks: tuple[str, ...]
    """What was wrong with files, one line each."""

    @property
    def total(self) -> Sequence[Scores]:
        """Scores of the objects of all files together."""
        return add_scores(self.scores.values())


def evaluate_files(
    pred: Path,
    ground_truth: Path,
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    channel: int | str | None = None,
    time: int | None = None,
    series: int | None = None,
    axes: str | None = None,
    json_path: Path | None = None,
    overwrite: bool = False,
) -> Evaluation:
    """Compare label images, object by object.

    Parameters
    ----------
    pred, ground_truth : Path
        Two label images, or two folders of label images with matching names.
    thresholds : sequence of float
        Overlaps (intersection over union) from which an object counts as found.
    channel, time, series, axes
        How the label images are opened, see :func:`anystar.open_image`.
    json_path : Path, optional
        Where all numbers go.
    overwrite : bool
        Whether ``json_path`` may be replaced.

    Raises
    ------
    InputError
        If nothing can be paired; for one pair, if it cannot be compared.
    """
    pairs, unpaired = matching_pairs(pred, ground_truth)
    if json_path:
        refuse_ending("json_path", json_path, ".json")
        files = [file for pair in pairs.values() for file in pair]
        refuse_outputs([("the scores", json_path)], inputs=files, overwrite=overwrite)
    scores: dict[str, Sequence[Scores]] = {}
    remarks: list[str] = []
    how: dict[str, Any] = {"channel": channel, "time": time, "series": series, "axes": axes}
    for name, (one, other) in pairs.items():
        try:
            scores[name] = _compare(one, other, thresholds, remarks, how)
        except Exception as error:
            message = user_message(error)
            if message is None or len(pairs) == 1:
                raise
            remarks.append(message)
    done = Evaluation(scores=scores, pairs=pairs, unpaired=tuple(unpaired), remarks=tuple(remarks))
    if scores and json_path:
        _write_json(json_path, done)
    return done


def _compare(
    pred: Path,
    ground_truth: Path,
    thresholds: Sequence[float],
    remarks: list[str],
    how: Mapping[str, Any],
) -> Sequence[Scores]:
    found, true = io.read_labels(pred, **how), io.read_labels(ground_truth, **how)
    refuse_mismatch(pred, found, ground_truth, true)
    for path, volume, name in ((pred, found, "object found"), (ground_truth, true, "labelled object")):
        if not volume.data.any():
            remarks.append(f"{path} has no {name}; it counts, but check that it is the right file")
    return match_labels(true.data, found.data, thresholds=thresholds)


def _write_json(path: Path, done: Evaluation) -> None:
    """Write all numbers, and the files compared, relative to the folder of ``path``."""

    def entry(one: Sequence[Scores]) -> dict[str, Any]:
        return {"mean_ap": mean_ap(one), "scores": [s.as_dict() for s in one]}

    def place(file: Path) -> str:
        return Path(os.path.relpath(file.absolute(), path.absolute().parent)).as_posix()

    files = {
        name: {"pred": place(done.pairs[name][0]), "ground_truth": place(done.pairs[name][1]), **entry(one)}
        for name, one in done.scores.items()
    }
    with staged(path) as (temporary,):
        text = json.dumps({"files": files, "total": entry(done.total)}, indent=2) + "\n"
        temporary.write_text(text, encoding="utf-8")
