"""Strict TOML to frozen dataclasses and back.

A configuration is a tree of frozen keyword-only dataclasses, each beside the code that it configures. An
unknown key is an error that names the nearest known one; missing keys keep their defaults.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import re
import tomllib
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from anystar.errors import ConfigError

__all__ = [
    "ConfigError",
    "check_range",
    "dump_plain",
    "dump_toml",
    "from_dict",
    "load_toml",
    "nearest",
    "override",
    "parse_toml",
    "read_toml",
    "to_dict",
]

T = TypeVar("T")

_BEYOND = 2**63
_LONG = 16
"""Numbers, or rows of them, from which an array is long."""


def nearest(name: str, known: typing.Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known name nearest to ``name``, or all known names.

    Examples
    --------
    >>> nearest("as-mx", ["as-mix", "wide"])
    "; did you mean 'as-mix'?"
    """
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known: {', '.join(sorted(known))}"


def check_range(name: str, value: tuple[float, float], low: float, high: float) -> None:
    """Raise :class:`ConfigError` unless ``low <= value[0] <= value[1] <= high``."""
    if len(value) != 2 or not low <= value[0] <= value[1] <= high:
        raise ConfigError(f"{name} must be [low, high] within [{low}, {high}], got {list(value)}")


def from_dict(cls: type[T], values: Mapping[str, Any], *, where: str = "") -> T:
    """Build the dataclass ``cls`` from nested mappings, strictly.

    Parameters
    ----------
    cls : type
        A dataclass; its fields' annotations decide how values are converted.
    values : mapping
        Keys are field names.
    where : str
        Dotted path of ``values`` in the whole configuration, for messages.

    Raises
    ------
    ConfigError
        For an unknown key, a value of the wrong type, or whatever the class itself refuses.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where.rstrip('.') or cls.__name__} must be a table, got {values!r:.100}")
    hints = typing.get_type_hints(cls)
    fields = {f.name for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
    kwargs = {}
    for key, value in values.items():
        path = f"{where}{key}"
        if key not in fields:
            raise ConfigError(f"unknown key '{path}'{nearest(key, fields)}")
        kwargs[key] = _convert(hints[key], value, path)
    for each in dataclasses.fields(cls):  # type: ignore[arg-type]
        default = (each.default, each.default_factory)
        if each.init and each.name not in kwargs and default == (dataclasses.MISSING, dataclasses.MISSING):
            raise ConfigError(f"the key '{where}{each.name}' is missing; add it")
    try:
        return cls(**kwargs)
    except ConfigError as error:
        raise ConfigError(f"{where}{error}" if where else str(error)) from None
    except TypeError as error:
        raise ConfigError(f"{where.rstrip('.') or cls.__name__}: {error}") from None


def override(config: T, values: Mapping[str, Any], *, where: str = "") -> T:
    """Return ``config``, a tree of dataclasses, with some values changed; all others stay.

    Parameters
    ----------
    config : dataclass
    values : mapping
        Nested as the dataclasses are.
    where : str
        Dotted path of ``values`` in the whole, for messages.

    Raises
    ------
    ConfigError
        For an unknown key (with the nearest one), a value of the wrong type or out of its range.

    Examples
    --------
    >>> from anystar.synth.recipes import get_recipe
    >>> changed = override(get_recipe("wide"), {"layout": {"diameter": [8, 12]}})
    >>> changed.layout.diameter, changed.layout.empty
    ((8.0, 12.0), 0.03)
    >>> override(get_recipe("wide"), {"layout": {"diametr": [8, 12]}})
    Traceback (most recent call last):
        ...
    anystar.errors.ConfigError: unknown key 'layout.diametr'; did you mean 'diameter'?
    """
    assert dataclasses.is_dataclass(config)
    known, hints = [f.name for f in dataclasses.fields(config)], typing.get_type_hints(type(config))
    changes: dict[str, Any] = {}
    for key, value in values.items():
        path = f"{where}{key}"
        if key not in known:
            raise ConfigError(f"unknown key '{path}'{nearest(key, known)}")
        current = getattr(config, key)
        if dataclasses.is_dataclass(current):
            if not isinstance(value, Mapping):
                raise ConfigError(f"{path} must be a table of its keys, [{path}], got {value!r}")
            changes[key] = override(current, value, where=f"{path}.")
        else:
            changes[key] = _convert(hints[key], value, path)
    try:
        return dataclasses.replace(config, **changes)  # type: ignore[type-var]
    except ConfigError as error:
        raise ConfigError(f"{where}{error}") from None


def _convert(hint: Any, value: Any, path: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        errors = []
        for option in (a for a in args if a is not type(None)):
            try:
                return _convert(option, value, path)
            except ConfigError as error:
                errors.append(str(error))
        raise ConfigError(errors[0])
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        return from_dict(typing.cast(type, hint), value, where=f"{path}.")
    if origin is tuple and isinstance(value, list | tuple):
        inner = args[:1] * len(value) if args[-1] is Ellipsis else args
        if len(inner) != len(value):
            raise ConfigError(f"{path} must have {len(inner)} values, got {len(value)}")
        return tuple(
            _convert(h, v, f"{path}[{i}]") for i, (h, v) in enumerate(zip(inner, value, strict=True))
        )
    if origin is typing.Literal:
        if not any(value == known and type(value) is type(known) for known in args):
            raise ConfigError(f"{path} must be one of {', '.join(map(repr, args))}, got {value!r:.100}")
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _BEYOND:
        raise ConfigError(f"{path} must be less than 2^63 in size")
    if isinstance(value, float) and math.isnan(value):
        raise ConfigError(f"{path} must be a number, got nan")
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    name = getattr(hint, "__name__", str(hint))
    raise ConfigError(f"{path} must be {name}, got {value!r:.100}")


def to_dict(config: Any) -> dict[str, Any]:
    """Return a dataclass tree as plain dictionaries and lists, without ``None`` (TOML has none)."""

    def plain(value: Any) -> Any:
        if dataclasses.is_dataclass(value):
            pairs = ((f.name, getattr(value, f.name)) for f in dataclasses.fields(value))
            return {k: plain(v) for k, v in pairs if v is not None}
        if isinstance(value, tuple | list):
            return [plain(v) for v in value]
        return value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value

    return plain(config)


def load_toml(cls: type[T], path: str | Path) -> T:
    """Read a TOML file into ``cls``; messages name the file."""
    return read_toml(path, lambda values: from_dict(cls, values))


def read_toml(path: str | Path, make: Callable[[dict[str, Any]], T]) -> T:
    """Return what ``make`` makes of a TOML file.

    Raises
    ------
    ConfigError
        If the file is missing or no TOML, or for what ``make`` refuses; the message names the file.
    """
    place = Path(path)
    if not place.exists():
        raise ConfigError(f"{path} does not exist; check the name")
    if not place.is_file():
        raise ConfigError(f"{path} is no regular file; give a TOML file")
    try:
        return make(parse_toml(place.read_bytes()))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def parse_toml(text: str | bytes) -> dict[str, Any]:
    """Return what a TOML text holds.

    Raises
    ------
    ConfigError
        If it is no TOML or no UTF-8, or has numbers or nesting beyond what Python reads.
    """
    try:
        return tomllib.loads(text.decode() if isinstance(text, bytes) else text)
    except RecursionError:
        raise ConfigError("is not valid TOML: it is nested too deeply; correct it") from None
    except ValueError as error:
        raise ConfigError(f"is not valid TOML: {' '.join(str(error).split())[:200]}; correct it") from None


def dump_toml(config: Any) -> str:
    """Return the configuration as TOML text; ``load_toml`` of it gives an equal object."""
    return dump_plain(to_dict(config))


def dump_plain(values: Mapping[str, Any]) -> str:
    """Return nested plain values as TOML text.

    Long arrays of numbers are written as JSON, which is TOML too: tomlkit takes seconds for some thousands.
    """
    import tomlkit

    long: list[str] = []

    def short(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: short(inner) for key, inner in value.items()}
        if isinstance(value, list) and len(value) > _LONG and isinstance(value[0], float | int | list):
            long.append(json.dumps(value, allow_nan=False))
            return f"\0{len(long) - 1}\0"
        return value

    text = tomlkit.dumps(short(values))
    return re.sub(r'"\\u0000(\d+)\\u0000"', lambda found: long[int(found[1])], text)
