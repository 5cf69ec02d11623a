"""The options of ``anystar segment``, in groups: the image, the objects, the outputs, blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from anystar.cli.options import (
    ChannelType,
    Length,
    Number,
    Numbers,
    OneOrAll,
    add_options,
    axes_option,
    count_option,
    device_option,
    file_option,
    level_option,
    overwrite_option,
    series_option,
    spacing_option,
)

__all__ = ["block_options", "from_provenance_option", "image_options", "object_options", "output_options"]


class _Memory(click.ParamType):
    """An amount of memory, in bytes."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the bytes or fail."""
        from anystar.blocks.memory import parse_memory

        try:
            return value if isinstance(value, int) else parse_memory(value)
        except ValueError as error:
            raise click.UsageError(f"--{error}", ctx) from None


image_options = add_options(
    spacing_option,
    click.option(
        "--channel",
        type=ChannelType(),
        metavar="N|NAME|all",
        help="Which channel of a multi-channel image: its number from 0, or its name; with 'all' each on its "
        "own.",
    ),
    click.option(
        "--time",
        type=OneOrAll(),
        metavar="N|all",
        help="Which time point of a series, from 0; with 'all' each on its own; OME-Zarr labels get a time "
        "axis.",
    ),
    level_option,
    series_option,
    axes_option,
    click.option(
        "--box",
        metavar="Z0:Z1,Y0:Y1,X0:X1",
        help="Segment only this part, in voxels, or in micrometres as in 0:10um,5:60um,:60um; an end that is "
        "left out is that of the image. Only the part and its surroundings are read.",
    ),
    click.option("--crop", is_flag=True, help="Write labels of the --box only, not of the whole image."),
)

object_options = add_options(
    click.option(
        "--diameter",
        type=Length(),
        metavar="D",
        help="Typical diameter of the objects in micrometres, or with its unit, 0.5mm (in voxels of the "
        "finest axis if no voxel size is known). Estimated from the image if left out.",
    ),
    click.option("--model", metavar="NAME|PATH", help="Which model; see 'anystar models'."),
    click.option(
        "--prob-thresh",
        type=Numbers(0, 1),
        metavar="P...",
        help="Smallest probability of an object, 0 to 1: lower finds more, higher only the clearest. Several "
        "values, 0.3 0.5 0.7, give files of their own in one run of the network, labels_p0.30.tif. If left "
        "out, the model's own, adapted to the volume: higher where a texture resembles objects, down to two "
        "thirds of it where the volume holds nothing else. The column calibrated_probability says which "
        "share of such objects is real.",
    ),
    click.option(
        "--thresholds",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="FILE.toml",
        help="Thresholds, model and diameter as 'anystar tune' wrote them; other options take precedence.",
    ),
    click.option(
        "--nms-thresh",
        type=Number(0, 1),
        metavar="T",
        help="Overlap of two objects, 0 to 1, above which the less probable one is dropped.",
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
        "--aspect/--no-aspect",
        default=True,
        help="Estimate the distance between planes where no voxel size is known, or take voxels as cubes.",
    ),
    click.option(
        "--appearance/--no-appearance",
        default=True,
        help="Try smoothing and gammas where the network is not confident, or take the image as it is.",
    ),
    click.option(
        "--adapt-threshold/--no-adapt-threshold",
        "threshold",
        default=True,
        help="Adapt the probability threshold to the image, or take the model's own.",
    ),
    click.option(
        "--illumination/--no-illumination", default=True, help="Correct uneven illumination, or do not."
    ),
    device_option,
)

