"""Corrections to files: labels in any format, table, overview image, provenance, and what was reviewed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anystar import io
from anystar._version import __version__
from anystar.config import dump_plain
from anystar.correction import PROVENANCE, Corrections, Journal
from anystar.errors import InputError
from anystar.io.address import SUFFIXES, file_stem, locate
from anystar.io.files import refuse_loss
from anystar.outputs import Outputs, refuse_outputs
from anystar.report.table import write_table
from anystar.runtime.atomic import staged
from anystar.workflow.corrected import reviewed_file

__all__ = ["SavedCorrections", "correction_outputs", "describe_corrections", "save_corrections"]


@dataclass(frozen=True, kw_only=True)
class SavedCorrections:
    """What was written."""

    outputs: Outputs
    reviewed: Path | None
    """Where the reviewed voxels are, if only some are; ``anystar train --fine-tune`` finds them."""
    num_objects: int

    @property
    def files(self) -> tuple[Path, ...]:
        """All files, the labels first."""
        return (*self.outputs.files, *([self.reviewed] if self.reviewed else []))


def correction_outputs(labels: Path) -> Outputs:
    """Return the files beside corrected labels, named after them.

    Examples
    --------
    >>> outputs = correction_outputs(Path("out/embryo_labels.ome.tif"))
    >>> outputs.table.name, outputs.overview.name, outputs.provenance.name
    ('embryo_labels.csv', 'embryo_labels.png', 'embryo_labels.toml')
    """
    table, overview, provenance = (
        labels.with_name(f"{file_stem(labels)}{ending}") for ending in (".csv", ".png", ".toml")
    )
    return Outputs(labels=labels, table=table, overview=overview, provenance=provenance)


def save_corrections(
    corrections: Corrections,
    outputs: Outputs,
    *,
    image: Path | None = None,
    origin: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> SavedCorrections:
    """Write corrected labels and whatever else ``outputs`` names.

    Unless everything was reviewed, the reviewed voxels are written beside the labels, see
    :func:`anystar.workflow.corrected.reviewed_file`.

    Parameters
    ----------
    corrections : Corrections
    outputs : Outputs
        ``meshes`` is left out.
    image : Path, optional
        The file of the image, which is never replaced.
    origin : mapping, optional
        Of the segmentation before the correction: model, thresholds. Plain values, for the provenance.
    overwrite : bool
        Whether files that exist may be replaced.

    Raises
    ------
    InputError
        If a name cannot be used; nothing is written then.
    """
    if locate(outputs.labels).suffix not in SUFFIXES:
        raise InputError(f"cannot write {outputs.labels}; end its name in one of {', '.join(SUFFIXES)}")
    outputs.refuse_endings()
    refuse_loss(outputs.labels)
    beside = reviewed_file(outputs.labels)
    reviewed = None if corrections.reviewed.all() else beside
    files = {**outputs.named, "reviewed voxels": beside}
    refuse_outputs(
        ((f"the {what}", path) for what, path in files.items()), inputs=[image], overwrite=overwrite
    )
    provenance = describe_corrections(corrections, image=image, origin=origin)
    volume = corrections.volume
    small = [path for path in (outputs.overview, outputs.provenance) if path is not None]
    with staged(*small) as temporary:
        place = dict(zip(small, temporary, strict=True))
        if outputs.overview is not None:
            _draw(place[outputs.overview], corrections, outputs.labels)
        if outputs.provenance is not None:
            place[outputs.provenance].write_text(provenance, encoding="utf-8")
        if outputs.table is not None:
            write_table(outputs.table, corrections.table(), provenance=provenance)
        if reviewed is not None:
            io.write(reviewed, corrections.reviewed.astype(np.uint8), like=volume)
        io.write(outputs.labels, volume)
    if reviewed is None and beside.is_file():  # of the labels that were replaced
        beside.unlink()
    if isinstance(corrections.recorder, Journal):
        corrections.recorder.saved(outputs.labels)
    return SavedCorrections(outputs=outputs, reviewed=reviewed, num_objects=len(corrections.rows))


def describe_corrections(
    corrections: Corrections, *, image: Path | None = None, origin: Mapping[str, Any] | None = None
) -> str:
    """Return the provenance of corrected labels as TOML: how they were made, and every edit."""
    counts = Counter(row.provenance for row in corrections.rows.values())
    made: dict[str, Any] = {"image": str(image.absolute())} if image is not None else {}
    made["objects"] = len(corrections.rows)
    made |= {name: counts[name] for name in PROVENANCE if counts[name]}
    made["reviewed"] = sum(row.reviewed for row in corrections.rows.values())
    made["edits"] = list(corrections.history)
    parts: dict[str, Any] = {"anystar": __version__, "corrected": made}
    if origin:
        parts["segmentation"] = dict(origin)
    return dump_plain(parts)


def _draw(path: Path, corrections: Corrections, labels: Path) -> None:
    from anystar.report.overview import save_overview

    image = corrections.image
    data = corrections.labels if image is None else corrections.preprocessing.repaired(image.data)
    save_overview(
        path,
        data,
        corrections.labels,
        spacing=corrections.voxel_size.spacing,
        unit=corrections.voxel_size.unit,
        title=f"{labels.name}: {len(corrections.rows)} objects",
    )
