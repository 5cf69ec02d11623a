"""Options of several commands, and values that click has no type for."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

__all__ = [
    "ChannelType",
    "Length",
    "Number",
    "Numbers",
    "OneOrAll",
    "Option",
    "add_options",
    "axes_option",
    "channel_option",
    "count_option",
    "device_option",
    "file_option",
    "file_type",
    "index_option",
    "join_numbers",
    "level_option",
    "output_option",
    "overwrite_option",
    "reading_options",
    "series_option",
    "spacing_option",
    "time_option",
    "unlabelled_option",
    "volume_options",
]

file_type = click.Path(path_type=Path)
"""A path, which need not exist."""


class Option(click.Option):
    """An option that also answers to ``aliases``, its former names, which ``--help`` does not list."""

    def __init__(self, *args: Any, aliases: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.aliases = list(aliases)

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Register the names and the former names."""
        own = self.opts
        self.opts = [*own, *self.aliases]
        super().add_to_parser(parser, ctx)
        self.opts = own


file_option = functools.partial(click.option, cls=Option, type=file_type)
"""An option that takes a path."""
output_option = functools.partial(file_option, "-o", "--output", required=True)
"""Where the results go."""
index_option = functools.partial(click.option, type=click.IntRange(min=0), metavar="N")
"""An option that takes a number from 0."""
count_option = functools.partial(click.option, type=click.IntRange(min=1), metavar="N")
"""An option that takes a number from 1."""


def _refuse(value: Any, takes: str, param: click.Parameter | None, ctx: click.Context | None) -> NoReturn:
    """Raise a UsageError of our own: click's "Invalid value for" would name the option twice."""
    raise click.UsageError(f"{param.opts[0] if param else 'value'} takes {takes} got {value!r}", ctx)


class Number(click.ParamType):
    """A finite number in a range; the message states the range.

    Parameters
    ----------
    low, high : float
        Both included, unless ``above`` leaves ``low`` out.
    above : bool
        Whether the number must be above ``low``.
    name : str
        What ``--help`` displays.
    """

    def __init__(self, low: float, high: float = math.inf, *, above: bool = False, name: str = "number"):
        self.low, self.high, self.above, self.name = low, high, above, name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number or fail."""
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
        inside = self.low < number if self.above else self.low <= number
        if inside and number <= self.high and math.isfinite(number):
            return number
        kind = f"above {self.low:g}" if self.above else f"of at least {self.low:g}"
        if self.high < math.inf:
            low = f"above {self.low:g} and up" if self.above else f"from {self.low:g}"
            kind = f"{low} to {self.high:g}"
        several = f"{param.nargs} numbers" if param and param.nargs > 1 else "a number"
        _refuse(value, f"{several} {kind},", param, ctx)


class Numbers(Number):
    """One number in a range, or several, separated by commas."""

    def convert(  # type: ignore[override]
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Return the numbers, ascending and different, or fail."""
        if isinstance(value, tuple):
            return value
        words = value.split(",") if isinstance(value, str) else [value]
        return tuple(sorted({Number.convert(self, word, param, ctx) for word in words}))


def join_numbers(args: Sequence[str], option: str) -> list[str]:
    """Return the words of a command with the numbers behind an option joined by commas.

    >>> join_numbers(["a.tif", "--prob-thresh", "0.3", "0.5", "-o", "b.tif"], "--prob-thresh")
    ['a.tif', '--prob-thresh', '0.3,0.5', '-o', 'b.tif']
    """
    joined: list[str] = []
    gathering = False
    for word in args:
        number = re.fullmatch(r"\d*\.?\d+", word) is not None and not Path(word).exists()
        if gathering and number and joined[-1] != option:
            joined[-1] += f",{word}"
            continue
        gathering = word == option or (gathering and joined[-1] == option)
        joined.append(word)
    return joined


class Length(Number):
    """A length above 0 in micrometres, or with its unit: ``12``, ``0.5mm``, ``300 nm``."""

    def __init__(self) -> None:
        super().__init__(0, above=True, name="length")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return micrometres or fail."""
        from anystar.io.units import micrometres_per

        found = re.fullmatch(r"\s*(?P<number>[-+.\deE]+)\s*(?P<unit>[a-zA-Zµμ]+)\s*", str(value))
        factor = found and micrometres_per(found["unit"])
        if found is None or not factor:
            return super().convert(value, param, ctx)
        return super().convert(found["number"], param, ctx) * factor


class OneOrAll(click.ParamType):
    """A number from 0, or the word ``all``."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Return the number or ``"all"``, or fail."""
        if value == "all":
            return "all"
        if str(value).isdecimal():
            return int(value)
        _refuse(value, "a number from 0, or all;", param, ctx)


class ChannelType(click.ParamType):
    """The number of a channel from 0, or its name."""

    name = "channel"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Return the number, or the name."""
        text = str(value)
        try:
            number = int(text)
        except ValueError:
            return text
        if number < 0:
            _refuse(value, "a number from 0, or a name;", param, ctx)
        return number


def add_options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a decorator that gives a command several options, in their order."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


channel_option = click.option(
    "--channel",
    type=ChannelType(),
    metavar="N|NAME",
    help="Which channel of images that have several: its number from 0, or its name.",
)
time_option = index_option("--time", help="Which time point of images that have several, from 0.")
level_option = index_option(
    "--level",
    default=0,
    help="Which level of the image's pyramid, if it has one; 0, the default, is the finest.",
)
series_option = index_option("--series", help="Which image of a file that holds several, from 0.")
axes_option = click.option(
    "--axes",
    metavar="LETTERS",
    help="What the axes of the file are, slowest first, if it says otherwise or nothing: ZYX for a stack "
    "that was saved as a time series; C stands for channel, T for time.",
)
spacing_option = click.option(
    "--spacing",
    type=Number(0, above=True),
    nargs=3,
    metavar="Z Y X",
    help="Size of a voxel in micrometres along Z, Y and X, if the file does not state it or is wrong.",
)

reading_options = add_options(channel_option, time_option, series_option, axes_option)
"""What every command takes that reads images or labels: which volume of a file."""

volume_options = add_options(spacing_option, reading_options)
"""The same, and the size of a voxel that its file does not state."""

device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where the network runs; auto takes a GPU if there is one.",
)
unlabelled_option = click.option(
    "--unlabelled-is",
    "unlabelled",
    type=click.Choice(["background", "ignore"]),
    help="What label 0 means. ignore: nothing is known there, for volumes of which only some objects are "
    "labelled. [default: background]",
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace outputs that exist.")
