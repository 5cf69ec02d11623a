"""Thresholds for a kind of image, from a few annotated volumes, as a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

import anystar
from anystar.arrays import Volume
from anystar.config import dump_toml
from anystar.errors import InputError
from anystar.predict import Model
from anystar.predict.thresholds import Thresholds
from anystar.runtime.atomic import staged
from anystar.train.labelled import LabelledConfig, RawVolume, known_labels, median_diameter
from anystar.tune import IOU, Judged, score, tune
from anystar.workflow.annotated import read_pairs
from anystar.workflow.outputs import refuse_ending, refuse_outputs

__all__ = ["Trial", "tune_files"]

_WORTH = 0.005
"""AP that a diameter must add to be written."""

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The best thresholds under one diameter."""

    diameter: float | None
    """The diameter that the model was given; None: its own estimate."""
    unit: Literal["um", "voxels"] | None
    """Unit of the diameter; None if it differs between volumes."""
    prob_thresh: float
    nms_thresh: float
    mean_ap: float
    """Mean AP with these thresholds."""
    adaptive_ap: float
    """Mean AP with the thresholds that the model chooses for each volume."""

    @property
    def best_ap(self) -> float:
        """The better of the two."""
        return max(self.mean_ap, self.adaptive_ap)

    @property
    def adaptive(self) -> bool:
        """Whether the model's own choice for each volume is better than the same thresholds for all."""
        return self.adaptive_ap > self.mean_ap


def tune_files(
    images: Path,
    labels: Path,
    output: Path,
    *,
    model: str | None = None,
    device: str = "auto",
    diameter: float | None = None,
    iou: Sequence[float] = (),
    ignore_label: int = -1,
    unlabelled: Literal["background", "ignore"] = "background",
    spacing: tuple[float, float, float] | None = None,
    channel: int | str | None = None,
    time: int | None = None,
    series: int | None = None,
    axes: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    report: Callable[[Trial], None] = lambda trial: None,
) -> tuple[Thresholds, Trial]:
    """Find the thresholds with the best mean AP, and write them.

    The network runs once per volume and size; then all thresholds are tried.

    Parameters
    ----------
    images, labels : Path
        Annotated images and their label images, of the same names: folders, or one file each.
    output : Path
        Where the thresholds go, ``.toml``.
    model, device
        As :func:`anystar.load_model` takes them.
    diameter : float, optional
        Diameter to give the model. By default its own estimate and the median of the labels are compared.
    iou : sequence of float
        Overlaps from which an object counts as found; 0.3, 0.5 and 0.7 by default.
    ignore_label : int
        Label of voxels of which nothing is known.
    unlabelled : {"background", "ignore"}
        Meaning of label 0.
    spacing, channel, time, series, axes
        As :func:`anystar.read` takes them.
    overwrite : bool
        Whether ``output`` may be replaced.
    progress : callable, optional
        Called as ``progress(done, total, stage)``.
    report : callable, optional
        Called with each finished :class:`Trial`.

    Returns
    -------
    thresholds : Thresholds
        What was written.
    trial : Trial
        The one that it comes from.
    """
    refuse_ending("output", output, ".toml")
    refuse_outputs([("the thresholds", output)], inputs=(images, labels), overwrite=overwrite)
    overlaps = tuple(iou) or IOU
    volumes = read_pairs(
        images,
        labels,
        spacing=spacing,
        channel=channel,
        time=time,
        series=series,
        axes=axes,
        ignore_label=ignore_label,
    )
    config = LabelledConfig(images="", labels="", ignore_label=ignore_label, unlabelled=unlabelled)
    ground_truths = [known_labels(volume, config) for volume in volumes]
    median = median_diameter(volumes, ground_truths)
    unit = _unit(volumes)
    with staged(output) as (temporary,):  # a place that cannot be written is known before the work
        loaded = anystar.load_model(model, device=device)
        candidates: list[float | None] = [diameter]
        if diameter is None and unit is not None:
            candidates.append(float(f"{median:.4g}"))
        best: Trial | None = None
        for each in candidates:
            trial = _try(loaded, volumes, ground_truths, each, overlaps, unit, progress)
            report(trial)
            if best is None or trial.best_ap > best.best_ap + _WORTH:
                best = trial
        assert best is not None
        if best.best_ap == 0:
            raise InputError(
                "no threshold finds an annotated object; check that the labels are those of the images, one "
                "number per object, and that the diameter and voxel size (spacing=(Z, Y, X)) are right"
            )
        thresholds = Thresholds(
            model=str(Path(model).resolve()) if model and Path(model).is_file() else loaded.name,
            prob_thresh=None if best.adaptive else best.prob_thresh,
            nms_thresh=None if best.adaptive else best.nms_thresh,
            diameter=best.diameter,
            unit=unit or "um",
            accuracy=round(best.best_ap, 4),
            iou=overlaps,
            volumes=tuple(volume.name for volume in volumes),
        )
        temporary.write_text(dump_toml(thresholds))
    return thresholds, best


def _try(
    model: Model,
    volumes: Sequence[RawVolume],
    ground_truths: Sequence[np.ndarray],
    diameter: float | None,
    iou: tuple[float, ...],
    unit: Literal["um", "voxels"] | None,
    progress: Progress | None,
) -> Trial:
    """Segment all volumes once with a diameter, and try all thresholds."""
    judged = []
    for volume, ground_truth in zip(volumes, ground_truths, strict=True):

        def named(done: int, total: int, stage: str, name: str = volume.name) -> None:
            if progress is not None:
                progress(done, total, f"{name}: {stage}")

        image = Volume(data=volume.image, spacing=volume.spacing, unit=volume.unit)
        result = model.segment(image, diameter=diameter, progress=named)
        judged.append(Judged(result=result, ground_truth=ground_truth))
    found = tune(judged, iou=iou)
    return Trial(
        diameter=diameter,
        unit=unit,
        prob_thresh=found.prob,
        nms_thresh=found.nms,
        mean_ap=found.mean_ap,
        adaptive_ap=score(judged, iou=iou),
    )


def _unit(volumes: Sequence[RawVolume]) -> Literal["um", "voxels"] | None:
    """Return the unit that a diameter has in all volumes, none if they differ."""
    known = [v.spacing is not None and v.unit == "um" for v in volumes]
    return "um" if all(known) else None if any(known) else "voxels"
