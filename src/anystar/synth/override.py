"""A recipe with some of its knobs changed, strictly."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from anystar.config import ConfigError, from_dict, nearest
from anystar.synth.recipes import Recipe, get_recipe

__all__ = ["load_recipe", "override"]

T = TypeVar("T")


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
    >>> changed = override(get_recipe("wide"), {"layout": {"diameter": [8, 12]}})
    >>> changed.layout.diameter, changed.layout.empty
    ((8.0, 12.0), 0.03)
    >>> override(get_recipe("wide"), {"layout": {"diametr": [8, 12]}})
    Traceback (most recent call last):
        ...
    anystar.config.ConfigError: unknown key 'layout.diametr'; did you mean 'diameter'?
    """
    assert dataclasses.is_dataclass(config)
    known = {f.name: f for f in dataclasses.fields(config)}
    changes: dict[str, Any] = {}
    for key, value in values.items():
        path = f"{where}{key}"
        if key not in known:
            raise ConfigError(f"unknown key '{path}'{nearest(key, known)}")
        current = getattr(config, key)
        if dataclasses.is_dataclass(current) and isinstance(value, Mapping):
            changes[key] = override(current, value, where=f"{path}.")
        else:  # converted by the class itself; what it requires besides is taken from what there is
            required = {
                f.name: getattr(config, f.name)
                for f in known.values()
                if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
            }
            parsed = from_dict(type(config), required | {key: value}, where=where)
            changes[key] = getattr(parsed, key)
    try:
        return dataclasses.replace(config, **changes)  # type: ignore[type-var]
    except ConfigError as error:
        raise ConfigError(f"{where}{error}") from None


def load_recipe(name: str, file: Path | None = None) -> Recipe:
    """Return the recipe ``name``, changed as a TOML file says.

    Raises
    ------
    ConfigError
        For an unknown recipe, or whatever :func:`override` refuses; messages name the file.
    """
    import tomllib

    recipe = get_recipe(name)
    if file is None:
        return recipe
    try:
        with open(file, "rb") as opened:
            return override(recipe, tomllib.load(opened))
    except FileNotFoundError:
        raise ConfigError(f"{file} does not exist; check the name") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not valid TOML: {error}; mend it") from None
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None
