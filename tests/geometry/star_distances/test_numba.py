import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anystar.geometry.rays import Rays, golden_spiral
from anystar.geometry.star_distances import star_distances
from tests import reference, scenes

RAYS = golden_spiral(32)


def test_boundary_lies_where_the_interpolated_label_crosses_a_half():
    rng = np.random.default_rng(0)
    labels = scenes.ellipsoids(rng)
    points = rng.permutation(np.argwhere(labels))[:60]
    got = star_distances(labels, points, RAYS)
    error = np.abs(got - reference.star_distances_at(labels, points, RAYS.vertices))
    assert np.median(error) < 0.02
    assert np.quantile(error, 0.98) < 0.08
    assert error.mean() < 0.03


def test_ball_has_its_radius_in_every_direction():
    for radius in (4.2, 7.0, 11.3):
        labels = scenes.ball(radius)
        got = star_distances(labels, np.array([[15, 15, 15]]), golden_spiral(96))
        assert np.abs(got - radius).max() < 0.75
        assert abs(got.mean() - radius) < 0.25


def test_at_most_one_step_from_stardist():
    rng = np.random.default_rng(1)
    labels = scenes.ellipsoids(rng)
    points = rng.permutation(np.argwhere(labels))[:60]
    got = star_distances(labels, points, RAYS)
    steps, theirs = reference.star_distances_stardist(labels, points, RAYS.vertices)
    # They overshoot by up to one step; rounding adds up to 0.87 on either side.
    assert np.quantile(np.abs(got - (steps - 0.5)), 0.95) < 1
    assert np.quantile(np.abs(got - theirs), 0.95) < 1.5
    assert 0.3 < (theirs - got).mean() < 0.7


def everywhere(labels, rays):
    """Distances of all voxels, shape ``(Z, Y, X, R)``."""
    points = np.argwhere(np.ones(labels.shape, bool))
    return star_distances(labels, points, rays).reshape(*labels.shape, len(rays))


def test_only_background_has_no_distances_and_neither_threads_nor_other_points_matter(monkeypatch):
    labels = scenes.ellipsoids(np.random.default_rng(2), shape=(13, 24, 31))
    got = everywhere(labels, RAYS)
    assert ((got > 0).all(-1) == (labels > 0)).all()
    for num_threads in "12":
        monkeypatch.setenv("OMP_NUM_THREADS", num_threads)
        np.testing.assert_array_equal(everywhere(labels, RAYS), got)
    points = np.random.default_rng(3).permutation(np.argwhere(labels))[:100]
    np.testing.assert_array_equal(star_distances(labels, points, RAYS), got[tuple(points.T)])


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1000), st.permutations([0, 1, 2]), st.tuples(*[st.sampled_from([1, -1])] * 3))
def test_commutes_with_flips_and_axis_permutations(seed, axes, signs):
    rng = np.random.default_rng(seed)
    labels = scenes.ellipsoids(rng, shape=(17, 19, 23), num=4)
    moved = labels.transpose(axes)[tuple(slice(None, None, s) for s in signs)]
    vertices = RAYS.vertices[:, axes] * np.array(signs)
    faces = RAYS.faces if np.linalg.det(vertices[RAYS.faces[0]]) > 0 else RAYS.faces[:, ::-1]
    got = everywhere(moved, Rays(vertices=vertices, faces=faces))
    want = everywhere(labels, RAYS).transpose(*axes, 3)[tuple(slice(None, None, s) for s in signs)]
    # Where a step lands exactly between two voxels, the mirrored one sees the other.
    assert (np.abs(got - want) < 1e-3).mean() > 0.999


def test_surrounding_with_background_changes_nothing():
    labels = scenes.ellipsoids(np.random.default_rng(4), shape=(15, 16, 17))
    inner = everywhere(np.pad(labels, 3), RAYS)[3:-3, 3:-3, 3:-3]
    np.testing.assert_allclose(inner, everywhere(labels, RAYS), atol=1e-4)


def test_full_volume_ends_half_a_voxel_beyond_its_samples():
    labels = np.full((5, 7, 9), 3, np.uint16)
    got = everywhere(labels, golden_spiral(96))
    assert got[1, 3, 4, 0] == pytest.approx(1.5)  # first ray points to -Z
    assert got[1, 3, 4, -1] == pytest.approx(3.5)


def test_touching_split_tiny_and_non_convex_objects():
    labels = np.zeros((9, 9, 20), np.int32)
    labels[2:7, 2:7, 1:6], labels[2:7, 2:7, 6:12] = 1, 2  # touching
    labels[4, 4, 15] = 70_000  # one voxel
    labels[:, :, 18:] = 1  # a second piece of the first
    got = star_distances(labels, np.array([[4, 4, 3], [4, 4, 8], [4, 4, 15], [0, 0, 0]]), RAYS)
    toward_x = int(np.argmax(RAYS.vertices[:, 2]))
    assert got[0, toward_x] == pytest.approx(2.5, abs=0.15)  # does not run into the second piece
    assert (got[2] > 0.1).all()
    assert (got[2] <= 0.51).all()
    assert (got[3] == 0).all()
    shell = scenes.ball(12) - scenes.ball(6)  # not star-convex: rays stop at the hole
    inward = star_distances(shell, np.array([[15, 15, 24]]), RAYS)[0, np.argmin(RAYS.vertices[:, 2])]
    assert inward == pytest.approx(3, abs=0.8)


def test_wide_labels_do_not_wrap():
    labels = np.zeros((3, 3, 8), np.int64)
    labels[..., :4], labels[..., 4:] = 65_536, 2**31 - 1
    assert (everywhere(labels, RAYS) > 0).all()
    labels[0, 0, 0] = 2**31
    with pytest.raises(ValueError, match=r"labels must be 0 to .*, got 65536 to 2147483648"):
        everywhere(labels, RAYS)


def test_wrong_arguments_are_named():
    labels, point = np.ones((4, 4, 4), np.int32), np.zeros((1, 3), int)
    with pytest.raises(ValueError, match="three axes"):
        star_distances(labels[0], point, RAYS)
    with pytest.raises(ValueError, match="labels must be integers, got float64"):
        star_distances(labels.astype(float), point, RAYS)
    with pytest.raises(ValueError, match="points must lie inside"):
        star_distances(labels, np.array([[0, 0, 4]]), RAYS)
    with pytest.raises(ValueError, match="points must be integers"):
        star_distances(labels, np.array([[0, 0, 1.5]]), RAYS)
    assert star_distances(labels, np.zeros((0, 3), int), RAYS).shape == (0, 32)
    assert star_distances(labels[:0], np.zeros((0, 3), int), RAYS).shape == (0, 32)
