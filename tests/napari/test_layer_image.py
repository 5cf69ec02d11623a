"""A layer's volume is read box by box; needs no window."""

import numpy as np
from napari.layers import Image

from anystar.arrays import VoxelSize
from anystar.napari.layer_image import lazy_image
from anystar.napari.layers import layer_volume


class Counted:
    """An array that notes how much of it is read."""

    def __init__(self, data):
        self.data, self.voxels = data, 0
        self.shape, self.dtype, self.ndim = data.shape, data.dtype, data.ndim

    def __getitem__(self, index):
        part = self.data[index]
        self.voxels += np.size(part)
        return part


def test_only_a_box_of_the_chosen_volume_is_read_with_its_axes_in_order():
    data = np.arange(2 * 5 * 6 * 7).reshape(2, 5, 6, 7).astype(np.uint16)
    counted = Counted(data)
    layer = Image(counted, axis_labels=("t", "x", "z", "y"), name="movie", contrast_limits=(0, 1))
    source = layer_volume(layer, (1, 0, 0, 0))
    image = lazy_image(source, VoxelSize((2, 0.5, 0.5)))
    assert (image.shape, image.spacing, image.unit) == ((6, 7, 5), (2, 0.5, 0.5), "um")
    counted.voxels = 0
    part = image.crop((slice(1, 3), slice(2, 4), slice(0, 5)))
    np.testing.assert_array_equal(part.data, data[1].transpose(1, 2, 0)[1:3, 2:4, 0:5])
    assert counted.voxels == 20
    assert lazy_image(source, None).spacing is None
