import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anystar.config import dump_plain

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**60), 2**60)


@given(st.lists(NUMBERS, max_size=40), st.lists(st.lists(NUMBERS, max_size=3), max_size=40))
def test_arrays_of_any_length_are_read_back(numbers, rows):
    values = {"a": {"numbers": numbers, "name": "x"}, "rows": rows, "b": {"words": ["y"] * 20}}
    assert tomllib.loads(dump_plain(values)) == values


def test_a_long_array_of_what_toml_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        dump_plain({"a": [float("nan")] * 20})
