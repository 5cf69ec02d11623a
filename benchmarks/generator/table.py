"""Every knob of a recipe with its meaning, as Markdown: ``python -m benchmarks.generator.table wide``."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import sys
import textwrap
from typing import Any

from anystar.synth.recipes import get_recipe


def meanings(kind: type) -> dict[str, str]:
    """Return the strings under the fields of a dataclass and its bases."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if not dataclasses.is_dataclass(base):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0].body
        for field, text in itertools.pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                found[field.target.id] = " ".join(ast.literal_eval(text.value).split())
    return found


def rows(config: Any, where: str) -> list[str]:
    lines, told = [], meanings(type(config))
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        path = f"{where}{field.name}"
        if dataclasses.is_dataclass(value):
            summary = inspect.getdoc(type(value)).split("\n\n")[0].replace("\n", " ")
            lines.append(f"| **`{path}`** | | {summary} |")
            lines += rows(value, f"{path}.")
        elif value is not None:
            shown = f"{value[0]:g} to {value[1]:g}" if _is_range(value) else f"{value}"
            lines.append(f"| `{path}` | {shown} | {told.get(field.name, '')} |")
    return lines


def _is_range(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, int | float) for v in value)


if __name__ == "__main__":
    print("\n".join(["| knob | value | what it does |", "|---|---|---|", *rows(get_recipe(sys.argv[1]), "")]))
