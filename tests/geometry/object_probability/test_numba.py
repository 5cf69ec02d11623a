import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anystar.geometry.object_probability import object_probability
from anystar.geometry.object_probability.numba import boundary_distance_squared
from tests import reference, scenes


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([scenes.ellipsoids, scenes.blocks]))
def test_equals_scipy_object_by_object(seed, scene):
    labels = scene(np.random.default_rng(seed), shape=(19, 22, 37))
    got = object_probability(labels)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, reference.object_probability(labels), atol=1e-6)


@settings(max_examples=8, deadline=None)
@given(
    st.integers(0, 1000),
    st.sampled_from([scenes.ellipsoids, scenes.blocks]),
    st.sampled_from([(2, 1, 1), (1, 0.3, 0.65), (0.1, 40, 7)]),
)
def test_anisotropic_voxels(seed, scene, anisotropy):
    labels = scene(np.random.default_rng(seed), shape=(19, 22, 37))
    got = object_probability(labels, spacing=anisotropy)
    np.testing.assert_allclose(got, reference.object_probability(labels, anisotropy), atol=1e-5)
    full = np.ones((3, 4, 5), np.int32)
    np.testing.assert_allclose(
        object_probability(full, spacing=anisotropy),
        reference.object_probability(full, anisotropy),
        atol=1e-5,
    )


def test_squared_distances_have_the_unit_of_the_spacing():
    labels = np.zeros((9, 5, 5), np.int32)
    labels[2:7] = 1
    got = boundary_distance_squared(labels, spacing=(1000.0, 1.0, 1.0))
    np.testing.assert_allclose(got[:, 0, 0], np.array([0, 0, 1, 2, 3, 2, 1, 0, 0]) ** 2 * 1e6)
    with pytest.raises(ValueError, match="spacing must be positive"):
        object_probability(labels, spacing=(1, 0, 1))


def test_every_object_reaches_one_and_only_background_is_zero():
    labels = scenes.ellipsoids(np.random.default_rng(0), num=12)
    got = object_probability(labels)
    assert ((got > 0) == (labels > 0)).all()
    assert all(got[labels == label].max() == 1 for label in np.unique(labels[labels > 0]))


def test_object_that_fills_the_volume_ends_just_outside():
    labels = np.full((5, 5, 5), 9, np.int32)
    got = object_probability(labels)
    assert got[2, 2, 2] == 1
    assert got[0, 2, 2] == pytest.approx(1 / 3)


def test_border_is_no_boundary():
    labels = np.zeros((8, 8, 8), np.int32)
    labels[:4] = 1
    got = object_probability(labels)
    np.testing.assert_allclose(got[:, 4, 4], [1, 0.75, 0.5, 0.25, 0, 0, 0, 0])


def test_grid_samples_the_full_result_in_any_number_of_threads(monkeypatch):
    labels = scenes.ellipsoids(np.random.default_rng(1))
    full = object_probability(labels)
    np.testing.assert_array_equal(object_probability(labels, grid=2), full[::2, ::2, ::2])
    for num_threads in "12":
        monkeypatch.setenv("OMP_NUM_THREADS", num_threads)
        np.testing.assert_array_equal(object_probability(labels), full)


def test_many_and_huge_labels():
    labels = np.arange(1, 70 * 40 * 30 + 1).reshape(70, 40, 30)  # 84,000 objects of one voxel
    assert (object_probability(labels) == 1).all()
    two = np.array([[[0, 5, 5, 2**31 - 1]]])
    np.testing.assert_allclose(object_probability(two), [[[0, 1, 1, 1]]])
    no_background = np.array([[[2**31 - 2, 2**31 - 2, 2**31 - 1]]])
    np.testing.assert_allclose(object_probability(no_background), [[[1, 0.5, 1]]])


def test_nothing_and_wrong_arguments():
    assert object_probability(np.zeros((0, 3, 3), np.int32)).shape == (0, 3, 3)
    assert not object_probability(np.zeros((4, 3, 3), np.uint8)).any()
    with pytest.raises(ValueError, match="labels must be 0 to 2\\^31 - 1, got -1 to 0"):
        object_probability(-np.eye(3, dtype=np.int32)[None])
    with pytest.raises(ValueError, match="grid must be at least 1"):
        object_probability(np.zeros((3, 3, 3), np.int32), grid=0)
