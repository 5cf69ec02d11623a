"""Options that cannot be meant are refused in one line."""

import pytest

from anystar.arrays import VoxelSize
from anystar.errors import InputError
from anystar.predict.options import ModelDefaults, PredictionOptions, diameter_in_edges


def test_a_diameter_in_the_wrong_unit_is_refused():
    assert diameter_in_edges(None, VoxelSize((1, 1, 1)), (8, 8, 8)) is None
    assert diameter_in_edges(12, VoxelSize((2, 0.5, 0.5)), (8, 64, 64)) == 24
    assert diameter_in_edges(12, VoxelSize((2, 0.5, 0.5), "relative"), (8, 64, 64)) == 12
    assert diameter_in_edges(2, None, (8, 8, 8)) == 2
    for diameter, spacing in ((8, (1000, 1000, 1000)), (0.01, (1, 1, 1)), (12_000, (2, 0.5, 0.5))):
        with pytest.raises(InputError, match="correct it, or the voxel size"):
            diameter_in_edges(diameter, VoxelSize(spacing), (40, 40, 40))
    with pytest.raises(InputError, match=r"got 0\.008 \(8 um, with 1000 um per voxel\)"):
        diameter_in_edges(8, VoxelSize((1000, 1000, 1000)), (40, 40, 40))
    voxel_size = VoxelSize((4, 1, 1))
    assert diameter_in_edges(70, voxel_size, (10, 8, 8)) == 70, "40 shortest edges along Z"


@pytest.mark.parametrize("name", ["prob_thresh", "nms_thresh"])
def test_thresholds_are_within_0_and_1(name):
    with pytest.raises(InputError, match=rf"{name} must be a threshold within \[0, 1\], got 1.5"):
        PredictionOptions(**{name: 1.5})


def test_candidates_are_kept_below_any_threshold():
    defaults = ModelDefaults(prob_thresh=0.4)
    assert defaults.floor(PredictionOptions()) == 0.1
    assert defaults.floor(PredictionOptions(prob_thresh=0.05)) == 0.05
    assert defaults.object_diameter(PredictionOptions(fast=True)) == 0.8 * defaults.diameter
