"""An overview image: three slices and a projection, plain and with the outline of every instance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import binary_dilation

from anystar.arrays import LENGTH_UNITS, LengthUnit
from anystar.display import unit_name
from anystar.errors import InputError
from anystar.report.survey import Extent, Survey, displayed, nearest, pixels, survey
from anystar.runtime.atomic import staged

__all__ = [
    "Cut",
    "Panel",
    "draw_panels",
    "label_colours",
    "outline",
    "panels",
    "render",
    "save_overview",
    "save_panels",
    "scale_bar",
    "surveyed_panels",
    "to_grey",
]

_GOLDEN = 0.618033988749895
_MARGIN, _LINE = 15, 33
"""Space around a view, and height of a line of text, in pixels."""

Cut = Callable[[int, int, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""``(axis, index, rows, columns) -> (image, labels)``: these rows and columns of a slice."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """One view of a volume."""

    title: str
    "Title above the view."
    grey: np.ndarray
    "(H, W) float32 in [0, 1]."
    labels: np.ndarray
    "(H, W) the instances on it."
    size: tuple[float, float]
    "Height and width of one pixel, in the unit of the spacing."

    @property
    def extent(self) -> tuple[float, float]:
        """Height and width of the view, in the unit of the spacing."""
        (rows, columns), (height, width) = self.labels.shape, self.size
        return rows * height, columns * width


def panels(
    image: np.ndarray, labels: np.ndarray, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> list[Panel]:
    """Return the XY, XZ and YZ slices that cut most object voxels, and the projection along Z.

    In the projection every pixel shows its brightest voxel (the darkest, if the objects are darker than what
    surrounds them) and belongs to the instance of the highest number on its way. Views of large volumes are
    reduced to the rows and columns that :func:`render` draws. ``spacing`` is the size of a voxel (ZYX).
    """
    if image.shape != labels.shape:
        raise InputError(f"image and labels differ in shape: {image.shape} and {labels.shape}")
    extent = Extent(image.shape, spacing)

    def cut(axis: int, index: int, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        at = np.ix_(rows, columns)
        return image.take(index, axis=axis)[at], labels.take(index, axis=axis)[at]

    return surveyed_panels(survey(image, labels, extent), extent, cut)


def surveyed_panels(found: Survey, extent: Extent, cut: Cut) -> list[Panel]:
    """Return what :func:`panels` does, of a volume that is not in memory; ``cut`` reads a slice of it."""
    made = []
    for axis, plane in enumerate(("XY", "XZ", "YZ")):
        filled = found.filled[axis]
        index = int(filled.argmax()) if filled.any() else extent.shape[axis] // 2
        grey, labels = cut(axis, index, *displayed(extent, axis))
        made.append(_panel(f"{plane} slice at {'ZYX'[axis]} = {index}", grey, labels, extent, axis))
    title, grey = ("darkest", found.darkest) if found.dark else ("brightest", found.brightest)
    made.append(_panel(f"{title} along Z", grey, found.labels, extent, 0))
    return made


def _panel(title: str, values: np.ndarray, labels: np.ndarray, extent: Extent, axis: int) -> Panel:
    nums, sizes = (np.delete(v, axis) for v in extent)
    height, width = sizes * (nums / labels.shape)
    return Panel(title=title, grey=to_grey(values), labels=labels, size=(height, width))


def to_grey(image: np.ndarray, window: tuple[float, float] | None = None) -> np.ndarray:
    """Return a view stretched to [0, 1]; black where it is NaN, or if it is constant.

    A gamma of 0.7 makes dim objects visible beside bright ones. ``window`` holds the values that become 0 and
    1: the 1st and the 99.8th percentile by default.

    Examples
    --------
    >>> to_grey(np.array([[3, 3], [3, 3]])).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    if image.dtype.kind == "f" and not (finite := np.isfinite(image)).all():
        image = np.where(finite, image, image[finite].min() if finite.any() else 0)
    low, high = np.percentile(image, [1.0, 99.8]) if window is None else window
    if not high > low:
        return np.zeros(image.shape, np.float32)
    return (np.clip((image.astype(np.float32) - low) / (high - low), 0, 1) ** 0.7).astype(np.float32)


