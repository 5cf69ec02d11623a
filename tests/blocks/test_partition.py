"""Blocks cover everything once, and every body has one owner."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anystar.blocks.partition import Boxes, TileBlocks, hull, owner
from anystar.predict.tiling import iter_tiles

SHAPES = st.tuples(*[st.integers(1, 12)] * 3)


@given(shape=SHAPES, size=SHAPES)
def test_boxes_cover_every_voxel_once_and_own_it(shape, size):
    boxes, count = Boxes(shape, size), np.full(shape, -1)
    for number in range(len(boxes)):
        assert (count[boxes[number]] == -1).all()
        count[boxes[number]] = number
    assert (count >= 0).all()
    voxels = np.indices(shape).reshape(3, -1).T
    np.testing.assert_array_equal(owner(voxels + 0.4, boxes), count.ravel())
    assert hull([boxes[n] for n in range(len(boxes))]) == tuple(slice(0, n) for n in shape)


def test_a_centre_outside_belongs_to_the_nearest_box():
    boxes = Boxes((8, 8, 8), (4, 4, 4))
    centres = np.array([[-9.0, -0.6, 1.0], [20.0, 3.4, 7.6], [3.6, 3.6, 3.6]])
    assert owner(centres, boxes).tolist() == [0, 5, 7]


@given(along=st.integers(1, 5), counts=st.tuples(*[st.integers(1, 4)] * 3))
def test_blocks_of_tiles_have_every_tile_once(along, counts):
    axes = tuple([(slice(8 * i, 8 * i + 12), slice(8 * i, 8 * i + 8)) for i in range(n)] for n in counts)
    blocks = TileBlocks(axes, along)
    grouped = [tile for number in range(len(blocks)) for tile in blocks[number]]
    assert sorted(map(str, grouped)) == sorted(map(str, iter_tiles(axes)))
    assert max(len(blocks[n]) for n in range(len(blocks))) <= along**3
