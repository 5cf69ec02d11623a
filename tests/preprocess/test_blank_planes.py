"""Blank planes are filled in from the planes beside, and nothing else is touched."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anystar.preprocess import Preprocessing, blank_planes, subsample
from anystar.preprocess.blank_planes import BlankPlanes, FilledPlanes, find_blank_planes
from anystar.preprocess.subsample import take_subsample
from tests.predict.stub import stub_model
from tests.scenes import Counted, lit, texture

SHAPE = (24, 80, 90)


def noise(shape=SHAPE, dtype=np.uint16):
    return np.random.default_rng(0).integers(1, 200, shape).astype(dtype)


def without(image, planes, value=0):
    image = image.copy()
    image[list(planes)] = value
    return image


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("value", [0, 50])
def test_blank_planes_between_others_are_found(dtype, value):
    image = without(noise(dtype=dtype), [0, 1, 4, 9, 10, 11, 12, 13, 16, 23], value)
    assert (
        find_blank_planes(image)
        == find_blank_planes(image, take_subsample(image))
        == ((4, 5), (9, 14), (16, 17))
    )


def test_what_is_left_alone():
    """Long runs, planes with anything in them, what is as blank as its neighbours, mostly blank volumes."""
    assert find_blank_planes(without(noise(), range(9, 15))) == ()
    spot = without(noise(), [5])
    spot[5, 0, 3] = 1  # far from the middle
    assert find_blank_planes(spot) == ()
    clipped = noise()
    clipped[np.random.default_rng(1).random(SHAPE) < 0.6] = 0
    assert find_blank_planes(without(clipped, [5])) == ()
    assert find_blank_planes(without(clipped, [5], 7)) == ((5, 6),)
    one_side = without(noise(), [5])
    one_side[6, :50] = 0
    assert find_blank_planes(one_side) == ()
    assert find_blank_planes(without(noise(), range(0, 24, 2))) == tuple((z, z + 1) for z in range(2, 24, 2))
    assert find_blank_planes(without(noise(), {*range(1, 24, 2), 12})) == ()
    assert find_blank_planes(np.zeros(SHAPE)) == ()


def test_planes_are_filled_in_linearly():
    image = without(noise(), [4, 9, 10])
    filled = FilledPlanes(image, find_blank_planes(image))[:, :, :]
    assert filled.dtype == image.dtype
    np.testing.assert_array_equal(filled[4], np.rint((image[3] + image[5]) / 2))
    np.testing.assert_array_equal(filled[10], np.rint(image[8] / 3 + image[11] * 2 / 3))
    others = [z for z in range(24) if z not in (4, 9, 10)]
    np.testing.assert_array_equal(filled[others], image[others])
    assert not image[[4, 9, 10]].any()


@given(start=st.integers(0, 23), length=st.integers(1, 24), step=st.integers(1, 5), row=st.integers(0, 70))
def test_any_part_is_that_of_the_whole(start, length, step, row):
    image = without(noise(), [4, 9, 10, 20])
    filled = FilledPlanes(image, ((4, 5), (9, 11), (20, 21)))
    box = slice(start, start + length, step), slice(row, row + 9, step), slice(None, None, 3)
    np.testing.assert_array_equal(filled[box], filled[:, :, :][box])


def test_little_of_a_large_image_is_read_for_it(monkeypatch):
    monkeypatch.setattr(subsample, "SCANNED", 1000)
    image = Counted(noise((40, 600, 600)))
    taken = take_subsample(image)
    image.voxels = 0
    assert find_blank_planes(image, taken) == ()
    assert image.voxels == 40 * 64 * 64
    image = Counted(without(image.data, [20]))
    assert find_blank_planes(image, taken) == ((20, 21),)
    assert image.voxels < 40 * 64 * 64 + 5 * 600 * 600


def test_thick_chunks_are_read_once(monkeypatch):
    """Planes that are constant in the middle, where a file stores 16 together."""
    monkeypatch.setattr(blank_planes, "SLAB", 16)
    data = noise((64, 128, 96))
    data[5:30, 30:100] = 0
    image = Counted(without(data, [50]))
    assert find_blank_planes(image) == ((50, 51),)
    middle, whole, beside = 64 * 64 * 64, (64 + 2) * 128 * 96, 2 * 128 * 96 + 1
    assert image.voxels <= middle + whole + beside
    monkeypatch.setattr(blank_planes, "STRIP_BYTES", 16 * 96 * 2 * 8)
    strips = Counted(image.data)
    assert find_blank_planes(strips) == ((50, 51),)
    assert strips.voxels < image.voxels, "the first strip tells"


def test_the_largest_integers_do_not_wrap():
    image = np.full((3, 4, 4), 2**64 - 1, np.uint64)
    image[1] = 0
    assert (FilledPlanes(image, ((1, 2),))[1:2, :, :] > 2**63).all()


def test_intensities_are_measured_on_what_is_filled_in():
    image = texture(0, (32, 60, 56))
    how = {"diameter": 6.6, "prob_thresh": 0.25, "spacing": (1, 1, 1)}
    result = stub_model(radius=4.0).segment(without(image, [7, 8, 20]), **how)
    blank, filled = (
        without(image, [7, 8, 20]),
        FilledPlanes(without(image, [7, 8, 20]), result.preprocessing.blank_planes.runs)[:, :, :],
    )
    table = result.table(blank)
    means = [filled[result.labels == label].mean() for label in table["label"]]
    np.testing.assert_allclose(table["intensity_mean"], means, rtol=1e-5)


def test_blank_planes_change_neither_limits_nor_illumination():
    whole = lit((32, 96, 144), np.linspace(1.0, 0.5, 144))
    blank = without(whole, [3, 12, 13])
    fitted, plain = Preprocessing.fit(blank), Preprocessing.fit(whole)
    assert fitted.blank_planes.runs == ((3, 4), (12, 14))
    assert fitted.limits == pytest.approx(plain.limits, rel=0.02, abs=0.02)
    kept = [z for z in range(32) if z not in (3, 12, 13)]
    here, there = fitted.apply(blank).image[:, :, :], plain.apply(whole).image[:, :, :]
    np.testing.assert_allclose(here[kept], there[kept], atol=0.05)


def test_objects_are_found_through_blank_planes_and_said_to_be():
    image = texture(0, (32, 60, 56))
    how = {"diameter": 6.6, "prob_thresh": 0.25, "spacing": (1, 1, 1)}
    model = stub_model(radius=4.0)
    whole, result = model.segment(image, **how), model.segment(without(image, [7, 8, 20]), **how)
    (note,) = result.notes
    assert note.kind == "blank_planes"
    assert note.text == "3 blank planes are filled in from the planes beside (Z, from 0: 7-8, 20)"
    assert len(result.objects) == pytest.approx(len(whole.objects), rel=0.1)
    agree = (result.labels > 0) == (whole.labels > 0)
    assert agree[[7, 8, 20]].mean() > 0.9


def test_the_note_is_one_line():
    note = "1 blank plane is filled in from the planes beside (Z, from 0: {})"
    assert BlankPlanes(((2, 3),)).note((0, 0, 0)) == note.format(2)
    assert BlankPlanes(((2, 3),)).note((5, 1, 1)) == note.format(
        7
    )  # counted in the image, not in what is left
    note = BlankPlanes(tuple((z, z + 1) for z in range(1, 40, 3))).note((0, 0, 0))
    assert note.startswith("13 blank planes are")
    assert note.endswith("25, 28 ...)")
