"""A few voxels that are NaN or infinite are filled, many are refused; margins of NaN are margins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from anystar.preprocess import Preprocessing, subsample
from anystar.preprocess.missing_voxels import repair
from tests.preprocess.test_margins import EVERYTHING, Unread, noisy


def with_missing(image, share=0.004, seed=0, values=(np.nan, np.inf, -np.inf)):
    rng = np.random.default_rng(seed)
    chosen = rng.choice(np.array(values, image.dtype), image.shape)
    return np.where(rng.random(image.shape) < share, chosen, image)


def reference(image, fallback):
    filled = image.copy()
    for voxel in np.argwhere(~np.isfinite(image)):
        around = image[tuple(slice(max(0, i - 1), i + 2) for i in voxel)]
        good = around[np.isfinite(around)]
        filled[tuple(voxel)] = good.mean() if len(good) else fallback
    return filled


@given(share=st.sampled_from([0.01, 0.3, 0.9]), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_missing_voxels_are_the_mean_of_their_neighbours(share, seed):
    image = with_missing(noisy(shape=(6, 7, 8), dtype=np.float64), share, seed)
    np.testing.assert_allclose(repair(image, -5.0), reference(image, -5.0), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_few_are_filled_and_leave_all_else_as_it_is(dtype):
    image = noisy(dtype=dtype)
    broken = with_missing(image)
    fitted, plain = Preprocessing.fit(broken), Preprocessing.fit(image)
    missing = ~np.isfinite(broken)
    note = f"NaN or infinite voxels ({100 * missing.mean():.2g}%) are filled from their neighbours"
    assert fitted.notes == (("missing_voxels", note),)
    assert fitted.limits == pytest.approx(plain.limits, rel=0.02)
    prepared = fitted.apply(broken).image[EVERYTHING]
    assert prepared.dtype == dtype
    np.testing.assert_array_equal(prepared[~missing], image[~missing])
    np.testing.assert_array_equal(fitted.repaired(broken), prepared)
    assert np.abs(prepared - image)[missing].mean() < 0.5 * image.std()


@pytest.mark.parametrize("most", [4_000_000, 4000])
@pytest.mark.parametrize("margin", ["none", "planes", "wedges"])
def test_box_by_box_is_as_all_at_once(monkeypatch, most, margin):
    monkeypatch.setattr(subsample, "MAX_VOXELS", most)
    image = noisy(shape=(24, 50, 52), dtype=np.float64)
    if margin == "wedges":
        image = ndimage.rotate(image, 30, axes=(1, 2), order=0, cval=-1)
    broken = with_missing(image)
    broken[image == -1] = np.nan
    if margin == "planes":
        broken = np.pad(broken, 5, constant_values=np.nan)
    fitted = Preprocessing.fit(broken)
    assert fitted == Preprocessing.fit(Unread(broken))
    assert not fitted.finite
    assert (fitted.margins is None) == (margin == "none")
    whole = fitted.apply(broken).read(EVERYTHING)
    assert np.isfinite(whole).all()
    box = slice(3, 9), slice(0, 27), slice(11, 40)
    np.testing.assert_array_equal(fitted.apply(Unread(broken)).read(box), whole[box])
    measured = fitted.repaired(broken)
    assert np.isfinite(measured).all()
    np.testing.assert_array_equal(fitted.repaired(Unread(broken), box), measured[box])


def test_margins_of_nan_change_nothing():
    image = noisy(dtype=np.float32)
    plain = Preprocessing.fit(image)
    fitted = Preprocessing.fit(np.pad(image, ((2, 0), (0, 9), (4, 4)), constant_values=np.nan))
    assert fitted.missing_voxels is None
    assert fitted.limits == plain.limits
    assert fitted.margins.stop == (22, 30, 38)


@pytest.mark.parametrize("share", [0.02, 0.5, 1.0])
def test_many_are_refused(share):
    broken = with_missing(noisy(dtype=np.float32), share)
    number = int((~np.isfinite(broken)).sum())
    for image in (broken, Unread(broken)):
        with pytest.raises(ValueError, match=f"must be finite, got {number} NaN or infinite voxels of 20400"):
            Preprocessing.fit(image)


def test_one_that_the_subsample_leaves_out_is_found_in_memory(monkeypatch):
    monkeypatch.setattr(subsample, "MAX_VOXELS", 1000)
    image = noisy(shape=(20, 60, 60), dtype=np.float32)
    image[1, 1, 1] = np.nan
    fitted = Preprocessing.fit(image)
    assert fitted.missing_voxels is not None
    assert np.isfinite(fitted.apply(image).read(EVERYTHING)).all()


def test_one_that_the_subsample_leaves_out_is_filled_box_by_box(monkeypatch):
    monkeypatch.setattr(subsample, "MAX_VOXELS", 1000)
    image = noisy(shape=(20, 60, 60), dtype=np.float32)
    image[1, 1, 1] = np.nan
    lazy, whole = Preprocessing.fit(Unread(image)), Preprocessing.fit(image)
    assert lazy.notes == ()
    np.testing.assert_array_equal(
        lazy.apply(Unread(image)).image[EVERYTHING], whole.apply(image).image[EVERYTHING]
    )
