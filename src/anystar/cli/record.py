"""The record of a run: what was asked, what was assumed and what came of it, enough to run it again."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from anystar.errors import InputError

__all__ = ["NOT_REPEATED", "from_record_option", "make_record", "read_record"]

NOT_REPEATED = ("from_record", "overwrite", "resume")
"""Options that say how to go about a run, not what it is."""


def make_record(
    parameters: Mapping[str, Any],
    *,
    image: Any,
    model: Any,
    estimate: Mapping[str, Any],
    result: Mapping[str, Any],
) -> str:
    """Return the record as TOML.

    Parameters
    ----------
    parameters : mapping
        Of the command: for this image alone, with whatever was left open filled in.
    image : LazyImage or Volume
        What was segmented.
    model : Model
        What segmented it.
    estimate : mapping
        Object size and whatever else was found out before.
    result : mapping
        Number of objects, notes, seconds.
    """
    from anystar._version import __version__
    from anystar.config import dump_plain

    repeated = {k: v for k, v in parameters.items() if k not in NOT_REPEATED}
    return dump_plain(
        {
            "anystar": __version__,
            "parameters": _plain(repeated),
            "image": _plain(
                {
                    "shape": image.shape,
                    "dtype": str(getattr(image, "dtype", None) or image.data.dtype),
                    "spacing": image.spacing,
                    "unit": image.unit,
                }
            ),
            "model": _plain(
                {
                    "name": model.name,
                    "device": str(model.device),
                    "weights": model.digest(),
                }
            ),
            "estimate": _plain(estimate),
            "result": _plain(result),
        }
    )


def _plain(value: Any) -> Any:
    """Return what TOML can say; what is ``None`` is left out."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items() if v is not None and v != ()}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, Path):
        return str(value)
    return value.item() if hasattr(value, "item") else value


def read_record(path: Path) -> dict[str, Any]:
    """Read a record: a TOML file, or the one that a table bears.

    Raises
    ------
    ValueError
        If it is none.
    """
    from anystar.report.table import TABLE_SUFFIXES, read_table

    if not path.is_file():
        raise InputError(f"{path} does not exist; give a record, or a table that anystar segment wrote")
    if path.suffix.lower() in TABLE_SUFFIXES:
        _, text = read_table(path)
    else:
        text = path.read_text(encoding="utf-8", errors="replace")
    try:
        record = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is no record of a run ({error}); give one that anystar wrote") from None
    if not isinstance(record.get("parameters"), dict):
        raise InputError(f"{path} holds no record of a run; give one that anystar segment wrote")
    return record


def _take_defaults(ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
    """Let the record's parameters be the defaults, so that what is typed beside it goes first."""
    if path is None:
        return None
    from anystar._version import __version__
    from anystar.config import nearest

    record = read_record(path)
    names = {p.name for p in ctx.command.params if p.name} - set(NOT_REPEATED)
    for name in record["parameters"]:
        if name not in names:
            raise InputError(f"{path} has the unknown parameter '{name}'{nearest(name, names)}")
    if record.get("anystar") != __version__:
        click.echo(f"note: {path} was made by anystar {record.get('anystar')}, this is {__version__}")
    if steps := record.get("filtered"):
        dropped = sum(step.get("dropped", 0) for step in steps)
        click.echo(
            f"note: {path} was filtered afterwards ({dropped} objects); this repeats the run before that"
        )
    ctx.default_map = record["parameters"]
    return path


from_record_option = click.option(
    "--from-record",
    type=click.Path(path_type=Path),
    metavar="FILE",
    is_eager=True,
    callback=_take_defaults,
    help="Repeat a run from its record (or from its table, which bears one); "
    "options beside it take precedence.",
)
"""``--from-record FILE``."""
