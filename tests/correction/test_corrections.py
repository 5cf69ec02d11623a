"""Edits of a segmentation: what they change, what they leave, and that all of it can be undone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import anystar
from anystar.arrays import Volume
from anystar.correction import Corrections, run_around
from anystar.errors import InputError
from anystar.workflow.correcting import correction_outputs, save_corrections
from tests.correction.scenes import (
    PLACES,
    SHAPE,
    assert_consistent,
    assert_same,
    labels_of_four,
    result_of_four,
    snapshot,
)
from tests.predict.stub import stub_model
from tests.scenes import balls

POINT = st.tuples(*(st.integers(-2, n + 1) for n in SHAPE))
LABEL = st.sampled_from([0, 1, 2, 3, 5, 9, 10, 11, 12])
EDITS = st.one_of(
    st.tuples(st.just("add_at"), POINT),
    st.tuples(st.just("delete"), LABEL),
    st.tuples(st.just("merge"), st.lists(LABEL, max_size=3)),
    st.tuples(st.just("split"), LABEL, POINT, POINT),
    st.tuples(st.just("refit"), LABEL),
    st.tuples(st.just("paint"), POINT, LABEL, st.integers(0, 5), st.booleans()),
    st.tuples(st.just("review"), LABEL),
    st.tuples(st.just("review_box"), POINT),
    st.tuples(st.just("undo")),
    st.tuples(st.just("redo")),
)


def brush(point, radius):
    """The voxels of one plane around a point."""
    return np.nonzero(balls(SHAPE, (1, point, radius)) * (np.indices(SHAPE)[0] == point[0]))


def make(corrections, edit):
    """Carry out an edit; return the labels that it may change, None if it is an undo or a redo."""
    kind, *how = edit
    before = set(corrections.rows)
    try:
        if kind == "paint":
            point, label, radius, over = how
            where = brush(point, radius)
            there = np.unique(corrections.labels[where]).tolist() if over or not label else []
            corrections.paint(where, label, over=over)
            return {label, *there}
        if kind == "review":
            corrections.review(how)
            return set()
        if kind == "review_box":
            corrections.review_box(tuple(slice(p, p + 15) for p in how[0]))
            return set()
        change = getattr(corrections, kind)(*how)
    except InputError:
        return set()
    if kind in ("undo", "redo"):
        return None
    assert set(change.labels) <= before | set(corrections.rows)
    return set(change.labels)


@given(st.lists(EDITS, max_size=8))
@settings(max_examples=60)
def test_edits_touch_only_what_they_name_and_can_all_be_undone(edits):
    corrections = Corrections.of_labels(labels_of_four())
    states = [snapshot(corrections)]  # after each edit that is not undone, and those that were undone
    for edit in edits:
        before = corrections.labels.copy()
        touched = make(corrections, edit)
        assert_consistent(corrections)
        num = len(corrections.history)
        if touched is None:
            assert_same(corrections, states[num])
            continue
        others = ~np.isin(before, list(touched | {0}))
        np.testing.assert_array_equal(corrections.labels[others], before[others])
        if not corrections.can_redo:
            states = [*states[:num], snapshot(corrections)]
    while corrections.can_undo:
        corrections.undo()
        assert_same(corrections, states[len(corrections.history)])
    np.testing.assert_array_equal(corrections.labels, labels_of_four())
    while corrections.can_redo:
        corrections.redo()
    assert_consistent(corrections)


def test_changes_lie_in_the_box_that_is_returned():
    corrections = Corrections.of_labels(labels_of_four())
    for edit in (
        lambda: corrections.delete(1),
        lambda: corrections.merge([5, 9]),
        lambda: corrections.split(9, (12, 29, 14), (12, 29, 26)),
        lambda: corrections.paint(brush((12, 10, 10), 3), 7),
        lambda: corrections.refit(7),
        corrections.undo,
        corrections.undo,
        corrections.redo,
    ):
        before = corrections.labels.copy()
        change = edit()
        outside = np.ones(SHAPE, bool)
        outside[change.box] = False
        np.testing.assert_array_equal(corrections.labels[outside], before[outside])
        assert outside.mean() > 0.5


def test_a_click_adds_the_candidate_below_the_threshold():
    result = result_of_four()
    corrections = Corrections.of(result)
    assert len(corrections.rows) == 3
    change = corrections.add_at(PLACES[3])
    (label,) = change.labels
    row = corrections.rows[label]
    assert (row.provenance, row.reviewed) == ("added", True)
    assert 0.1 <= row.probability < 0.5
    np.testing.assert_allclose(row.centroid, PLACES[3], atol=1.5)
    assert row.volume == pytest.approx(corrections.rows[1].volume, rel=0.15)
    assert len(result.objects) == 3
    assert result.labels.max() == 3  # the segmentation itself stays as it was
    with pytest.raises(InputError, match=f"object {label} is there already"):
        corrections.add_at(PLACES[3])


def test_of_a_box_the_candidates_and_the_image_lie_at_their_place(tmp_path):
    corrections = Corrections.of(result_of_four(box=(slice(4, 22), slice(18, 40), slice(0, 40))))
    assert corrections.labels.shape == corrections.image.shape == (18, 22, 40)
    faint = tuple(p - s for p, s in zip(PLACES[3], (4, 18, 0), strict=True))
    assert corrections.label_at(faint) == 0
    change = corrections.add_at(faint)
    whole = Corrections.of(result_of_four())
    whole.add_at(PLACES[3])
    expected = whole.labels[4:22, 18:, :] == whole.label_at(PLACES[3])
    np.testing.assert_array_equal(corrections.labels == change.labels[0], expected)
    save_corrections(corrections, correction_outputs(tmp_path / "box.ome.tif"))
    assert anystar.read_labels(tmp_path / "box.ome.tif").shape == (18, 22, 40)


def test_a_click_on_nothing_runs_the_model_around_it():
    volume = Volume(data=(200 * (balls(SHAPE, (1, (12, 20, 20), 4)) > 0)).astype(np.uint8), spacing=(1, 1, 1))
    corrections = Corrections.of_labels(np.zeros(SHAPE, int), volume)
    with pytest.raises(InputError, match="paint it instead"):
        corrections.add_at((12, 20, 20))
    points = []

    def propose(point):
        points.append(point)
        return run_around(stub_model(radius=6.0), volume.data, corrections.voxel_size, diameter=12)(point)

    corrections.add_at((12.2, 19.8, 20), propose=propose)
    assert points == [(12, 20, 20)]
    assert len(corrections.rows[1].distances) == 96  # those of the correction, not the 32 of the model
    assert corrections.rows[1].probability > 0.1
    assert len(corrections.table()) == 1
    np.testing.assert_allclose(corrections.rows[1].centroid, (12, 20, 20), atol=1.5)


def test_the_larger_half_keeps_its_number_and_the_cut_follows_the_neck():
    spacing = (3.0, 1.0, 1.0)
    grid = np.indices((11, 40, 60)) * np.array(spacing)[:, None, None, None]
    labels = np.zeros((11, 40, 60), np.int32)
    for x, radius in ((18, 14), (38, 9)):
        middle = np.array([15, 20, x])[:, None, None, None]
        labels[np.linalg.norm(grid - middle, axis=0) <= radius] = 4
    corrections = Corrections.of_labels(Volume(data=labels, spacing=spacing))
    corrections.split(4, (5, 20, 20), (5, 20, 42))
    ends = np.nonzero((corrections.labels == 5).any(axis=(0, 1)))[0]
    assert 30 <= ends.min() <= 33  # where the balls meet
    assert corrections.rows[4].volume > corrections.rows[5].volume
    assert {corrections.rows[4].provenance, corrections.rows[5].provenance} == {"split"}
    corrections.merge([5, 4])
    np.testing.assert_array_equal(corrections.labels, labels)


def test_refitting_a_sketch_makes_a_body():
    corrections = Corrections.of_labels(np.zeros(SHAPE, int))
    corrections.paint(brush((12, 20, 20), 6), 1)
    assert corrections.rows[1].bbox[:1] + corrections.rows[1].bbox[3:4] == (12, 13)
    corrections.refit(1)
    whole = balls(SHAPE, (1, (12, 20, 20), 6)) > 0
    drawn = corrections.labels == 1
    assert (whole & drawn).sum() / (whole | drawn).sum() > 0.9
    assert corrections.rows[1].provenance == "refitted"


def test_a_body_leaves_its_neighbours_their_voxels():
    corrections = Corrections.of_labels(labels_of_four())
    corrections.paint(np.nonzero(corrections.labels == 9), 0)
    corrections.paint(brush((12, 29, 26), 9), 3)
    before = corrections.labels.copy()
    corrections.refit(3)
    np.testing.assert_array_equal(corrections.labels[before == 5], 5)
    assert corrections.rows[3].volume > 2000


def test_painting_over_others_is_their_edit_too():
    corrections = Corrections.of_labels(labels_of_four())
    corrections.paint(np.nonzero(np.isin(corrections.labels, (1, 2))), 2, over=True)
    assert sorted(corrections.rows) == [2, 5, 9]
    corrections.undo()
    assert sorted(corrections.rows) == [1, 2, 5, 9]
    assert corrections.paint(brush((12, 10, 10), 3), 2) is None  # object 1 is there


def test_the_table_has_the_origin_of_every_object(tmp_path):
    result = result_of_four()
    corrections = Corrections.of(result)
    corrections.add_at(PLACES[3])
    corrections.delete(2)
    table = corrections.table()
    assert table["provenance"].tolist() == ["found", "found", "added"]
    assert table["reviewed"].tolist() == [False, False, True]
    # What was not edited is measured as before.
    own = result.table()
    for name in ("volume_vox", "surface_vox", "sphericity", "intensity_mean", "touches_border"):
        np.testing.assert_array_equal(table[name][:2], own[name][[0, 2]])
    for ending in (".csv", ".parquet"):
        path = tmp_path / f"table{ending}"
        anystar.write_table(path, table)
        read, _ = anystar.read_table(path)
        assert list(read) == list(table)
        assert read["provenance"].tolist() == table["provenance"].tolist()
        assert read["reviewed"].tolist() == table["reviewed"].tolist()
    anystar.write(tmp_path / "labels.tif", corrections)
    np.testing.assert_array_equal(anystar.read_labels(tmp_path / "labels.tif").data, corrections.labels)


def test_an_empty_correction_has_an_empty_table():
    table = Corrections.of_labels(np.zeros(SHAPE, int)).table()
    assert len(table) == 0
    assert "provenance" in table


def test_reviewed_is_what_was_made_changed_or_confirmed():
    corrections = Corrections.of_labels(labels_of_four())
    corrections.delete(1)
    np.testing.assert_array_equal(corrections.reviewed, labels_of_four() == 1)
    corrections.review([2])
    assert corrections.rows[2].reviewed
    corrections.review_box((slice(0, 24), slice(20, 40), slice(0, 20)))
    assert corrections.rows[5].reviewed
    assert not corrections.rows[9].reviewed
    assert corrections.reviewed[0, 30, 5]
    assert not corrections.reviewed[0, 5, 30]
    corrections.review()
    assert corrections.reviewed.all()
    assert all(row.reviewed for row in corrections.rows.values())


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda c: c.delete(77), "no object 77"),
        (lambda c: c.merge([1]), "two objects"),
        (lambda c: c.split(1, (12, 10, 10), (12, 10, 10)), "same voxel"),
        (lambda c: c.add_at((99, 0, 0)), "outside"),
        (lambda c: c.review_box((slice(90, 99),) * 3), "outside"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_changes(edit, message):
    corrections = Corrections.of_labels(labels_of_four())
    before = snapshot(corrections)
    with pytest.raises(InputError, match=message):
        edit(corrections)
    assert_same(corrections, before)
    assert not corrections.can_undo
