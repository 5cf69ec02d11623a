"""Ranges of numbers in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anystar.timecourse.remarks import ranges


@given(st.sets(st.integers(0, 30), max_size=8))
def test_ranges_have_exactly_the_numbers(numbers):
    text, found = ranges(numbers), set()
    listed, _, more = text.partition(" and ")
    for part in listed.split(", ") if listed else []:
        first, _, last = part.partition(" to ")
        found.update(range(int(first), int(last or first) + 1))
    assert found <= numbers
    assert (found == numbers) == (not more)


@pytest.mark.parametrize(
    ("numbers", "text"), [([], ""), ([4, 4], "4"), (range(0, 20, 2), "0, 2, 4, 6, 8, 10 and 4 more")]
)
def test_many_are_cut(numbers, text):
    assert ranges(numbers) == text
