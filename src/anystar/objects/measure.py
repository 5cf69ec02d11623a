"""The measuring engine: labels, images and, if a model predicted them, polyhedra to the table of objects."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from scipy.ndimage import binary_dilation

from anystar.arrays import (
    OnGrid,
    Volume,
    VoxelSize,
    check_spacing,
    mask_voxels,
    refuse_mismatch,
    refuse_other_axes,
)
from anystar.errors import InputError
from anystar.geometry.measures import measure as measure_polyhedra
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rays import Rays
from anystar.objects.intensity import brightness_columns
from anystar.objects.labels import as_labels, number_consecutively
from anystar.objects.objects import LocatedObjects, Objects, locate_objects
from anystar.objects.surface import label_surfaces
from anystar.objects.table import Table, columns
from anystar.preprocess import Preprocessing
from anystar.preprocess.arrays import whole_box

__all__ = ["add_channel", "add_mask", "add_overlap", "as_volume", "check_mask", "measure", "tabulate"]

Spacing = tuple[float, float, float]
Unit = Literal["um", "relative"]


def measure(
    labels: np.ndarray | Volume,
    image: np.ndarray | Volume | None = None,
    *,
    spacing: Sequence[float] | None = None,
    intensities: Mapping[str, np.ndarray | Volume] | None = None,
    mask: np.ndarray | Volume | None = None,
) -> Table:
    """Measure the objects of a label image from anywhere: predicted, corrected by hand, of another tool.

    Parameters
    ----------
    labels : numpy.ndarray or Volume
        ``(Z, Y, X)`` whole numbers of any type, 0 is background; numbers may have gaps.
    image : numpy.ndarray or Volume, optional
        ``(Z, Y, X)``: the image of the labels, for intensities and contrast. Blank planes and single missing
        voxels are filled in and constant margins left out, as for predictions. Where more than 1% of the
        voxels are NaN or infinite, these are ignored.
    spacing : 3 floats, optional
        Micrometres per voxel along Z, Y, X, instead of what a :class:`Volume` says. Without any, columns in
        micrometres are unknown (NaN).
    intensities : mapping of str to numpy.ndarray or Volume, optional
        Further channels by name: ``{"GFP": gfp}`` gives the columns ``intensity_mean_GFP`` and so on.
    mask : numpy.ndarray or Volume, optional
        Gives the column ``mask_overlap``: the fraction of each object where the mask is not 0.

    Returns
    -------
    Table
        One row per object, ascending by label; see :func:`anystar.objects.table.columns`.

    Raises
    ------
    InputError
        If the labels are not whole and non-negative, or the arrays do not lie on the same grid.

    Examples
    --------
    >>> labels = np.zeros((3, 8, 8), int)
    >>> labels[1, 2:4, 2:6], labels[1, 6:, 2:4] = 7, 90
    >>> table = measure(labels, labels * 2.0, spacing=(2, 0.5, 0.5))
    >>> table["label"].tolist(), table["volume_um3"].tolist(), table["intensity_mean"].tolist()
    ([7, 90], [4.0, 2.0], [14.0, 180.0])
    """
    given = {"labels": labels, "image": image, "mask": mask}
    volumes = {name: as_volume(name, array) for name, array in given.items() if array is not None}
    channels = {name: as_volume(f"intensities[{name!r}]", a) for name, a in (intensities or {}).items()}
    own = volumes["labels"]
    for name, volume in (*volumes.items(), *channels.items()):
        refuse_mismatch(name, volume, "labels", own)
    try:
        numbered, names = number_consecutively(as_labels(own.data))
    except InputError as error:
        raise InputError(f"labels {error}") from None
    size, unit = _voxel_size(spacing, [own, *volumes.values()])
    data, margins = None, None
    if image is not None:
        data = volumes["image"].data
        with contextlib.suppress(InputError):  # what cannot be segmented is measured as it is
            preprocessing = Preprocessing.fit(data)
            margins = preprocessing.margin_mask(whole_box(data.shape))
            missing = False if margins is None or data.dtype.kind != "f" else margins & ~np.isfinite(data)
            data = preprocessing.repaired(data)
            if np.any(missing):  # where it is 0
                data = np.where(missing, np.nan, data)
    table = tabulate(
        numbered,
        locate_objects(numbered, len(names)),
        image=data,
        spacing=size,
        unit=unit,
        margins=margins,
    )
    if mask is not None:
        table = add_mask(table, numbered, volumes["mask"].data)
    for name, volume in channels.items():
        table = add_channel(table, numbered, volume.data, name)
    sized = next((v for v in volumes.values() if v.spacing is not None), None)
    length_unit = "um" if sized is None or spacing is not None else sized.length_unit
    return replace(table.with_columns({"label": names}), length_unit=length_unit)


def as_volume(name: str, array: np.ndarray | Volume) -> Volume:
    """Return an array as a :class:`Volume`; ``InputError`` that names the argument if it is not 3D."""
    if isinstance(array, Volume):
        return array
    array = np.asarray(array)
    if array.ndim != 3:
        raise InputError(f"{name} must have three axes (Z, Y, X), got shape {array.shape}")
    return Volume(data=array)


def _voxel_size(spacing: Sequence[float] | None, volumes: Sequence[Volume]) -> tuple[Spacing | None, Unit]:
    """Return the first voxel size that is known: the given one, the labels', the image's."""
    stated = map(VoxelSize.of, volumes)
    given = None if spacing is None else VoxelSize(check_spacing(tuple(spacing)))
    known = given or next((size for size in stated if size is not None), None)
    if known is not None:
        _ = known.aspect  # refuses edges that no microscope makes
    return (None, "um") if known is None else (known.lengths.spacing, known.unit)


def tabulate(
    labels: np.ndarray,
    objects: LocatedObjects,
    rays: Rays | None = None,
    *,
    image: np.ndarray | None = None,
    spacing: Spacing | None = None,
    unit: Unit = "um",
    origin: tuple[int, int, int] = (0, 0, 0),
    shape: Sequence[int] | None = None,
    margins: np.ndarray | None = None,
    distances: bool = False,
) -> Table:
    """Measure located objects in a volume, or in a part of one.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(Z, Y, X)`` int32. A part of a volume must hold the objects as a whole.
    objects : LocatedObjects
        The objects to measure, in voxels of the whole volume; :class:`Objects` if ``rays`` are given.
    rays : Rays, optional
        Directions of the polyhedra's distances; without them, surfaces are measured from the voxels.
    image : numpy.ndarray, optional
        The image of the labels, same shape: gives intensities and contrast.
    spacing : 3 floats, optional
        Size of a voxel along Z, Y, X.
    unit : {"um", "relative"}
        Only spacing in micrometres fills the columns in micrometres.
    origin : 3 ints
        First voxel of ``labels`` in the whole volume.
    shape : 3 ints, optional
        Shape of the whole volume, if ``labels`` is a part.
    margins : numpy.ndarray, optional
        Which voxels are no data, bool, shape of ``labels``: for objects they are as the border of the volume.
    distances : bool
        Whether to add the polyhedra.
    """
    if image is not None and image.shape != labels.shape:
        raise InputError(f"image must have the shape of the labels, {labels.shape}, got {image.shape}")
    size = spacing or (1.0, 1.0, 1.0)
    metric = spacing is not None and unit == "um"
    made = _place(objects, shape or labels.shape, np.array(size) if metric else np.full(3, np.nan))
    if margins is not None:
        made["touches_border"] |= np.isin(objects.label, labels[binary_dilation(margins)])
    surface, volume = _surfaces(labels, objects, rays, size)
    ball = np.cbrt(36 * math.pi * volume**2)
    roundness = np.divide(ball, surface, out=np.ones_like(ball), where=surface > 0)
    # A ball's surface and volume are each up to 0.2% off.
    made |= {"surface_vox": surface, "surface_um2": surface * (min(size) ** 2 if metric else math.nan)}
    made |= {"sphericity": np.minimum(roundness, 1)}
    boxes = objects.bbox.reshape(-1, 2, 3) - np.array(origin)
    if image is not None:
        known = labels if margins is None else np.where(margins & (labels == 0), -1, labels)
        made |= brightness_columns(known, image, objects.label, boxes, spacing=size)
    if distances and isinstance(objects, Objects):
        made |= {f"centre_{a}": objects.centre_vox[:, i] for i, a in enumerate("zyx")}
        made |= {f"distance_{i}": objects.distances[:, i] for i in range(objects.distances.shape[1])}
    return Table(columns=made)


def _place(objects: LocatedObjects, shape: Sequence[int], scale: np.ndarray) -> dict[str, np.ndarray]:
    """Return the columns that need neither image nor surface; ``scale`` is micrometres per voxel or NaN."""
    start, stop = objects.bbox[:, :3], objects.bbox[:, 3:]
    values = [
        objects.label,
        objects.probability,
        objects.calibrated_probability,
        *objects.centroid_vox.T,
        *(objects.centroid_vox * scale).T,
        objects.volume_vox,
        objects.volume_vox * scale.prod(),
        objects.volume_uncertainty,
        *start.T,
        *stop.T,
        *((start - 0.5) * scale).T,
        *((stop - 0.5) * scale).T,
        ((start == 0) | (stop == np.array(shape))).any(axis=1),
    ]
    names = [c.name for c in columns(image=False)]
    return dict(zip(names, map(np.asarray, values), strict=False))


def _surfaces(
    labels: np.ndarray, objects: LocatedObjects, rays: Rays | None, size: Spacing
) -> tuple[np.ndarray, np.ndarray]:
    """Return surface and volume in units of a voxel's shortest edge: of the polyhedra, else of the voxels."""
    edge = min(size)
    z, y, x = (s / edge for s in size)
    if rays is not None and isinstance(objects, Objects):
        bodies = measure_polyhedra(Polyhedra(objects.centre_vox, objects.distances, rays))
        return bodies.surface, bodies.volume
    surface = label_surfaces(labels, int(objects.label.max(initial=0)), (z, y, x))
    return surface[objects.label - 1], objects.volume_vox * (z * y * x)


