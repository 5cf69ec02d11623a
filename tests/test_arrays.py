"""Where only the proportions of voxels are known, lengths are voxels of the finest axis."""

import pytest

from anystar.arrays import measuring, metric, proportions


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
