"""Learning from the corrections of layers; without Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anystar.errors import InputError
from anystar.napari.corrections import LayerCorrections
from anystar.runtime.progress import Progress

if TYPE_CHECKING:
    from anystar.workflow.corrected import CorrectedVolume
    from anystar.workflow.fine_tuning import FineTuned, FineTuneEvent

__all__ = ["LearnRequest", "as_corrected", "free_folder", "learn", "losses"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LearnRequest:
    """What to learn from, and where the new model goes."""

    volumes: tuple[CorrectedVolume, ...] = ()
    files: tuple[tuple[Path, Path], ...] = ()
    """Saved labels and their images, which are read when the learning begins."""
    out: Path
    name: str
    """Of the new model."""
    model: str | None = None
    """The model to begin with."""
    device: str = "auto"
    iterations: int = 150


def as_corrected(edited: LayerCorrections) -> CorrectedVolume:
    """Return a copy of what was corrected: the viewer goes on while the model learns.

    Raises
    ------
    InputError
        If the image is not known, or nothing was reviewed.
    """
    from anystar.workflow.corrected import CorrectedVolume

    own = edited.corrections
    image = own.image
    if image is None:
        raise InputError(f"the image of {edited.layer.name} is not known; segment an image and correct that")
    if not any(row.reviewed for row in own.rows.values()):
        raise InputError(f"no object of {edited.layer.name} is reviewed; confirm or correct some first")
    size = own.voxel_size
    if image.spacing is None:
        image = replace(image, spacing=size.spacing, unit=size.unit)
    name = edited.key.name.split(".")[0] or edited.layer.name
    reviewed = None if own.reviewed.all() else own.reviewed.copy()
    return CorrectedVolume(name=name, image=image, labels=np.array(own.labels), reviewed=reviewed)


def free_folder(wanted: Path) -> Path:
    """Return a folder that does not exist: ``NAME``, ``NAME-2``, ...

    Examples
    --------
    >>> free_folder(Path("/nowhere/embryo_model")).name
    'embryo_model'
    """
    names = (wanted if n == 1 else wanted.with_name(f"{wanted.name}-{n}") for n in count(1))
    return next(path for path in names if not path.exists())


def learn(request: LearnRequest, progress: Progress, report: Callable[[FineTuneEvent], None]) -> FineTuned:
    """Adapt the model; ``progress`` may raise :class:`anystar.errors.Cancelled` after any few steps.

    Parameters
    ----------
    request : LearnRequest
    progress : callable
        Called as ``progress(done, total, stage)``.
    report : callable
        Called with each event, for the loss curve.
    """
    progress(0, request.iterations, "preparing")
    from anystar.runtime.gpu import load_triton
    from anystar.workflow.corrected import read_corrected

    load_triton()  # before torch does, beside the libraries of the window
    from anystar.workflow.fine_tuning import FineTunePreset, fine_tune

    texts = {
        "before": "evaluating the present model",
        "training": "learning",
        "after": "evaluating the new model",
    }

    def follow(event: FineTuneEvent) -> None:
        report(event)
        progress(event.step, event.total, texts[event.stage])

    volumes = list(request.volumes)
    for labels, image in request.files:
        progress(0, request.iterations, f"reading {labels.name}")
        volumes += read_corrected(labels, image)
    return fine_tune(
        volumes,
        request.out,
        name=request.name,
        model=request.model,
        preset=FineTunePreset(iterations=request.iterations, workers=0),
        device=request.device,
        progress=follow,
    )


def losses(events: Sequence[FineTuneEvent]) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """Return the points of the two curves: loss, and loss on what is held out."""
    training = [(e.step, e.loss) for e in events if e.loss is not None]
    held_out = [(e.step, e.validation) for e in events if e.validation is not None]
    return training, held_out
