"""No module imports another that imports it, neither inside a function nor for its types only."""

import pytest

from scripts.structure import cycles, find_imports


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
    imports = find_imports()
    assert len(imports) > 500
    assert cycles(imports) == []
