"""Drawn circles and surfaces as arrays; needs no window."""

import numpy as np
import pytest

from anystar.arrays import VoxelSize
from anystar.geometry.rays import golden_spiral
from anystar.napari.measures import drawn_diameter, surfaces
from anystar.objects import Objects


@pytest.mark.parametrize(
    ("size", "expected"),
    [(VoxelSize((2, 0.5, 0.5)), 4.0), (VoxelSize((2, 0.5, 0.5), "relative"), 8.0), (None, 8.0)],
)
def test_the_diameter_is_in_the_unit_of_the_voxel_size(size, expected):
    corners = np.array([[1, 3, 4, 5], [1, 3, 4, 13], [1, 3, 12, 13], [1, 3, 12, 5]])  # T Z Y X
    assert drawn_diameter(corners, (1, 2, 3), size) == pytest.approx(expected)


def test_an_ellipse_in_a_plane_along_z_counts_in_micrometres():
    corners = np.array([[0, 5, 0], [0, 5, 8], [4, 5, 8], [4, 5, 0]])
    assert drawn_diameter(corners, (0, 1, 2), VoxelSize((2, 0.5, 0.5))) == pytest.approx((4 * 8) ** 0.5)


def test_a_ball_is_an_ellipsoid_of_voxels():
    rays = golden_spiral(96)
    objects = Objects(
        label=np.array([3, 8]),
        probability=np.ones(2, np.float32),
        calibrated_probability=np.ones(2, np.float32),
        volume_uncertainty=np.ones(2, np.float32),
        centroid_vox=np.zeros((2, 3)),
        volume_vox=np.ones(2, int),
        bbox=np.zeros((2, 6), int),
        centre_vox=np.array([[5.0, 20, 20], [9.0, 30, 10]]),
        distances=np.full((2, 96), 4.0, np.float32),
    )
    vertices, faces, labels = surfaces(objects, rays, (2.0, 1.0, 1.0))
    for number, centre in ((3, (5, 20, 20)), (8, (9, 30, 10))):
        away = (vertices[labels == number] - centre) * (2, 1, 1)
        np.testing.assert_allclose(np.linalg.norm(away, axis=1), 4, rtol=1e-4)
    assert (labels[faces] == labels[faces][:, :1]).all()  # no face joins two objects
    assert faces.max() == len(vertices) - 1


def test_no_objects_have_no_surface():
    nothing = Objects(
        **{
            n: np.zeros((0, *s))
            for n, s in (
                ("label", ()),
                ("probability", ()),
                ("calibrated_probability", ()),
                ("volume_uncertainty", ()),
                ("centroid_vox", (3,)),
                ("volume_vox", ()),
                ("bbox", (6,)),
                ("centre_vox", (3,)),
                ("distances", (32,)),
            )
        }
    )
    vertices, faces, labels = surfaces(nothing, golden_spiral(32), (1.0, 1.0, 1.0))
    assert (len(vertices), len(faces), len(labels)) == (0, 0, 0)