def add_channel(
    table: Table,
    labels: np.ndarray,
    image: np.ndarray,
    channel: str,
    *,
    origin: Sequence[int] = (0, 0, 0),
) -> Table:
    """Return the table with the intensities in another channel, ``intensity_mean_c1`` for the channel ``c1``.

    Parameters
    ----------
    table : Table
        Objects of ``labels``.
    labels, image : numpy.ndarray
        ``(Z, Y, X)``: the whole volume, or a part of it that holds the objects.
    channel : str
        Name of the channel.
    origin : 3 ints
        First voxel of that part in the volume that the table's boxes are of.
    """
    ends = [[table[f"{a}_{end}"] for a in "zyx"] for end in ("start", "stop")]
    boxes = np.array(ends).transpose(2, 0, 1) - np.array(origin)
    return table.with_columns(brightness_columns(labels, image, table["label"], boxes, channel=channel))


def add_mask(table: Table, labels: np.ndarray, mask: np.ndarray) -> Table:
    """Return the table with ``mask_overlap``: the fraction of every object where ``mask`` is not 0.

    Parameters
    ----------
    table : Table
        Objects of ``labels``.
    labels, mask : numpy.ndarray
        ``(Z, Y, X)``: the whole volume.
    """
    if mask.shape != labels.shape:
        raise InputError(f"mask must have the shape of the image, {labels.shape}, got {mask.shape}")
    return add_overlap(table, np.bincount(labels[mask_voxels(mask)]))


def check_mask(name: object, mask: OnGrid, of: str, expected: OnGrid) -> None:
    """Raise ``InputError`` if a mask, named by its file, does not lie on the image, or the labels."""
    if mask.shape != expected.shape:
        raise InputError(
            f"{name} has shape {mask.shape}, the {of} {expected.shape}; give a mask of the same shape"
        )
    refuse_other_axes(name, mask, f"the {of}", expected)


def add_overlap(table: Table, inside: np.ndarray) -> Table:
    """Return the table with ``mask_overlap``, given how many voxels of each label lie in the mask.

    Parameters
    ----------
    table : Table
        Objects.
    inside : numpy.ndarray
        Counts by label, ``np.bincount(labels[mask])``; may end early.
    """
    counts = np.zeros(max(len(inside), int(table["label"].max(initial=0)) + 1), np.int64)
    counts[: len(inside)] = inside
    return table.with_columns({"mask_overlap": counts[table["label"]] / table["volume_vox"]})
