"""Options that keep relevant objects and drop others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anystar.cli.options import Number

if TYPE_CHECKING:
    from anystar.filters import Predicate

__all__ = ["filter_options", "predicates"]

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

    from anystar import filters

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
