"""Write the pages of the reference that follow from the code, and resolve what docstrings refer to.

The pages are written before Sphinx looks for sources: the Python interface, the columns of the table, the
settings of training, the cards of the models and the exit codes.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import itertools
import re
import textwrap
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

PUBLIC = {
    "anystar": "The functions that most scripts need.",
    "anystar.io": "Files to volumes and back.",
    "anystar.objects": "The table of objects, filters over it, and measures of labels from anywhere.",
    "anystar.correction": "Labels that are edited by hand, with undo, kept on the disk.",
    "anystar.workflow": "From files to files: what the command line does.",
    "anystar.evaluate": "Scores against a ground truth.",
    "anystar.blocks": "Volumes larger than memory.",
    "anystar.train": "Training on synthetic or annotated volumes.",
    "anystar.dataset": "Synthetic data sets on the disk.",
    "anystar.timecourse": "Intensities of regions over time.",
    "anystar.preprocess": "What is done to intensities before the network sees them.",
    "anystar.predict.scale_search": "The search for object size and plane distance.",
    "anystar.errors": "What AnyStar raises on purpose.",
}
"""The public modules, each a page of the reference."""


def write_pages(folder: Path) -> None:
    """Write all pages into ``folder``; files that would not change are left alone, so builds are short."""
    pages = {f"{module}.rst": _module_page(module, text) for module, text in PUBLIC.items()}
    pages["api.rst"] = _list_of_modules()
    pages["columns.md"] = _columns()
    pages["training-settings.md"] = _settings()
    pages["search-settings.md"] = _search_settings()
    pages["models.md"] = _models()
    pages["exit-codes.md"] = _exit_codes()
    folder.mkdir(parents=True, exist_ok=True)
    for stale in {path.name for path in folder.iterdir()} - set(pages):
        (folder / stale).unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _heading(title: str, line: str = "=") -> str:
    return f"{title}\n{line * len(title)}\n\n"


def _list_of_modules() -> str:
    toc = "".join(f"   {module}\n" for module in PUBLIC)
    rows = "".join(f"* :doc:`{module}`: {text}\n" for module, text in PUBLIC.items())
    return (
        _heading("Python interface")
        + "Arrays are ZYX, lengths carry their unit in the name, and what is not listed here may change.\n\n"
        + f"{rows}\n.. toctree::\n   :hidden:\n\n{toc}"
    )


def _names(module: str) -> list[str]:
    """Return the public names of a module that no page before it documents."""
    found = importlib.import_module(module)
    names = [name for name in found.__all__ if not name.startswith("_")]
    before = list(PUBLIC)[: list(PUBLIC).index(module)]
    taken = [
        getattr(importlib.import_module(m), n) for m in before for n in importlib.import_module(m).__all__
    ]
    return [
        n for n in names if not inspect.ismodule(o := getattr(found, n)) and not any(o is t for t in taken)
    ]


def _module_page(module: str, text: str) -> str:
    found = importlib.import_module(module)
    parts = [_heading(module), text, "\n\n"]
    for name in _names(module):
        thing = getattr(found, name)
        if inspect.isclass(thing):
            kind = "autoexception" if issubclass(thing, Exception) else "autoclass"
            members = "   :members:\n" if thing.__module__.startswith("anystar") else ""
        else:
            kind, members = ("autofunction" if callable(thing) else "autodata"), ""
        parts.append(f"{_heading(name, '-')}.. {kind}:: {module}.{name}\n{members}\n")
    return "".join(parts)


def _cell(text: str) -> str:
    return " ".join(text.replace("``", "`").split()).replace("|", "\\|")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _columns() -> str:
    from anystar.objects import columns
    from anystar.objects.table import JOINED

    units = {
        "voxel": "voxels",
        "um": "µm",
        "um2": "µm²",
        "um3": "µm³",
        "edge": "shortest voxel edges",
        "image": "of the image",
    }
    rows = [
        (f"`{c.name}`", c.kind, units.get(c.unit, c.unit), _cell(c.meaning))
        for c in (*JOINED, *columns(channels=["GFP"], mask=True, num_rays=1, corrected=True))
    ]
    return _table(("column", "type", "unit", "meaning"), rows)


def _meanings(kind: type) -> dict[str, str]:
    """Return the strings below the fields of a dataclass."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body  # type: ignore[attr-defined]
    return {
        field.target.id: ast.literal_eval(text.value)
        for field, text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr)
    }


