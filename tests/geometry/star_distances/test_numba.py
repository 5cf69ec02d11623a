import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anystar.geometry.rays import Rays, golden_spiral
from anystar.geometry.star_distances import star_distances_at
from anystar.geometry.star_distances.numba import star_distances
from tests import reference
from tests.geometry import scenes

RAYS = golden_spiral(32)


def test_boundary_lies_where_the_interpolated_label_crosses_a_half():
    rng = np.random.default_rng(0)
    labels = scenes.ellipsoids(rng)
    points = rng.permutation(np.argwhere(labels))[:60]
    got = star_distances_at(labels, points, RAYS)
    error = np.abs(got - reference.star_distances_at(labels, points, RAYS.vertices))
    assert np.median(error) < 0.02
    assert np.quantile(error, 0.98) < 0.08
    assert error.mean() < 0.03


def test_ball_has_its_radius_in_every_direction():
    for radius in (4.2, 7.0, 11.3):
        labels = scenes.ball(radius)
        got = star_distances_at(labels, np.array([[15, 15, 15]]), golden_spiral(96))
        assert np.abs(got - radius).max() < 0.75
        assert abs(got.mean() - radius) < 0.25


def test_at_most_one_step_from_stardist():
    rng = np.random.default_rng(1)
    labels = scenes.ellipsoids(rng)
    points = rng.permutation(np.argwhere(labels))[:60]
    got = star_distances_at(labels, points, RAYS)
    steps, theirs = reference.star_distances_stardist(labels, points, RAYS.vertices)
    # They overshoot by up to one step; rounding adds up to 0.87 on either side.
    assert np.quantile(np.abs(got - (steps - 0.5)), 0.95) < 1
    assert np.quantile(np.abs(got - theirs), 0.95) < 1.5
    assert 0.3 < (theirs - got).mean() < 0.7


