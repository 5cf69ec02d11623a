"""What is chosen for an image decides its later stages."""

from anystar.arrays import VoxelSize
from anystar.predict.pipeline import Choices
from anystar.preprocess import Preprocessing

CHOSEN = Choices(
    preprocessing=Preprocessing(limits=(0.0, 9.0)),
    aspect=(4.0, 1.0, 1.5),
    diameter=24.0,
    zoom=0.5,
    prob_thresh=0.4,
    nms_thresh=0.2,
    floor=0.1,
)


def test_the_network_gets_cubic_voxels():
    assert CHOSEN.zooms(0.5) == (2.0, 0.5, 0.75)


def test_lengths_are_those_of_the_file_or_of_the_estimated_aspect_ratio():
    assert CHOSEN.lengths(VoxelSize((2.0, 0.5, 0.5), "um")).spacing == (2.0, 0.5, 0.5)
    assert CHOSEN.lengths(None) == VoxelSize((4.0, 1.0, 1.5), "relative")
