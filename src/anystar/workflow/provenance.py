"""The provenance of a run: its options, what was estimated and what was found, enough to run it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anystar._version import __version__
from anystar.arrays import LENGTH_UNITS
from anystar.config import dump_plain, parse_toml
from anystar.errors import ConfigError, InputError
from anystar.report.table import TABLE_SUFFIXES, read_table

if TYPE_CHECKING:
    from anystar.blocks.outcome import Outcome
    from anystar.predict.model import Model
    from anystar.predict.result import Result
    from anystar.workflow.file_result import FileResult
    from anystar.workflow.opened import OpenedImage

__all__ = ["NOT_REPEATED", "describe_filtering", "describe_run", "read_provenance"]

NOT_REPEATED = ("overwrite", "resume")
"""Options about how to go about a run, not about its result."""
_RENAMED = {"record": "provenance", "picture": "overview"}
"""Names of parameters in files of version 0.1, and what they are called now."""


def describe_run(opened: OpenedImage, model: Model, result: Result | Outcome, done: FileResult) -> str:
    """Return the provenance of a segmentation, at once or in blocks, as TOML."""
    image = opened.image
    size, diameter, unit = result.voxel_size, result.diameter_vox, image.length_unit
    length = diameter * min(size.spacing) / LENGTH_UNITS[unit] if diameter and size.unit == "um" else None
    place = {name: getattr(image, name) for name in ("spacing", "unit", "length_unit")}
    facts = {
        "anystar": __version__,
        "parameters": _parameters(opened, model, result),
        "image": {"shape": image.shape, "dtype": str(image.dtype), **place},
        "model": {"name": model.name, "device": str(model.device), "weights": model.digest()},
        "estimate": {
            "diameter_vox": diameter,
            f"diameter_{unit}": length,
            "diameter_was": "given" if opened.options.diameter else "estimated",
            "second_diameter_vox": result.second_diameter_vox,
            "runner_up": None if result.runner_up is None else asdict(result.runner_up),
            **({} if image.spacing else {"voxel_size": size.spacing, "voxel_size_unit": size.unit}),
        },
        "result": {
            "objects": done.num_objects,
            "dropped": done.num_filtered,
            "notes": done.notes,
            "seconds": {**result.timings, "total": done.seconds},
        },
    }
    return dump_plain(_plain(facts))


def _parameters(opened: OpenedImage, model: Model, result: Result | Outcome) -> dict[str, Any]:
    """Return the options of a run on one image, with the values that the model chose filled in."""
    image, options = opened.image, opened.options
    own = dict(vars(options))
    for name in ("filters", "diameter_unit", "sizes", *NOT_REPEATED):
        del own[name]
    weights = model.name
    if options.model is not None:
        path = Path(options.model)
        weights = str(path.absolute()) if path.is_file() else options.model
    files = {name: path and path.absolute() for name, path in vars(opened.outputs).items()}
    return {
        **own,
        **vars(options.filters),
        "inputs": [str(image.address._replace(file=image.address.file.absolute()))],
        "output": files.pop("labels"),
        **files,
        "channel": image.channel,
        "time": image.time,
        "model": weights,
        "mask": options.mask and options.mask.absolute(),
        "prob_thresh": result.prob_thresh,
        "nms_thresh": result.nms_thresh,
    }


def _plain(value: Any) -> Any:
    """Return what TOML can hold; ``None`` is left out."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items() if v is not None and v != ()}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, Path):
        return str(value)
    return value.item() if hasattr(value, "item") else value


def read_provenance(path: Path) -> dict[str, Any]:
    """Read a provenance file, or the provenance in a table.

    Returns
    -------
    dict
        ``anystar`` (version), ``parameters``, ``image``, ``model``, ``estimate``, ``result``, and
        ``filtered`` if objects were filtered afterwards.

    Raises
    ------
    InputError
        If it is another file.
    """
    if not path.is_file():
        raise InputError(
            f"{path} does not exist; give a provenance file, or a table that anystar segment wrote"
        )
    if path.suffix.lower() in TABLE_SUFFIXES:
        _, text = read_table(path)
    else:
        text = path.read_text(encoding="utf-8", errors="replace")
    try:
        found = parse_toml(text)
    except ConfigError as error:
        raise InputError(
            f"{path} is no provenance of a run (it {error}); give a file that anystar wrote"
        ) from None
    if "joined" in found:
        raise InputError(
            f"{path} joins the tables of several images; give table=DIR/ to get a table for each of them"
        )
    if not isinstance(found.get("parameters"), dict):
        raise InputError(f"{path} holds no provenance of a run; give one that anystar segment wrote")
    steps = found.get("filtered", [])
    if not isinstance(steps, list) or not all(
        isinstance(step, dict) and isinstance(step.get("dropped", 0), int) for step in steps
    ):
        raise InputError(f"{path} has filtered = {steps!r:.60}, no list of steps; correct or remove it")
    found["parameters"] = {_RENAMED.get(name, name): v for name, v in found["parameters"].items()}
    return found


def describe_filtering(
    provenance: str, options: Mapping[str, Any], num_filtered: int, places: Mapping[str, Path]
) -> str:
    """Return the provenance with a step of filtering added; nothing if there was no provenance.

    Parameters
    ----------
    provenance : str
        TOML.
    options : mapping
        Of the step; whatever is None, empty or false is left out.
    num_filtered : int
        Number of objects that were dropped.
    places : mapping
        Parameters that changed: where labels and table are now.
    """
    if not provenance:
        return ""
    given = {k: _plain(v) for k, v in options.items() if v not in (None, (), False)}
    try:
        known = parse_toml(provenance)
    except ConfigError as error:
        raise InputError(f"the table's provenance cannot be read (it {error}); remove it") from None
    before, own = known.get("filtered"), known.get("parameters")
    steps = [*(before if isinstance(before, list) else []), {"dropped": num_filtered, **given}]
    parameters = (own if isinstance(own, dict) else {}) | {n: str(path) for n, path in places.items()}
    return dump_plain({**known, "parameters": parameters, "filtered": steps})
