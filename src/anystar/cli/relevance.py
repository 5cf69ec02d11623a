"""Options that keep relevant objects and drop others."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anystar.cli.options import Number
from anystar.errors import InputError

if TYPE_CHECKING:
    from anystar.io import LazyImage
    from anystar.objects.filters import Predicate

__all__ = ["filter_options", "in_words", "predicates", "refuse_lengths", "refuse_unusable"]

_RAYS = 256
"""More than any model has: their number is not known before the model is loaded."""
_OPTIONS = (
    click.option(
        "--min-volume",
        type=Number(0),
        metavar="V",
        help="Drop objects smaller than this, in cubic micrometres (in voxels if no voxel size is known).",
    ),
    click.option(
        "--max-volume",
        type=Number(0, above=True),
        metavar="V",
        help="Drop objects larger than this, likewise.",
    ),
    click.option(
        "--min-sphericity",
        type=Number(0, 1),
        metavar="S",
        help="Drop objects that are less round, 0 to 1; 1 is a ball.",
    ),
    click.option(
        "--bright", "polarity", flag_value="bright", help="Keep only objects brighter than around them."
    ),
    click.option("--dark", "polarity", flag_value="dark", help="Keep only objects darker than around them."),
    click.option(
        "--min-contrast",
        type=Number(0),
        metavar="C",
        help="Drop objects that differ from what surrounds them by fewer standard deviations.",
    ),
    click.option("--drop-border", is_flag=True, help="Drop objects that touch the border of the image."),
    click.option(
        "--mask",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Keep only objects inside a mask: an image of the same shape, not 0 inside.",
    ),
    click.option(
        "--mask-overlap",
        type=Number(0, 1),
        metavar="F",
        default=0.5,
        show_default=True,
        help="Which fraction of an object must lie inside the mask.",
    ),
    click.option(
        "--keep",
        multiple=True,
        metavar="CONDITION",
        help="Keep only objects whose columns of the table meet a condition, "
        "'volume_um3 > 50 and sphericity > 0.6' say.",
    ),
    click.option(
        "--drop", multiple=True, metavar="CONDITION", help="Drop objects whose columns meet a condition."
    ),
)


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that :func:`predicates` understands."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def predicates(given: dict[str, Any]) -> list[Predicate]:
    """Return what the options ask for; conditions that cannot be read are refused here."""
    from math import inf

    from anystar.objects import filters

    wanted: list[Predicate] = []
    low, high = given["min_volume"], given["max_volume"]
    if low is not None or high is not None:
        wanted.append(filters.volume(low or 0.0, inf if high is None else high))
    if given["min_sphericity"] is not None:
        wanted.append(filters.sphericity(given["min_sphericity"]))
    if given["polarity"] is not None:
        wanted.append(filters.bright() if given["polarity"] == "bright" else filters.dark())
    if given["min_contrast"] is not None:
        wanted.append(filters.contrast(given["min_contrast"]))
    if given["drop_border"]:
        wanted.append(filters.off_border())
    if given["mask"] is not None:
        wanted.append(filters.inside_mask(given["mask_overlap"]))
    wanted += [filters.where(condition) for condition in given["keep"]]
    wanted += [filters.drop(condition) for condition in given["drop"]]
    return wanted


def in_words(given: dict[str, Any]) -> str:
    """Return the options as they are typed (the mask itself left out); empty if all objects are kept."""
    words = [f"--{given['polarity']}"] if given["polarity"] else []
    words += ["--drop-border"] if given["drop_border"] else []
    for name in ("min_volume", "max_volume", "min_sphericity", "min_contrast", "keep", "drop"):
        values = given[name] if name in ("keep", "drop") else [given[name]]
        words += [f"--{name.replace('_', '-')} {shlex.quote(str(v))}" for v in values if v is not None]
    return " ".join([*words, f"--mask-overlap {given['mask_overlap']}"] if given["mask"] else words)


def refuse_unusable(image: LazyImage, given: dict[str, Any]) -> None:
    """Raise if the mask, or a column of a condition, does not suit the image: before the network runs.

    Raises
    ------
    ValueError
        If there is no such mask or column, or the mask has another shape.
    """
    from anystar import io
    from anystar.objects import filters
    from anystar.objects.measure import check_mask
    from anystar.objects.table import columns, empty_table

    if given["mask"] is not None:
        with io.open_image(given["mask"], sized=False) as mask:
            check_mask(given["mask"], mask, "image", image)
    known = columns(
        channels=[f"c{other.channel or 0}" for other in image.others],
        mask=given["mask"] is not None,
        num_rays=_RAYS if given["distances"] else None,
    )
    if wanted := predicates(given):
        filters.relevant(empty_table(known), wanted)
    if image.spacing is None or image.unit != "um":
        refuse_lengths(given, f"{image.address} names no voxel size in micrometres", "give --spacing")


def refuse_lengths(given: dict[str, Any], why: str, remedy: str) -> None:
    """Raise ``ValueError`` if a condition asks for a column in micrometres, of which there are none."""
    from anystar.objects import filters

    for condition in (*given["keep"], *given["drop"]):
        for name in sorted(filters.columns_of(condition)):
            if "_um" in name:
                raise InputError(
                    f"'{condition}' asks for {name}, which is not known: {why}; {remedy}, or use a column in "
                    "voxels"
                )
