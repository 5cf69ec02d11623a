"""Candidates come back from the disk, all of them or those near a box."""

from dataclasses import replace

import numpy as np
import pytest

from anystar.blocks.candidate_store import StoredCandidates, read_candidates, write_candidates
from anystar.blocks.checksum import checksum_of_file
from anystar.errors import InputError
from anystar.geometry.nms import KEPT, UNDECIDED
from anystar.geometry.polyhedra import Polyhedra
from anystar.geometry.rays import golden_spiral

RAYS = golden_spiral(32)


@pytest.fixture
def rows():
    """Forty bodies in a volume of 50 voxels a side, in order of position."""
    rng = np.random.default_rng(0)
    return StoredCandidates.of(
        Polyhedra(
            rng.uniform(0, 50, (40, 3)).astype(np.float32),
            rng.uniform(2, 6, (40, 32)).astype(np.float32),
            RAYS,
            rng.uniform(0.3, 1, 40).astype(np.float32),
            spread=rng.uniform(0, 0.2, 40).astype(np.float32),
        )
    )


def test_rows_are_undecided_sorted_and_within_their_boxes(rows):
    assert (rows.status == UNDECIDED).all()
    np.testing.assert_array_equal(np.lexsort(rows.points.T[::-1]), np.arange(len(rows)))
    ends = rows.points[:, None] + rows.distances[..., None] * RAYS.vertices
    assert (ends >= rows.boxes[:, None, :3]).all()
    assert (ends <= rows.boxes[:, None, 3:]).all()
    assert rows.box == [*rows.boxes[:, :3].min(0), *rows.boxes[:, 3:].max(0)]


@pytest.mark.parametrize(
    "near", [None, [10.0, 10.0, 10.0, 20.0, 25.0, 30.0], [90.0, 0.0, 0.0, 95.0, 9.0, 9.0]]
)
def test_a_file_gives_the_rows_whose_boxes_meet_a_box(tmp_path, rows, near):
    rows = replace(rows, status=np.where(np.arange(len(rows)) % 3, UNDECIDED, KEPT).astype(np.uint8))
    check = write_candidates(tmp_path / "a", rows)
    assert check == checksum_of_file(tmp_path / "a")
    found, which = read_candidates(tmp_path / "a", RAYS, near)
    wanted = np.arange(len(rows))
    if near is not None:
        low, high = np.array(near[:3]), np.array(near[3:])
        wanted = np.flatnonzero(((rows.boxes[:, :3] <= high) & (rows.boxes[:, 3:] >= low)).all(1))
    np.testing.assert_array_equal(which, wanted)
    for name in ("points", "prob", "status", "boxes", "group", "spread", "distances"):
        np.testing.assert_array_equal(getattr(found, name), getattr(rows, name)[wanted])


def test_no_rows_at_all(tmp_path):
    none = StoredCandidates.of(Polyhedra(np.zeros((0, 3)), np.zeros((0, 32)), RAYS, np.zeros(0)))
    write_candidates(tmp_path / "a", none)
    found, _ = read_candidates(tmp_path / "a", RAYS)
    assert (len(found), found.box, found.reach) == (0, [], 0.0)


def test_a_file_of_another_program_is_refused(tmp_path, rows):
    write_candidates(tmp_path / "a", rows)
    text = (tmp_path / "a").read_bytes()
    place = text.rindex(b"\x93NUMPY\x01")
    (tmp_path / "a").write_bytes(text[:place] + b"\x93NUMPY\x02" + text[place + 7 :])
    with pytest.raises(InputError, match="was not written by this program; begin anew"):
        read_candidates(tmp_path / "a", RAYS)
