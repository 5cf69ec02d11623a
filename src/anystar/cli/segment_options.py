"""The options of ``anystar segment``, in groups: the image, the objects, the outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from anystar.cli.options import Number, OneOrAll, spacing_option

__all__ = ["image_options", "object_options", "output_options"]

Command = Callable[..., Any]

_IMAGE = (
    spacing_option,
    click.option(
        "--channel",
        type=OneOrAll(),
        metavar="N|all",
        help="Which channel of a multi-channel image, from 0; with 'all' each on its own.",
    ),
    click.option(
        "--time",
        type=OneOrAll(),
        metavar="N|all",
        help="Which time point of a series, from 0; with 'all' each on its own.",
    ),
    click.option(
        "--level",
        type=click.IntRange(min=0),
        default=0,
        metavar="N",
        help="Which level of the image's pyramid, if it has one; 0, the default, is the finest.",
    ),
    click.option(
        "--series",
        type=click.IntRange(min=0),
        metavar="N",
        help="Which image of a file that holds several, from 0.",
    ),
    click.option(
        "--axes",
        metavar="LETTERS",
        help="What the axes of the file are, slowest first, if it says otherwise or nothing: ZYX for a stack "
        "that was saved as a time series; C stands for channel, T for time.",
    ),
)

_OBJECTS = (
    click.option(
        "--diameter",
        type=Number(0, above=True),
        metavar="D",
        help="Typical diameter of the objects in micrometres (in voxels of the finest axis if they "
        "are not known). Estimated from the image if you leave it out.",
    ),
    click.option("--model", metavar="NAME|PATH", help="Which model; see 'anystar models'."),
    click.option(
        "--prob-thresh",
        type=Number(0, 1),
        metavar="P",
        help="How sure an object must be, 0 to 1: lower finds more, higher only the clearest. The "
        "model's own if you leave it out; more where a texture resembles objects, down to two thirds of it "
        "where nothing else is in the volume.",
    ),
    click.option(
        "--thresholds",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="FILE.toml",
        help="Thresholds, model and diameter as 'anystar tune' wrote them; other options go before them.",
    ),
    click.option(
        "--nms-thresh",
        type=Number(0, 1),
        metavar="T",
        help="How much two objects may overlap, 0 to 1, before the less sure one is dropped.",
    ),
    click.option(
        "--tta",
        is_flag=True,
        help="Average over four orientations of the volume: better outlines, four times the network's time.",
    ),
    click.option(
        "--fast",
        is_flag=True,
        help="Let the network see the objects smaller: half of its time, some faint and small ones get lost.",
    ),
    click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda", "mps"]),
        default="auto",
        show_default=True,
        help="Where the network runs; auto takes a GPU if there is one.",
    ),
)

_OUTPUTS = (
    click.option(
        "--table",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Write one line per object (probability, position, volume, form, intensities) as .csv or "
        ".parquet. A folder, for several images.",
    ),
    click.option("--distances", is_flag=True, help="Add the polyhedra, ray by ray, to the table."),
    click.option(
        "--picture",
        type=click.Path(path_type=Path),
        metavar="FILE.png",
        help="Draw the outlines on three slices and a projection. A folder, for several images.",
    ),
    click.option(
        "--meshes",
        type=click.Path(path_type=Path),
        metavar="FILE|DIR",
        help="Write the surfaces: all into one .obj, .ply or .stl, or each into a file of a folder. "
        "A folder, for several images.",
    ),
    click.option(
        "--mesh-format",
        type=click.Choice(["obj", "ply", "stl"]),
        default="ply",
        show_default=True,
        help="Of the files in a folder of meshes.",
    ),
    click.option(
        "--record",
        type=click.Path(path_type=Path),
        metavar="FILE.toml",
        help="Write down what was asked, assumed and found, to repeat it with --from-record. "
        "A folder, for several images.",
    ),
    click.option("--overwrite", is_flag=True, help="Replace outputs that exist."),
)


def image_options(command: Command) -> Command:
    """Add the options that say what to read."""
    return _with(_IMAGE, command)


def object_options(command: Command) -> Command:
    """Add the options that say what to look for, and how."""
    return _with(_OBJECTS, command)


def output_options(command: Command) -> Command:
    """Add the options that say what to write."""
    return _with(_OUTPUTS, command)


def _with(options: tuple[Callable[[Command], Command], ...], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
