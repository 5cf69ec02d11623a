"""A manifest lists what was made, in any order, and ends in order."""

import json

import pytest

from anystar.dataset.manifest import Manifest
from anystar.errors import InputError

HEAD = {"recipe": "wide", "seed": 3, "shape": [8, 8, 8], "config": {"a": 1}}


def made(folder, *indices):
    manifest = Manifest(folder, HEAD)
    manifest.begin()
    for index in indices:
        manifest.add(index, {"layout": index})
    return manifest


def test_an_interrupted_run_ends_with_the_same_file(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    made(one, 0, 1, 2).finish()
    path = made(other, 2, 0).path
    path.write_text(path.read_text() + '{"index": 1, "lay')  # killed within a line
    again = Manifest(other, HEAD)
    assert sorted(again.samples) == [0, 2]
    again.begin()
    again.add(1, {"layout": 1})
    again.finish()
    assert path.read_text() == (one / "manifest.jsonl").read_text()
    assert [json.loads(line).get("index") for line in path.read_text().splitlines()] == [None, 0, 1, 2]


@pytest.mark.parametrize(
    ("change", "words"),
    [({"seed": 4}, "seed 3 instead of 4"), ({"config": {"a": 2}}, "other knobs of the recipe")],
)
def test_samples_of_another_kind_are_refused(tmp_path, change, words):
    made(tmp_path, 0).finish()
    with pytest.raises(InputError, match=f"holds samples of {words}; choose another folder"):
        Manifest(tmp_path, HEAD | change)


def test_another_file_is_refused(tmp_path):
    (tmp_path / "manifest.jsonl").write_text("a text\n")
    with pytest.raises(InputError, match="is not a manifest of anystar synthesize"):
        Manifest(tmp_path, HEAD)