def label_colours(labels: np.ndarray) -> np.ndarray:
    """Return an RGB colour in [0, 1] for each label; neighbours in number differ in hue, equal labels never.

    Examples
    --------
    >>> label_colours(np.array([1, 2])).round(2).tolist()
    [[0.35, 0.54, 1.0], [0.73, 1.0, 0.35]]
    """
    hue = (np.asarray(labels).astype(np.float64) * _GOLDEN) % 1.0
    ramps = np.abs((hue[..., None] * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1
    return 0.35 + 0.65 * np.clip(ramps, 0, 1)


def outline(labels: np.ndarray) -> np.ndarray:
    """Return where an object's pixel has a 4-neighbour that is not of the same object.

    Examples
    --------
    >>> outline(np.array([[0, 1, 1, 1, 2]])).astype(int)
    array([[0, 1, 0, 1, 1]])
    """
    edge = np.zeros(labels.shape, bool)
    for axis in (0, 1):
        here = np.moveaxis(labels, axis, 0)
        change = here[1:] != here[:-1]
        visible = np.moveaxis(edge, axis, 0)
        visible[1:] |= change
        visible[:-1] |= change
    return edge & (labels > 0)


def render(panel: Panel, *, outlined: bool) -> np.ndarray:
    """Return RGB of square pixels, ``PIXELS`` on the longer side, so that outlines are equally thin."""
    grid = np.ix_(*map(nearest, pixels(*panel.extent), panel.labels.shape))
    rgb = np.repeat(panel.grey[grid][..., None], 3, axis=2)
    if outlined:
        labels = panel.labels[grid]
        edge = binary_dilation(outline(labels)) & (labels > 0)
        rgb[edge] = label_colours(labels[edge])
    return rgb


def draw_panels(
    views: list[Panel], *, metric: bool, length_unit: LengthUnit = "um", title: str = ""
) -> Image.Image:
    """Draw views side by side: plain above, with outlines below.

    Drawn without matplotlib, which takes half a second to load. ``metric`` says whether sizes are in
    micrometres: only then is there a scale bar, in ``length_unit``.
    """
    drawn = [
        [Image.fromarray(np.rint(255 * render(v, outlined=o)).astype(np.uint8)) for v in views]
        for o in (False, True)
    ]
    above = _MARGIN + _LINE * (2 if title else 1)
    tallest = max(view.height for view in drawn[0])
    width = sum(view.width for view in drawn[0]) + _MARGIN * (len(views) + 1)
    sheet = Image.new("RGB", (width, 2 * tallest + above + 2 * _MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    if metric:
        _draw_scale_bar(drawn[1][0], views[0], length_unit)
    left = _MARGIN
    for view, plain, outlined in zip(views, *drawn, strict=True):
        sheet.paste(plain, (left, above))
        sheet.paste(outlined, (left, above + tallest + _MARGIN))
        draw.text((left + plain.width / 2, above - 12), view.title, "black", _font(21), anchor="ms")
        left += plain.width + _MARGIN
    if title:
        draw.text((width / 2, _MARGIN), title, "black", _font(25), anchor="ma")
    return sheet


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font of matplotlib's figures, without loading matplotlib."""
    found = find_spec("matplotlib")
    folder = Path(found.origin).parent if found is not None and found.origin else Path()
    try:
        return ImageFont.truetype(str(folder / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"), size)
    except OSError:
        return ImageFont.load_default(size)


def scale_bar(view: Panel, unit: LengthUnit) -> tuple[float, str]:
    """Return a round length, at most a quarter of the width of a view, and how it is written.

    Examples
    --------
    >>> blank = np.zeros((10, 40))
    >>> scale_bar(Panel(title="", grey=blank, labels=blank, size=(0.6, 0.6)), "um")
    (5.0, '5 µm')
    """
    quarter = view.extent[1] / 4 / LENGTH_UNITS[unit]
    power = 10.0 ** np.floor(np.log10(quarter))
    rounded = float(max(m * power for m in (1, 2, 5) if m * power <= quarter))
    return rounded * LENGTH_UNITS[unit], f"{rounded:g} {unit_name(unit)}"


def _draw_scale_bar(image: Image.Image, view: Panel, unit: LengthUnit) -> None:
    """Draw the scale bar of a view on its image, with its length on a dimmed ground."""
    length, text = scale_bar(view, unit)
    width, right, y = length / view.extent[1] * image.width, 0.96 * image.width, 0.96 * image.height
    draw, middle = ImageDraw.Draw(image), (right - width / 2, y - 8)
    x0, y0, x1, y1 = draw.textbbox(middle, text, _font(19), anchor="mb")
    box = (int(x0) - 3, int(y0) - 3, int(x1) + 3, int(y1) + 3)
    ground = image.crop(box)
    image.paste(Image.blend(ground, Image.new("RGB", ground.size), 0.5), box)
    draw.text(middle, text, "white", _font(19), anchor="mb")
    draw.rectangle((right - width, y - 3, right, y + 2), fill="white")


def save_overview(
    path: str | Path,
    image: np.ndarray,
    labels: np.ndarray,
    *,
    spacing: tuple[float, float, float] | None = None,
    unit: Literal["um", "relative"] = "um",
    length_unit: LengthUnit = "um",
    title: str = "",
) -> None:
    """Write :func:`panels` of an image and its labels ``(Z, Y, X)`` as PNG, see :func:`save_panels`.

    ``spacing`` is the size of a voxel along Z, Y, X; a scale bar is drawn only for micrometres.
    """
    views = panels(image, labels, spacing or (1.0, 1.0, 1.0))
    metric = spacing is not None and unit == "um"
    save_panels(path, views, metric=metric, length_unit=length_unit, title=title)


def save_panels(
    path: str | Path, views: list[Panel], *, metric: bool, length_unit: LengthUnit = "um", title: str = ""
) -> None:
    """Write the overview image of :func:`draw_panels` as PNG; the file appears whole or not at all."""
    sheet = draw_panels(views, metric=metric, length_unit=length_unit, title=title)
    with staged(path) as (temporary,):
        sheet.save(temporary, format="png", compress_level=1)  # faster, and no larger
