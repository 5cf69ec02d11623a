import numpy as np
import pytest

from anystar.geometry.body.numba import extents, inside, radius_tables
from anystar.geometry.rays import golden_spiral
from tests import reference, scenes


@pytest.mark.parametrize("anisotropy", [(1, 1, 1), (3, 1, 1)])
@pytest.mark.parametrize("num_rays", [5, 32, 96, 300])
def test_inside_is_what_the_mixture_of_the_face_says(num_rays, anisotropy):
    rng = np.random.default_rng(num_rays)
    rays = golden_spiral(num_rays, anisotropy)
    distances = scenes.smooth_distances(rng, 1, rays)[0]
    offsets = rng.uniform(-12, 12, (3, 6_000)).astype(np.float32)
    offsets[:, 0] = 0  # the centre itself
    hits, scratch = np.empty(6_000, np.int32), np.empty((2, 6_000), np.float32)
    inside(offsets, 6_000, distances, radius_tables(rays).face_map, scratch, hits)
    want = reference.is_inside(offsets.T, distances, rays)
    assert hits[0] == 1
    assert (hits.astype(bool) == want).mean() > 0.998
    # Where they differ the point is at the surface.
    wrong = offsets.T[hits.astype(bool) != want]
    grown = reference.is_inside(wrong, distances * 1.01, rays)
    shrunk = reference.is_inside(wrong, distances * 0.99, rays)
    if num_rays >= 32:
        assert (grown & ~shrunk).all()


def test_equal_distances_make_a_ball():
    rays = golden_spiral(96)
    tables = radius_tables(rays)
    assert tables.solid_angle.sum() == pytest.approx(4 * np.pi, rel=1e-5)
    inner, outer, volume, box = extents(np.full((1, 96), 5, np.float32), rays)
    assert inner[0] == outer[0] == 5
    assert volume[0] == pytest.approx(4 / 3 * np.pi * 125, rel=1e-5)
    np.testing.assert_allclose(box, 5, rtol=1e-5)


def test_box_holds_the_body():
    rng = np.random.default_rng(1)
    rays = golden_spiral(32)
    distances = rng.uniform(1, 9, (10, 32)).astype(np.float32)
    box = extents(distances, rays).box
    offsets = rng.uniform(-10, 10, (6_000, 3))
    for n in range(10):
        held = offsets[reference.is_inside(offsets, distances[n], rays)]
        assert (held.min(axis=0) >= -box[n, 0::2]).all()
        assert (held.max(axis=0) <= box[n, 1::2]).all()
