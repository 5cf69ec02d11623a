"""Print the size and the shape of the code: ``python scripts/structure.py [REPOSITORY]``.

Lines are those of the files, comments and blank lines included; a function's lines include its docstring. A
name counts as defined in two modules or more if it is a function or class at the top level of each.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import grimp
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

LONG_FILE, LONG_FUNCTION = 400, 60


def cycles(imports: Iterable[tuple[str, str]]) -> list[set[str]]:
    """Return the sets of modules that can each be reached from each other along ``(importer, imported)``."""
    edges = [pair for pair in imports if pair[0] != pair[1]]
    names = sorted({name for pair in edges for name in pair})
    row = {name: number for number, name in enumerate(names)}
    at = np.array([[row[a], row[b]] for a, b in edges]).reshape(-1, 2)
    graph = csr_array((np.ones(len(at)), (at[:, 0], at[:, 1])), shape=(len(names), len(names)))
    _, label = connected_components(graph, connection="strong")
    groups = [{names[i] for i in np.flatnonzero(label == which)} for which in np.unique(label)]
    return sorted((group for group in groups if len(group) > 1), key=min)


def find_imports() -> list[tuple[str, str]]:
    """Return who imports whom in the package: at the top, in functions, and under ``TYPE_CHECKING``."""
    graph = grimp.build_graph("anystar", cache_dir=None)
    return [(a, b) for a in graph.modules for b in graph.find_modules_directly_imported_by(a)]


def structure(package: Path) -> dict[str, float]:
    """Return the numbers by name, import cycles aside."""
    lines, functions, names = {}, [], Counter[str]()
    for path in sorted(package.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        tree, lines[path] = ast.parse(text), text.count("\n")
        functions += [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        names.update({n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)})
    sizes = [(f.end_lineno or f.lineno) - f.lineno + 1 for f in functions]
    return {
        "files": len(lines),
        "lines of src": sum(lines.values()),
        "lines of cli": sum(n for path, n in lines.items() if path.is_relative_to(package / "cli")),
        "median lines of a file that is not empty": statistics.median(n for n in lines.values() if n),
        f"files over {LONG_FILE} lines": sum(n > LONG_FILE for n in lines.values()),
        "functions": len(sizes),
        f"functions over {LONG_FUNCTION} lines": sum(n > LONG_FUNCTION for n in sizes),
        "names defined in two modules or more": sum(count > 1 for count in names.values()),
    }


def main(repository: Path) -> None:
    """Print the numbers of a repository, the number first."""
    found = structure(repository / "src" / "anystar")
    sys.path.insert(0, str(repository / "src"))
    found["modules in import cycles"] = sum(map(len, cycles(find_imports())))
    for name, value in found.items():
        print(f"{value:>8,.6g}  {name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent)
