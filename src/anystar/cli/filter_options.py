"""The options that say which objects are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from anystar.cli.options import Number, add_options, file_option

if TYPE_CHECKING:
    from anystar.objects.filter_options import FilterOptions

__all__ = ["filter_options", "take_filters"]

filter_options = add_options(
    click.option(
        "--min-volume",
        type=Number(0),
        metavar="V",
        help="Drop smaller objects; in cubic micrometres (in voxels if no voxel size is known).",
    ),
    click.option(
        "--max-volume", type=Number(0, above=True), metavar="V", help="Drop larger objects; the same unit."
    ),
    click.option(
        "--min-sphericity",
        type=Number(0, 1),
        metavar="S",
        help="Drop objects that are less round, 0 to 1; 1 is a ball.",
    ),
    click.option(
        "--bright",
        "polarity",
        flag_value="bright",
        help="Keep only objects brighter than the voxels around them.",
    ),
    click.option(
        "--dark", "polarity", flag_value="dark", help="Keep only objects darker than the voxels around them."
    ),
    click.option(
        "--min-contrast",
        type=Number(0),
        metavar="C",
        help="Drop objects that differ from the voxels around them by fewer standard deviations.",
    ),
    click.option("--drop-border", is_flag=True, help="Drop objects that touch the border of the image."),
    file_option(
        "--mask",
        metavar="FILE",
        help="Keep only objects inside a mask: an image of the same shape, not 0 inside.",
    ),
    click.option(
        "--mask-overlap",
        type=Number(0, 1),
        metavar="F",
        default=0.5,
        show_default=True,
        help="Fraction of an object that must lie inside the mask.",
    ),
    click.option(
        "--keep",
        multiple=True,
        metavar="CONDITION",
        help="Keep only objects whose columns of the table meet a condition, for example "
        "'volume_um3 > 50 and sphericity > 0.6'.",
    ),
    click.option(
        "--drop", multiple=True, metavar="CONDITION", help="Drop objects whose columns meet a condition."
    ),
)
"""Options that :func:`take_filters` turns into conditions; ``mask`` stays."""


def take_filters(given: dict[str, Any]) -> FilterOptions:
    """Remove the options of :data:`filter_options` from ``given`` and return the conditions."""
    from anystar.objects.filter_options import FilterOptions

    return FilterOptions(**{name: given.pop(name) for name in FilterOptions.__dataclass_fields__})