output_options = add_options(
    file_option(
        "--table",
        metavar="FILE",
        help="Write one line per object (probability, position, volume, shape, intensities) as .csv or "
        ".parquet. Of several images, time points or channels, all objects in one table, or one each in a "
        "folder.",
    ),
    click.option("--distances", is_flag=True, help="Add the polyhedra, ray by ray, to the table."),
    file_option(
        "--overview",
        aliases=("--picture",),
        metavar="FILE.png",
        help="Draw the outlines on three slices and a projection. A folder, for several images.",
    ),
    file_option(
        "--meshes",
        metavar="FILE|DIR",
        help="Write the surfaces: all into one .obj, .ply or .stl, or each into a file of a folder. "
        "A folder, for several images.",
    ),
    click.option(
        "--mesh-format",
        type=click.Choice(["obj", "ply", "stl"]),
        default="ply",
        show_default=True,
        help="Format of the files in a folder of meshes.",
    ),
    file_option(
        "--rois",
        metavar="FILE.zip",
        help="Write an ROI per object and slice for Fiji's ROI Manager. A folder, for several images.",
    ),
    file_option(
        "--provenance",
        aliases=("--record",),
        metavar="FILE.toml",
        help="Write the options, what was estimated and what was found, to repeat the run with "
        "--from-provenance. A folder, for several images.",
    ),
    overwrite_option,
)

block_options = add_options(
    click.option(
        "--memory",
        type=_Memory(),
        metavar="SIZE",
        help="Work in blocks, within this much memory per process, for example 4GB. Without it, blocks are "
        "used for what does not fit into memory, with 70% of what is free.",
    ),
    click.option(
        "--dask",
        metavar="WHERE",
        help="Work in blocks on Dask workers: local, slurm, or the address of a scheduler.",
    ),
    count_option("--workers", help="Number of workers to start for --dask local or slurm."),
    click.option("--resume", is_flag=True, help="Continue an interrupted run in blocks."),
)


def _takes(param: click.Parameter, value: Any) -> bool:
    """Return whether an option takes a value of this type; whether it is in range, the option says."""
    if param.nargs != 1 or param.multiple:
        right = isinstance(value, list) and (param.nargs < 2 or param.multiple or len(value) == param.nargs)
        return right and all(_takes_one(param, one) for one in value)
    return _takes_one(param, value)


def _takes_one(param: click.Parameter, value: Any) -> bool:
    switch = bool(getattr(param, "is_bool_flag", False))
    if switch or isinstance(value, bool):
        return switch and isinstance(value, bool)
    if isinstance(value, str):
        return "\0" not in value
    if isinstance(param.type, click.Path):
        return False
    return isinstance(value, int) or (isinstance(value, float) and isinstance(param.type, Number))


def _take_defaults(ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
    """Let the parameters of a provenance file be the defaults, so that typed options take precedence."""
    if path is None:
        return None
    from anystar._version import __version__
    from anystar.config import nearest
    from anystar.errors import InputError
    from anystar.workflow.provenance import NOT_REPEATED, read_provenance

    found = read_provenance(path)
    params = {p.name: p for p in ctx.command.params if p.name}
    names = params.keys() - {"from_provenance", *NOT_REPEATED}
    for name, value in found["parameters"].items():
        if name not in names:
            raise InputError(f"{path} has the unknown parameter '{name}'{nearest(name, names)}")
        if not _takes(params[name], value):
            raise InputError(
                f"{path} has {name} = {value!r:.60}, which {params[name].opts[0]} cannot take; correct it"
            )
    if found.get("anystar") != __version__:
        click.echo(f"note: {path} was made by anystar {found.get('anystar')}, this is {__version__}")
    if steps := found.get("filtered"):
        dropped = sum(step.get("dropped", 0) for step in steps)
        click.echo(
            f"note: {path} was filtered afterwards ({dropped} objects); this repeats the run before that"
        )
    ctx.default_map = found["parameters"]
    return path


from_provenance_option = file_option(
    "--from-provenance",
    aliases=("--from-record",),
    metavar="FILE",
    is_eager=True,
    callback=_take_defaults,
    help="Repeat a run from its provenance, or from its table, which contains it; other options take "
    "precedence.",
)
"""``--from-provenance FILE``."""
