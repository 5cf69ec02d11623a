"""Volumes on the disk that need several blocks, and a run whose blocks have any size."""

from dataclasses import fields

import numpy as np
import pytest
import zarr

from anystar import io
from anystar.arrays import Volume
from anystar.blocks import BlockOptions, Selection, segment_blocks
from anystar.blocks.memory import Sizes
from anystar.outputs import Outputs
from anystar.predict.tiling import TileConfig
from tests.predict.stub import stub_model
from tests.scenes import texture

SMALL_TILES = TileConfig(max_points=20**3, halo=8)
"""Cores of about 24 voxels of what the network sees."""


def labels_of(store):
    """The finest level of a label image."""
    return np.asarray(zarr.open_array(store, path="0", mode="r"))


def segment_small(folder, *, resume):
    """Segment something with the stub, in a process that has no fixtures."""
    path = folder / "image.npy"
    if not path.exists():
        np.save(path, texture(0, (40, 100, 80)))
    source, model = io.open_image(path), stub_model(radius=4.0, tiling=SMALL_TILES)
    sizes = Sizes(tiles_along=1, hold=0, block=(16, 16, 16))
    options = BlockOptions(diameter=6.0, prob_thresh=0.25, resume=resume, sizes=sizes)
    segment_blocks(source, folder / "a.zarr", options, model=model)


@pytest.fixture
def model():
    """A stub with small tiles."""
    return stub_model(radius=4.0, tiling=SMALL_TILES)


@pytest.fixture
def image(tmp_path):
    """Texture with voxels twice as thick as wide, on the disk."""

    def make(seed=0, shape=(32, 60, 56), spacing=(1.0, 0.5, 0.5), name="image.npy"):
        path = tmp_path / name
        io.write(path, Volume(data=texture(seed, shape)))
        return io.open_image(path, spacing=spacing)

    return make


@pytest.fixture
def sized():
    """Call :func:`segment_blocks` with blocks of a given size, and all its options side by side."""

    def call(image, labels, *, tiles_along=1, block=(16, 16, 16), hold=1 << 30, **given):
        def taken(kind, **more):
            own = {field.name for field in fields(kind)} & set(given)
            return kind(**more, **{name: given.pop(name) for name in own})

        outputs = taken(Outputs, labels=labels)
        options = taken(BlockOptions, sizes=Sizes(tiles_along=tiles_along, hold=hold, block=block))
        selection = taken(Selection)
        return segment_blocks(image, outputs, options, selection=selection, **given)

    return call
