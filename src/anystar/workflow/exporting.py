"""Label images in the forms of other programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from anystar import io
from anystar.box import triple
from anystar.errors import FileError, InputError
from anystar.io.lazy import LazyImage
from anystar.io.rois import RoiWriter, highest_label, planes_of
from anystar.objects.labels import resembles_image
from anystar.outputs import refuse_ending, refuse_outputs

__all__ = ["export_file", "write_image_rois"]


_LOOK = 128
"""Edge, in voxels, of what is looked at to distinguish labels from intensities."""


def export_file(
    labels: Path,
    image: Path | None = None,
    *,
    rois: Path,
    channel: int | str | None = None,
    time: int | None = None,
    series: int | None = None,
    axes: str | None = None,
    overwrite: bool = False,
) -> int:
    """Write an ROI per object and slice of labels, for Fiji's ROI Manager, and return their number.

    Parameters
    ----------
    labels : Path
        Label image of any tool.
    image : Path, optional
        The image that the ROIs will be opened on. ImageJ counts slices in another way if it has channels.
    rois : Path
        Where they go, ``.zip``.
    channel, series, axes
        How the image is opened, or the label image if there is no image, see :func:`anystar.open_image`.
    time : int, optional
        Time point of the label image; of several, all are written by default. Of a label image without a time
        axis, the time point of the image that it belongs to.
    overwrite : bool
        Whether a file that exists may be replaced.

    Raises
    ------
    InputError
        If a file cannot be used.
    """
    refuse_ending("rois", rois, ".zip")
    refuse_outputs([("the ROIs", rois)], inputs=(labels, image), overwrite=overwrite)
    stack, series_of_image = True, False
    how: dict[str, Any] = {"channel": channel, "series": series, "axes": axes}
    if image is not None:
        chosen = how | {"channel": 0 if channel is None else channel}
        with io.open_image(image, time=time or 0, sized=False, **chosen) as opened:
            series_of_image = opened.num_times > 1
            stack = opened.num_channels == 1 and not series_of_image
        how = {"axes": io.shared_axes(labels, image, axes)}
    with _naming(labels), io.open_image(labels, time=0, sized=False, **how) as first:
        if time is not None and not series_of_image:
            first.at(time=time)  # which says what there is
        alone = first.num_times == 1
        if resembles_image(first.read(_middle(first.shape))):
            why = "neighbouring voxels mostly differ"
            raise FileError(f"{labels} holds intensities, not labels ({why}); give a label image")
        times = range(first.num_times) if alone or time is None else (time,)
        highest = max(highest_label(first.at(time=t)) for t in times)
        with RoiWriter(rois, highest=highest, stack=stack) as writer:
            for at in times:
                place = at if not alone else time if series_of_image else None
                for z, plane in planes_of(first.at(time=at)):
                    writer.add(plane, z, place)
    return writer.count


def _middle(shape: tuple[int, int, int]) -> tuple[slice, slice, slice]:
    """Return a box in the middle of a volume, large enough to distinguish what it holds."""
    return triple(slice((n - min(n, _LOOK)) // 2, (n + min(n, _LOOK)) // 2) for n in shape)


def write_image_rois(rois: Path, labels: Path, image: LazyImage) -> None:
    """Write the ROIs of the labels of an image, a few planes at a time."""
    with io.open_image(labels, sized=False) as found:
        time = image.time if image.num_times > 1 else None
        io.write_rois(rois, found, time=time, stack=image.num_channels == 1)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put the name of a label image in front of what is wrong with its values."""
    try:
        yield
    except FileError:
        raise
    except InputError as error:
        if str(error).startswith("has "):
            raise FileError(f"{path} {error}") from None
        raise
