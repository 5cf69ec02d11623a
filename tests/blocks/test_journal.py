"""A journal keeps what was written, whatever happens to its end."""

import pytest

from anystar.blocks.journal import Journal


def written(path):
    journal = Journal(path)
    journal.add("network", 0, file=7)
    journal.add("network", 1, file=8)
    journal.add("labels", 0, objects=3)
    journal.close()
    return path.read_bytes()


def test_entries_survive_and_the_newest_counts(tmp_path):
    written(tmp_path / "journal")
    again = Journal(tmp_path / "journal")
    again.add("network", 1, file=9)
    again.forget("labels", 0)
    again.close()
    found = Journal(tmp_path / "journal")
    found.close()
    assert {n: entry["file"] for n, entry in found.of("network").items()} == {0: 7, 1: 9}
    assert found.entry("labels", 0) is None
    assert found.of("labels") == {}


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_line_that_was_cut_off_is_dropped_and_written_over(tmp_path, cut):
    path = tmp_path / "journal"
    whole = written(path)
    path.write_bytes(whole[:-cut])
    journal = Journal(path)
    assert journal.entry("labels", 0) is None
    assert len(journal.of("network")) == 2
    journal.add("labels", 0, objects=3)
    journal.close()
    assert path.read_bytes() == whole


def test_a_changed_line_counts_as_not_written(tmp_path):
    path = tmp_path / "journal"
    path.write_bytes(written(path).replace(b'"file": 8', b'"file": 6'))
    journal = Journal(path)
    journal.close()
    assert list(journal.of("network")) == [0]
    assert journal.entry("labels", 0) is not None
