"""An image that is opened for segmentation: its options are checked against it before a model is loaded."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from anystar import io
from anystar.arrays import Volume
from anystar.blocks.memory import available_memory, whole_volume_bytes
from anystar.box import Box
from anystar.errors import InputError
from anystar.io.lazy import LazyImage
from anystar.objects.measure import check_mask
from anystar.objects.table import columns
from anystar.outputs import Outputs
from anystar.workflow.options import SegmentOptions

__all__ = ["OpenedImage", "open_file"]

MIN_SIZE = 4
"""Fewest voxels along an axis: thinner than this is a sheet, not a volume."""
_MOST_RAYS = 256
"""More than any model has: their number is not known before the model is loaded."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenedImage:
    """An image whose options have been checked against it, before a model is loaded."""

    image: LazyImage
    outputs: Outputs
    options: SegmentOptions
    name: str
    volume: Volume | None
    """The image in memory; None if it is segmented in blocks, or only a box of it."""
    box: Box | None = None
    """The part that is segmented, if not all of it."""
    shared: frozenset[str] = frozenset()
    """Outputs that are not written for this image alone, see :class:`anystar.workflow.batch.Job`."""

    @property
    def path(self) -> Path:
        """The file, with the part of it that was chosen."""
        return Path(str(self.image.address))


def open_file(
    path: Path,
    outputs: Outputs,
    options: SegmentOptions,
    *,
    name: str = "",
    shared: frozenset[str] = frozenset(),
) -> OpenedImage:
    """Open an image, and read it unless it is to be segmented in blocks; refuse what cannot work."""
    image = io.open_image(
        path,
        channel=options.channel,
        time=None if options.time == "all" else options.time,
        level=options.level,
        spacing=options.spacing,
        series=options.series,
        axes=options.axes,
    )
    if options.diameter and options.diameter_unit == "voxels" and image.plane is not None:
        diameter = options.diameter * image.plane[1]
        options = replace(options, diameter=diameter, diameter_unit="um")
    with contextlib.ExitStack() as stack:
        stack.enter_context(image)
        for axis, size in zip("ZYX", image.shape, strict=True):
            if size < MIN_SIZE:
                raise InputError(
                    f"{path} is only {size} voxels thick along {axis}, shape {image.shape}; "
                    f"give a volume of at least {MIN_SIZE} voxels along every axis"
                )
        _check_options(image, options)
        box = _box(path, image, outputs, options)
        later = box is not None or _needs_blocks(path, image, outputs, options)
        if box is None and later and shared:
            raise InputError(
                f"{path} is segmented in blocks, which cannot share {' and '.join(sorted(shared))} with "
                "other volumes; choose one time point, or give folders"
            )
        volume = None if later else image.volume()
        if later:
            stack.pop_all()
    return OpenedImage(
        image=image,
        outputs=outputs,
        options=options,
        name=name or Path(path).name,
        volume=volume,
        box=box,
        shared=shared,
    )


def _box(path: Path, image: LazyImage, outputs: Outputs, options: SegmentOptions) -> Box | None:
    """Return the part to segment, if not all of it; ``InputError`` if it does not fit into memory."""
    if options.box is None:
        return None
    box = Box.of(options.box, image.shape, spacing=image.spacing if image.unit == "um" else None)
    need, free = whole_volume_bytes(box.shape, image.dtype.itemsize), available_memory()
    if not options.crop and not outputs.in_store:
        need += math.prod(image.shape) * np.dtype(np.int32).itemsize
    if need > free:
        raise InputError(
            f"{path}: the box {box} needs about {need / 1e9:.1f} GB and {free / 1e9:.1f} GB are free; "
            "give a smaller one, or use crop=True"
        )
    return box


def _check_options(image: LazyImage, options: SegmentOptions) -> None:
    """Raise if the mask, a column of a condition or the diameter's unit does not suit the image."""
    masked = options.mask is not None
    if options.mask is not None:
        with io.open_image(options.mask, sized=False) as mask:
            check_mask(options.mask, mask, "image", image)
    channels = [other.column_name for other in image.others]
    rays = _MOST_RAYS if options.distances else None
    options.filters.check_columns(columns(channels=channels, mask=masked, num_rays=rays), masked=masked)
    known = image.plane is not None or (image.spacing is not None and image.unit == "um")
    if not known:
        options.filters.check_lengths(
            f"{image.address} names no voxel size in micrometres", "give spacing=(Z, Y, X)"
        )
    if options.diameter_unit not in (None, "um" if known else "voxels"):
        raise InputError(
            f"the diameter is in {options.diameter_unit}, but the voxel size of {image.address} is "
            f"{'known' if known else 'not known'}; give diameter=D"
            + ("" if known else " or spacing=(Z, Y, X)")
        )


def _needs_blocks(path: Path, image: LazyImage, outputs: Outputs, options: SegmentOptions) -> bool:
    """Return whether to work in blocks; ``InputError`` if so and the labels do not go to OME-Zarr."""
    name = options.blocks_because
    why = f"{name}={getattr(options, name)}" if name else ""
    if not why:
        need, free = whole_volume_bytes(image.shape, image.dtype.itemsize), available_memory()
        if need <= free:
            return False
        why = f"{path} needs about {need / 1e9:.1f} GB at once and {free / 1e9:.1f} GB are free, which"
    if not outputs.in_store:
        raise InputError(f"{why} means blocks, which go to OME-Zarr; end the output's name in .zarr")
    return True
