import json

import numpy as np
import pytest

from anystar.geometry.rays import Rays, golden_spiral


@pytest.mark.parametrize("num_rays", [5, 8, 32, 64, 96, 128, 256])
@pytest.mark.parametrize("anisotropy", [(1, 1, 1), (4, 1, 1), (1, 2, 0.5)])
def test_faces_tile_the_sphere_and_point_outwards(num_rays, anisotropy):
    rays = golden_spiral(num_rays, anisotropy)
    assert rays.vertices.dtype == np.float32
    assert rays.faces.dtype == np.int32
    a, b, c = np.moveaxis(rays.vertices[rays.faces].astype(float), 1, 0)
    dot = [(p * q).sum(1) for p, q in ((a, b), (b, c), (c, a))]
    determinant = np.linalg.det(np.stack([a, b, c], axis=1))
    solid_angle = 2 * np.arctan2(determinant, 1 + dot[0] + dot[1] + dot[2])
    assert (solid_angle > 0).all()
    assert solid_angle.sum() == pytest.approx(4 * np.pi, rel=1e-5)
    edges = {(int(f[i]), int(f[(i + 1) % 3])) for f in rays.faces for i in range(3)}
    assert len(edges) == 3 * len(rays.faces)  # every edge once in each direction
    assert all((j, i) in edges for i, j in edges)


def test_directions_crowd_towards_the_finely_sampled_axes():
    assert np.abs(golden_spiral(96, (4, 1, 1)).vertices[:, 0]).mean() < 0.3


def test_rays_survive_json_and_are_values():
    rays = golden_spiral(64, (2, 1, 1))
    again = Rays.from_dict(json.loads(json.dumps(rays.to_dict())))
    assert again == rays
    assert hash(again) == hash(rays)
    assert rays != golden_spiral(64)
    assert rays != "rays"
    with pytest.raises(ValueError, match="read-only"):
        rays.vertices[0] = 0


def test_wrong_rays_are_refused():
    good = golden_spiral(8)
    with pytest.raises(ValueError, match="num_rays must be at least 5, got 4"):
        golden_spiral(4)
    with pytest.raises(ValueError, match="anisotropy must be three positive"):
        golden_spiral(8, (0, 1, 1))
    with pytest.raises(ValueError, match="oriented outwards"):
        Rays(vertices=good.vertices, faces=good.faces[:, ::-1])
    with pytest.raises(ValueError, match="unit vectors"):
        Rays(vertices=2 * good.vertices, faces=good.faces)
    with pytest.raises(ValueError, match="wrong: \\['extra'\\]"):
        Rays.from_dict({**good.to_dict(), "extra": 1})
