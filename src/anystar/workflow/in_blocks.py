"""One image file in blocks, for volumes larger than memory."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from anystar import io
from anystar.blocks.lazy_model import LazyModel
from anystar.blocks.options import Selection
from anystar.blocks.outcome import Outcome
from anystar.blocks.run import segment_blocks
from anystar.blocks.stored_detector import StoredDetector
from anystar.errors import AlreadyDone
from anystar.io.lazy import LazyImage
from anystar.io.pyramid import blocks
from anystar.objects import filters
from anystar.outputs import Outputs
from anystar.predict.detector import TileDetector
from anystar.predict.model import Model
from anystar.predict.registry import DEFAULT_MODEL
from anystar.runtime.progress import Progress
from anystar.workflow.exporting import write_image_rois
from anystar.workflow.file_result import FileResult, file_result
from anystar.workflow.opened import OpenedImage
from anystar.workflow.provenance import describe_run

__all__ = ["segment_in_blocks", "thresholds_in_blocks"]

_BLOCK = 256
"""Voxels along an axis of what is read at once to find out whether all are the same."""


def thresholds_in_blocks(
    opened: OpenedImage, outputs: Mapping[float, Outputs], model: Model, progress: Progress | None
) -> list[FileResult]:
    """Segment an image block by block with several probability thresholds, and write all outputs of each.

    The network sees every tile once: what it finds is kept beside the labels of the lowest threshold until
    all are done. Only the search for the scale, on parts of the image, runs for each.
    """
    thresholds, done = sorted(outputs), []
    labels = outputs[thresholds[0]].labels
    folder = labels.with_name(f".{labels.name}.detections")
    reopen = opened.image.reopen
    opened.image.close()
    if not opened.options.resume:  # of an interrupted run, of another image perhaps
        shutil.rmtree(folder, ignore_errors=True)
    for value in thresholds:
        options = replace(opened.options, prob_thresh=value)
        own = replace(opened, image=reopen(), outputs=outputs[value], options=options)
        done.append(segment_in_blocks(own, model, progress, kept_in=folder))
    shutil.rmtree(folder, ignore_errors=True)
    return done


def segment_in_blocks(
    opened: OpenedImage, model: Model, progress: Progress | None, *, kept_in: Path | None = None
) -> FileResult:
    """Segment an image block by block, and write all its outputs.

    What the network finds is kept in the folder ``kept_in``, and taken from there, if one is given.
    """
    start = time.perf_counter()
    image, options, outputs = opened.image, opened.options, opened.outputs
    detector: TileDetector | None = None
    if options.dask:
        detector = LazyModel(name=options.model or DEFAULT_MODEL, device_name=options.device)
    if kept_in is not None:
        detector = StoredDetector(detector=detector or model.detector(), folder=kept_in)
    masked = options.mask is not None
    predicates = options.filters.predicates(masked=masked)

    def provenance(outcome: Outcome) -> str:
        done = file_result(opened, outcome, outcome.volume_vox, outcome.num_filtered, start)
        return describe_run(opened, model, outcome, done)

    with contextlib.ExitStack() as stack:
        stack.enter_context(image)
        mask = None
        if options.mask is not None:
            mask = stack.enter_context(io.open_image(options.mask, sized=False))
        try:
            outcome = segment_blocks(
                image,
                outputs,
                options,
                model=model,
                detector=detector,
                mask=mask,
                selection=Selection(
                    keep=(lambda table: filters.relevant(table, predicates)) if predicates else None,
                    text=options.filters.in_words(masked=masked),
                ),
                name=opened.name,
                provenance=provenance,
                progress=progress,
            )
        except AlreadyDone as before:
            if outputs.rois is not None and not outputs.rois.exists():
                write_image_rois(outputs.rois, outputs.labels, image)
            return FileResult(
                image=opened.path,
                outputs=outputs,
                num_objects=before.num_objects,
                notes=(str(before),),
                already_done=True,
            )
        if outputs.rois is not None:
            write_image_rois(outputs.rois, outputs.labels, image)
        nothing = outcome.num_objects + outcome.num_filtered == 0
        constant = _only_value(image) if nothing else None
    done = file_result(opened, outcome, outcome.volume_vox, outcome.num_filtered, start)
    return replace(done, work=outcome.timings, files=outputs.files, constant=constant)


def _only_value(image: LazyImage) -> Any:
    """Return the value of all voxels, None if they differ; reads no further than to the first that does."""
    value = image.read((slice(1),) * 3).item()
    z, y, x = (max(n, _BLOCK // n * n) for n in image.chunks)
    same = all((image.read(box) == value).all() for box in blocks(image.shape, (z, y, x)))
    return value if same else None
