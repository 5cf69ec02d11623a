"""Short descriptions for consoles and notebooks."""

import pytest

from anystar.display import as_html, as_text, length


def test_html_has_the_facts_of_the_text_and_escapes_them():
    facts = {"name": "a<b>&c", "size": "3"}
    page = as_html("T & t", facts)
    assert "T &amp; t" in page
    assert "a&lt;b&gt;&amp;c" in page
    assert page.count("<tr>") == len(as_text("T", facts).splitlines()) - 1 == 2


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0 nm"), (0.0004, "0.4 nm"), (1.0, "1 µm"), (999.4, "999 µm"), (1000.0, "1 mm")]
)
def test_a_length_has_the_unit_that_suits_it(value, text):
    assert length(value, "um") == text