@pytest.mark.parametrize("grid", [1, 2, 3])
def test_grid_and_points_agree(grid):
    labels = scenes.ellipsoids(np.random.default_rng(2), shape=(13, 24, 31))
    dense = star_distances(labels, RAYS, grid=grid)
    assert dense.shape == (*[(s - 1) // grid + 1 for s in labels.shape], 32)
    index = np.argwhere(np.ones(dense.shape[:3], bool))
    np.testing.assert_array_equal(dense.reshape(-1, 32), star_distances_at(labels, index * grid, RAYS))
    assert ((dense > 0).all(-1) == (labels[::grid, ::grid, ::grid] > 0)).all()
    one = star_distances(labels, RAYS, grid=grid, num_threads=1)
    np.testing.assert_array_equal(one, dense)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_planes_are_those_of_the_whole(dtype):
    labels = scenes.ellipsoids(np.random.default_rng(2), shape=(13, 24, 31))
    whole = star_distances(labels, RAYS, grid=2, dtype=dtype)
    parts = [star_distances(labels, RAYS, grid=2, dtype=dtype, planes=p) for p in ((0, 3), (3, 3), (3, 7))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    with pytest.raises(ValueError, match="planes must lie within 0 to 7, got 3 to 8"):
        star_distances(labels, RAYS, grid=2, planes=(3, 8))


def test_half_precision_is_the_rounded_result():
    labels = scenes.ellipsoids(np.random.default_rng(3), shape=(20, 21, 22))
    full = star_distances(labels, RAYS)
    half = star_distances(labels, RAYS, dtype=np.float16)
    assert half.dtype == np.float16
    np.testing.assert_array_equal(half, full.astype(np.float16))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1000), st.permutations([0, 1, 2]), st.tuples(*[st.sampled_from([1, -1])] * 3))
def test_commutes_with_flips_and_axis_permutations(seed, axes, signs):
    rng = np.random.default_rng(seed)
    labels = scenes.ellipsoids(rng, shape=(17, 19, 23), num=4)
    moved = labels.transpose(axes)[tuple(slice(None, None, s) for s in signs)]
    vertices = RAYS.vertices[:, axes] * np.array(signs)
    faces = RAYS.faces if np.linalg.det(vertices[RAYS.faces[0]]) > 0 else RAYS.faces[:, ::-1]
    got = star_distances(moved, Rays(vertices=vertices, faces=faces))
    want = star_distances(labels, RAYS).transpose(*axes, 3)[tuple(slice(None, None, s) for s in signs)]
    # Where a step lands exactly between two voxels, the mirrored one sees the other.
    assert (np.abs(got - want) < 1e-3).mean() > 0.999


def test_surrounding_with_background_changes_nothing():
    labels = scenes.ellipsoids(np.random.default_rng(4), shape=(15, 16, 17))
    inner = star_distances(np.pad(labels, 3), RAYS)[3:-3, 3:-3, 3:-3]
    np.testing.assert_allclose(inner, star_distances(labels, RAYS), atol=1e-4)


def test_full_volume_ends_half_a_voxel_beyond_its_samples():
    labels = np.full((5, 7, 9), 3, np.uint16)
    axes = golden_spiral(96)
    got = star_distances(labels, axes)
    assert got[1, 3, 4, 0] == pytest.approx(1.5)  # first ray points to -Z
    assert got[1, 3, 4, -1] == pytest.approx(3.5)


def test_touching_split_tiny_and_non_convex_objects():
    labels = np.zeros((9, 9, 20), np.int32)
    labels[2:7, 2:7, 1:6], labels[2:7, 2:7, 6:12] = 1, 2  # touching
    labels[4, 4, 15] = 70_000  # one voxel
    labels[:, :, 18:] = 1  # a second piece of the first
    got = star_distances_at(labels, np.array([[4, 4, 3], [4, 4, 8], [4, 4, 15], [0, 0, 0]]), RAYS)
    toward_x = int(np.argmax(RAYS.vertices[:, 2]))
    assert got[0, toward_x] == pytest.approx(2.5, abs=0.15)  # does not run into the second piece
    assert (got[2] > 0.1).all()
    assert (got[2] <= 0.51).all()
    assert (got[3] == 0).all()
    shell = scenes.ball(12) - scenes.ball(6)  # not star-convex: rays stop at the hole
    inward = star_distances_at(shell, np.array([[15, 15, 24]]), RAYS)[0, np.argmin(RAYS.vertices[:, 2])]
    assert inward == pytest.approx(3, abs=0.8)


def test_wide_labels_do_not_wrap():
    labels = np.zeros((3, 3, 8), np.int64)
    labels[..., :4], labels[..., 4:] = 65_536, 2**31 - 1
    assert (star_distances(labels, RAYS) > 0).all()
    labels[0, 0, 0] = 2**31
    with pytest.raises(ValueError, match=r"labels must be 0 to .*, got 65536 to 2147483648"):
        star_distances(labels, RAYS)


def test_wrong_arguments_are_named():
    labels = np.ones((4, 4, 4), np.int32)
    with pytest.raises(ValueError, match="three axes"):
        star_distances(labels[0], RAYS)
    with pytest.raises(ValueError, match="labels must be integers, got float64"):
        star_distances(labels.astype(float), RAYS)
    with pytest.raises(ValueError, match="grid must be at least 1, got 0"):
        star_distances(labels, RAYS, grid=0)
    with pytest.raises(ValueError, match="dtype must be float32 or float16, got int32"):
        star_distances(labels, RAYS, dtype=np.int32)
    with pytest.raises(ValueError, match="points must lie inside"):
        star_distances_at(labels, np.array([[0, 0, 4]]), RAYS)
    with pytest.raises(ValueError, match="points must be integers"):
        star_distances_at(labels, np.array([[0, 0, 1.5]]), RAYS)
    assert star_distances_at(labels, np.zeros((0, 3), int), RAYS).shape == (0, 32)
    assert star_distances(labels[:0], RAYS).shape == (0, 4, 4, 32)