def _fields(kind: type, prefix: str = "") -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    told = _meanings(kind)
    for field in dataclasses.fields(kind):
        default: Any = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if dataclasses.is_dataclass(default) and not isinstance(default, type):
            rows += _fields(type(default), f"{prefix}{field.name}.")
            continue
        value = "" if default is dataclasses.MISSING or default is None else f"`{_plain(default)}`"
        rows.append((f"`{prefix}{field.name}`", value, _cell(_roles(told.get(field.name, "")))))
    return rows


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_plain(v) for v in value) + "]"
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else f"{value}"


def _roles(text: str) -> str:
    """Return a text without roles of reStructuredText."""
    return re.sub(r":\w+:`([^`]*)`", r"``\1``", text)


def _settings() -> str:
    from anystar.train import LabelledConfig, TrainConfig

    head = ("key", "default", "meaning")
    return (
        f"## Training\n\n{_table(head, _fields(TrainConfig))}\n"
        f"## Annotated volumes: the section `[labelled]`\n\n{_table(head, _fields(LabelledConfig))}"
    )


def _search_settings() -> str:
    from anystar.predict.scale_search import SearchConfig

    return _table(("field", "default", "meaning"), _fields(SearchConfig))


def _models() -> str:
    from click.testing import CliRunner

    from anystar.cli import main
    from anystar.predict import list_models

    parts = []
    for name in list_models():
        card = CliRunner().invoke(main, ["models", "show", name], catch_exceptions=False).output
        parts.append(f"## `{name}`\n\n```text\n{card.strip()}\n```\n")
    return "\n".join(parts)


def _exit_codes() -> str:
    from anystar.cli import group

    rows = [("`0`", "Everything was done.")]
    source = ast.parse(inspect.getsource(group)).body
    for code, text in itertools.pairwise(source):
        named = isinstance(code, ast.Assign) and isinstance(code.value, ast.Constant)
        if named and isinstance(text, ast.Expr) and isinstance(code.value.value, int):
            rows.append((f"`{code.value.value}`", _cell(ast.literal_eval(text.value))))
    return _table(("code", "meaning"), sorted(rows, key=lambda row: int(row[0].strip("`"))))


def _written_in(node: nodes.Node | None) -> list[str]:
    """Return the object whose docstring a node comes from, and what contains it, innermost first."""
    while node is not None and "docstring of " not in (node.source or ""):
        node = node.parent
    if node is None:
        return []
    parts = node.source.rpartition("docstring of ")[2].split(".")
    places = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    defined = [getattr(_find(place, []), "__module__", None) for place in places]
    return places + [module for module in defined if module]


def _find(name: str, starts: list[str]) -> Any:
    """Return the object that a docstring refers to, as seen from some modules and classes, or None."""
    for start in [*starts, ""]:
        path = f"{start}.{name}".strip(".").split(".")
        for cut in range(len(path), 0, -1):
            try:
                found: Any = importlib.import_module(".".join(path[:cut]))
                for part in path[cut:]:
                    found = getattr(found, part)
            except (ImportError, AttributeError, ValueError):
                continue
            return found
    return None


def _is_assigned(name: str, starts: list[str]) -> bool:
    """Return whether a class assigns an attribute to its instances."""
    owner, _, attribute = name.rpartition(".")
    places = [_find(owner, starts)] if owner else [_find(start, []) for start in starts]
    sources = [inspect.getsource(place) for place in places if inspect.isclass(place)]
    return any(re.search(rf"self\.{attribute}\b[^=\n]*=", source) for source in sources)


def _resolve(app: Sphinx, env: Any, node: Any, contnode: nodes.Node) -> nodes.Node | None:
    """Link a name of ours to where the site documents it; a name that only the code has is plain text.

    A name that does not exist stays an error.
    """
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"].lstrip(".~")
    found = _find(target, _written_in(node))
    if found is None:
        return contnode if _is_assigned(target, _written_in(node)) else None
    domain = env.get_domain("py")
    name = getattr(found, "__qualname__", target.rpartition(".")[2])
    for public in PUBLIC:
        full = f"{public}.{name}"
        if full in domain.objects and _find(full, []) is found:
            entry = domain.objects[full]
            uri = app.builder.get_relative_uri(node["refdoc"], entry.docname)
            return nodes.reference("", "", contnode, internal=True, refuri=f"{uri}#{entry.node_id}")
    return contnode


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx resolve names with this module."""
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
