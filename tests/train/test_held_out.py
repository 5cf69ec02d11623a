"""Parts of a volume that are held out, and labels of which only some were reviewed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anystar.train.held_out import hold_out_box, reviewed_labels
from tests.scenes import balls


@given(
    st.lists(st.tuples(*(st.integers(2, n - 3) for n in (20, 30, 40))), min_size=1, max_size=25),
    st.integers(0, 3),
)
def test_every_object_is_in_one_part_or_unknown(centres, radius):
    labels = balls((20, 30, 40), *((n, centre, radius) for n, centre in enumerate(centres, start=1)))
    labels[0, 0] = -1
    parts = hold_out_box(labels)
    num = len(np.unique(labels[labels > 0]))
    if parts is None:
        return
    training, held_out, box = parts
    assert num >= 6
    for part in (training, held_out):
        known = part >= 0
        np.testing.assert_array_equal(part[known], labels[known])
        for name in np.unique(part[part > 0]):  # whole
            assert (part == name).sum() == (labels == name).sum()
    assert not ((training >= 0) & (held_out >= 0)).any()
    inside = np.zeros(labels.shape, bool)
    inside[box] = True
    assert not (held_out[~inside] >= 0).any()
    divided = np.setdiff1d(training[inside & (training >= 0)], held_out)
    assert np.isin(training[inside], [-1, *divided]).all()  # a divided object is learnt from as a whole
    assert (training[~inside] == labels[~inside]).all()
    numbers = [len(np.unique(part[part > 0])) for part in (held_out, training)]
    assert 1 <= numbers[0] < numbers[1]
    assert sum(numbers) == num


def test_few_objects_are_all_learnt_from():
    assert hold_out_box(balls((20, 20, 60), *((n, (10, 10, 10 * n), 4) for n in range(1, 6)))) is None


def test_only_what_was_reviewed_is_known():
    labels = balls((20, 20, 60), (1, (10, 10, 10), 5), (7, (10, 10, 40), 5))
    known = reviewed_labels(labels, np.where(labels == 7, 1, 0))
    assert (known[labels == 7] == 7).all()
    assert (known[labels == 1] == -1).all()
    assert known[10, 10, 34] == 0  # a shell around it: somewhere it must end
    assert known[10, 10, 25] == -1
    confirmed = labels == 7
    confirmed[:, :, :2] = True
    assert (reviewed_labels(labels, confirmed)[:, :, :2] == 0).all()


def test_everything_reviewed_is_everything_known():
    labels = balls((20, 20, 20), (1, (10, 10, 10), 5))
    np.testing.assert_array_equal(reviewed_labels(labels, np.ones(labels.shape)), labels)


def test_the_shell_is_as_deep_in_micrometres_along_every_axis():
    grid = np.indices((11, 41, 41)) - np.array([5, 20, 20])[:, None, None, None]
    labels = (np.linalg.norm(grid * np.array([4, 1, 1])[:, None, None, None], axis=0) <= 12).astype(int)
    known = reviewed_labels(labels, labels, spacing=(4.0, 1.0, 1.0))
    assert known[9, 20, 20] == 0  # 4 um beyond the surface, of a diameter of 24
    assert known[10, 20, 20] == -1
    assert known[5, 20, 36] == 0
    assert known[5, 20, 38] == -1
