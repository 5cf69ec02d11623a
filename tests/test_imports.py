"""No module imports another that imports it, neither inside a function nor for its types only."""

from collections.abc import Iterable

import grimp
import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

# To be resolved: once a module is in no cycle any more, it is taken off this list.
KNOWN = [
    {f"anystar.predict.{name}" for name in ("gaps", "normalise", "sample", "view")},
    {f"anystar.predict.{name}" for name in ("model", "pyramid", "scale")},
]


def cycles(imports: Iterable[tuple[str, str]]) -> list[set[str]]:
    """The sets of modules that can each be reached from each other along ``(importer, imported)``."""
    edges = [pair for pair in imports if pair[0] != pair[1]]
    names = sorted({name for pair in edges for name in pair})
    row = {name: number for number, name in enumerate(names)}
    at = np.array([[row[a], row[b]] for a, b in edges]).reshape(-1, 2)
    graph = csr_array((np.ones(len(at)), (at[:, 0], at[:, 1])), shape=(len(names), len(names)))
    _, label = connected_components(graph, connection="strong")
    groups = [{names[i] for i in np.flatnonzero(label == which)} for which in np.unique(label)]
    return sorted((group for group in groups if len(group) > 1), key=min)


@pytest.mark.parametrize(
    ("imports", "expected"),
    [
        ("ab bc ac", []),
        ("ab bc ca cd", [{"a", "b", "c"}]),
        ("ab ba cd dc bd", [{"a", "b"}, {"c", "d"}]),
    ],
)
def test_cycles_are_found(imports, expected):
    assert cycles((pair[0], pair[1]) for pair in imports.split()) == expected


def test_no_module_is_in_an_import_cycle():
    graph = grimp.build_graph(
        "anystar", cache_dir=None
    )  # includes imports under TYPE_CHECKING and in functions
    imports = [(a, b) for a in graph.modules for b in graph.find_modules_directly_imported_by(a)]
    assert len(imports) > 500
    assert cycles(imports) == KNOWN
