"""Candidates together keep all rows and each note once."""

import numpy as np

from anystar.geometry.rays import golden_spiral
from anystar.predict.candidates import Candidates
from anystar.predict.notes import Note

RAYS = golden_spiral(32)


def some(num, *notes):
    return Candidates(
        points=np.full((num, 3), num, np.float32),
        prob=np.full(num, num / 10, np.float32),
        distances=np.full((num, 32), num, np.float32),
        rays=RAYS,
        floor=0.1,
        notes=notes,
    )


def test_parts_are_joined_in_order_with_each_note_once():
    one, other = Note("memory", "in halves"), Note("threshold", "raised")
    whole = Candidates.joined([some(2, one), some(0), some(3, other, one)])
    assert whole.prob.tolist() == np.float32([0.2, 0.2, 0.3, 0.3, 0.3]).tolist()
    assert whole.points[:, 0].tolist() == [2, 2, 3, 3, 3]
    assert (whole.notes, whole.floor) == ((one, other), 0.1)


def test_none_can_be_joined_and_taken_from():
    none = Candidates.none(RAYS, 0.2)
    assert (len(none), none.floor, none.distances.shape) == (0, 0.2, (0, 32))
    assert len(Candidates.joined([none, some(1)])) == 1
    assert len(none.take(none.prob > 0.5)) == 0
