"""Where only the proportions of voxels are known, lengths are voxels of the finest axis."""

import numpy as np
import pytest

from anystar.arrays import Volume, measuring, metric, proportions, refuse_mismatch


def test_a_spacing_without_a_unit_is_counted_in_its_shortest_edge():
    assert metric(None, "um") is None
    assert metric((1, 0.5, 0.5), "um") == (1, 0.5, 0.5)
    assert metric((1, 0.5, 0.5), "relative") == (2, 1, 1)
    assert measuring((1, 0.5, 0.5), "relative", (2, 1, 1)) == ((2, 1, 1), "relative")
    assert measuring((1, 0.5, 0.5), "um", (2, 1, 1)) == ((1, 0.5, 0.5), "um")


def test_proportions_that_no_microscope_has_are_refused():
    assert proportions((100, 1, 1)) == (100, 1, 1)
    with pytest.raises(
        ValueError, match=r"100 times as long .*, got \(2000, 0.5, 0.5\); give the right voxel size"
    ):
        proportions((2000, 0.5, 0.5))


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
