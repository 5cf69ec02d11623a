import dataclasses
import os
import tomllib
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anystar.config import ConfigError, dump_plain, load_toml

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**60), 2**60)


@given(st.lists(NUMBERS, max_size=40), st.lists(st.lists(NUMBERS, max_size=3), max_size=40))
def test_arrays_of_any_length_are_read_back(numbers, rows):
    values = {"a": {"numbers": numbers, "name": "x"}, "rows": rows, "b": {"words": ["y"] * 20}}
    assert tomllib.loads(dump_plain(values)) == values


def test_a_long_array_of_what_toml_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        dump_plain({"a": [float("nan")] * 20})


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Kinds:
    whole: int = 1
    real: float = 1.0
    flag: bool = False
    name: Literal["a", "b"] = "a"
    maybe: float | None = None


@pytest.mark.parametrize(
    "text",
    [
        "whole = 1.5",
        "whole = true",
        "whole = 99999999999999999999",
        "real = nan",
        "real = [1]",
        "real = 1979-05-27",
        f"real = {'9' * 400}",
        f"real = {'9' * 5000}",
        "flag = 1",
        "name = 1",
        "maybe = {a = 1}",
        "maybe = true",
        "other = 1",
        "whole = " + "[" * 20_000 + "]" * 20_000,
        "whole = ",
        "\0",
        "[whole]",
    ],
)
def test_values_of_wrong_types_depth_or_size_are_refused_with_the_file(tmp_path, text):
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_toml(_Kinds, path)
    assert str(path) in str(error.value)
    assert len(str(error.value)) < 600
    assert "\n" not in str(error.value)


def test_what_is_no_toml_file_is_refused(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\x00whole")
    os.mkfifo(tmp_path / "pipe.toml")
    for name in ("a.toml", "pipe.toml", "missing.toml", "."):
        with pytest.raises(ConfigError, match=r"; (correct it|give a TOML file|check the name)"):
            load_toml(_Kinds, tmp_path / name)
