"""Values on the command line that click has no type for."""

from __future__ import annotations

import math
from typing import Any

import click

__all__ = ["Number", "OneOrAll", "channel_option", "spacing_option"]


class Number(click.ParamType):
    """A finite number in a range; the message says the range.

    Parameters
    ----------
    low, high : float
        Both included, unless ``above`` leaves ``low`` out.
    above : bool
        Whether the number must be above ``low``.
    name : str
        What ``--help`` shows.
    """

    def __init__(self, low: float, high: float = math.inf, *, above: bool = False, name: str = "number"):
        self.low, self.high, self.above, self.name = low, high, above, name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number or fail."""
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        inside = self.low < number if self.above else self.low <= number
        if inside and number <= self.high and math.isfinite(number):
            return number
        kind = f"above {self.low:g}" if self.above else f"of at least {self.low:g}"
        if self.high < math.inf:
            low = f"above {self.low:g} and up" if self.above else f"from {self.low:g}"
            kind = f"{low} to {self.high:g}"
        option = param.opts[0] if param else "value"
        several = f"{param.nargs} numbers" if param and param.nargs > 1 else "a number"
        # A UsageError of our own: click's "Invalid value for" would say the option's name twice.
        raise click.UsageError(f"{option} takes {several} {kind}, got {value!r}", ctx)


class OneOrAll(click.ParamType):
    """A number from 0, or the word ``all``."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Return the number or ``"all"``, or fail."""
        if value == "all":
            return "all"
        if str(value).isdecimal():
            return int(value)
        option = param.opts[0] if param else "value"
        raise click.UsageError(f"{option} takes a number from 0, or all; got {value!r}", ctx)


channel_option = click.option(
    "--channel",
    type=click.IntRange(min=0),
    metavar="N",
    help="Which channel of images that have several, counted from 0.",
)
"""``--channel N``."""

spacing_option = click.option(
    "--spacing",
    type=Number(0, above=True),
    nargs=3,
    metavar="Z Y X",
    help="Size of a voxel in micrometres along Z, Y and X, if the file does not say or is wrong.",
)
"""``--spacing Z Y X``."""
