"""A voxel size carries its unit; volumes are compared on their grids."""

import numpy as np
import pytest

import anystar
from anystar.arrays import Volume, VoxelSize, check_spacing, refuse_mismatch
from anystar.errors import InputError


def test_a_voxel_size_without_a_unit_is_counted_in_its_shortest_edge():
    assert VoxelSize((1, 0.5, 0.5)).lengths == VoxelSize((1, 0.5, 0.5), "um")
    relative = VoxelSize((1, 0.5, 0.5), "relative")
    assert relative.lengths == VoxelSize((2, 1, 1), "relative")
    assert relative.lengths.aspect == relative.aspect == (2, 1, 1)


def test_the_voxel_size_of_a_volume_is_that_of_its_file():
    data = np.zeros((3, 4, 5))
    assert VoxelSize.of(Volume(data=data)) is None
    volume = Volume(data=data, spacing=(2, 1, 1), unit="relative")
    assert VoxelSize.of(volume) == VoxelSize((2, 1, 1), "relative")


def test_an_aspect_ratio_that_no_microscope_has_is_refused():
    assert VoxelSize((100, 1, 1)).aspect == (100, 1, 1)
    with pytest.raises(
        InputError, match=r"100 times as long .*, got \(2000.0, 0.5, 0.5\); give the right voxel size"
    ):
        _ = VoxelSize((2000, 0.5, 0.5)).aspect


def test_a_spacing_of_one_number_is_answered_with_three():
    with pytest.raises(InputError, match=r"got 0.2; give \(0.2, 0.2, 0.2\) for cubic voxels"):
        check_spacing(0.2)


def in_the_world(affine, *, oriented=True):
    return Volume(data=np.zeros((3, 4, 5)), header={"world": np.array(affine, float), "oriented": oriented})


def test_mirrored_files_are_not_compared_voxel_by_voxel():
    plain, mirrored = np.diag([2.0, 1, 1, 1]), np.diag([-2.0, 1, 1, 1])
    with pytest.raises(ValueError, match=r"a has its axes along RAS but b along LAS; bring both into one"):
        refuse_mismatch("a", in_the_world(plain), "b", in_the_world(mirrored))
    swapped = plain[:, [1, 0, 2, 3]]
    with pytest.raises(ValueError, match="a has its axes along ARS but b along RAS"):
        refuse_mismatch("a", in_the_world(swapped), "b", in_the_world(plain))
    tilted = plain.copy()
    tilted[1, 0], tilted[:3, 3] = 0.01, 7.0
    refuse_mismatch("a", in_the_world(plain), "b", in_the_world(tilted))
    refuse_mismatch("a", in_the_world(plain), "b", in_the_world(mirrored, oriented=False))
    refuse_mismatch("a", in_the_world(plain), "b", Volume(data=np.zeros((3, 4, 5))))


@pytest.mark.parametrize("edge", [1e300, 1e-300])
def test_edges_beyond_all_lengths_are_refused(edge):
    with pytest.raises(InputError, match=r"spacing must be 1e-15 to 1e\+30, got"):
        check_spacing((edge, edge, edge))
    with pytest.raises(InputError, match="at most 100 times as long along one axis"):
        anystar.measure(np.ones((4, 5, 6), int), spacing=(1e4, 1, 1))
