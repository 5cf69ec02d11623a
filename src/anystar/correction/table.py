"""The table of corrected objects: the usual columns, with provenance and review."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from anystar.arrays import Volume, refuse_mismatch
from anystar.correction.editable import EditableLabels
from anystar.correction.rows import Row, objects_of
from anystar.objects.measure import add_channel, as_volume, tabulate
from anystar.objects.table import Table
from anystar.preprocess.arrays import whole_box

__all__ = ["list_objects", "tabulate_corrections"]


def tabulate_corrections(
    state: EditableLabels, *, intensities: Mapping[str, np.ndarray | Volume] | None = None
) -> Table:
    """Measure the objects of a correction.

    Surfaces are those of the polyhedra where an object is one; otherwise they are measured from its voxels
    (Crofton's formula).

    Parameters
    ----------
    state : EditableLabels
        The correction; its image, if it has one, gives intensities and contrast.
    intensities : mapping of str to numpy.ndarray or Volume, optional
        Further channels by name.

    Returns
    -------
    Table
        One row per object, ascending by label, with ``provenance`` and ``reviewed``.
    """
    rows = sorted(state.rows.values(), key=lambda row: row.label)
    image, settings = state.image, state.preprocessing
    data = None if image is None else settings.repaired(image.data)
    margins = settings.margin_mask(whole_box(state.labels.shape))
    parts = []
    for drawn, rays in ((True, state.rays), (False, None)):
        some = [row for row in rows if row.drawn is drawn]
        if some or not rows:
            parts.append(
                tabulate(
                    state.labels,
                    objects_of(some, state.rays),
                    rays,
                    image=data,
                    spacing=state.voxel_size.spacing,
                    unit=state.voxel_size.unit,
                    margins=margins,
                )
            )
    table = Table.concat(parts)
    table = table.select(np.argsort(table["label"], kind="stable")).with_columns(_review(rows))
    for name, channel in (intensities or {}).items():
        values = as_volume(f"intensities[{name!r}]", channel)
        refuse_mismatch(name, values, "the image", state.volume)
        table = add_channel(table, state.labels, values.data, name)
    return table


def list_objects(state: EditableLabels) -> Table:
    """Return what is known of the objects without measuring them: at once, after every edit.

    Examples
    --------
    >>> from anystar.correction import Corrections
    >>> list_objects(Corrections.of_labels(np.ones((1, 2, 3), int)))
    Table of 1 objects: label, probability, provenance, reviewed, volume_vox, z_vox, ... (8 columns)
    """
    rows = sorted(state.rows.values(), key=lambda row: row.label)
    objects = objects_of(rows, state.rays)
    made = {"label": objects.label, "probability": objects.probability.astype(np.float64)}
    made |= _review(rows) | {"volume_vox": objects.volume_vox}
    return Table(columns=made | {f"{a}_vox": objects.centroid_vox[:, i] for i, a in enumerate("zyx")})


def _review(rows: list[Row]) -> dict[str, np.ndarray]:
    return {
        "provenance": np.array([row.provenance for row in rows], np.str_),
        "reviewed": np.array([row.reviewed for row in rows], bool),
    }
