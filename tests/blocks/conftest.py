"""Volumes on the disk that need several blocks, and a run whose blocks have any size."""

from dataclasses import fields

import numpy as np
import pytest
import zarr

from anystar import io
from anystar.arrays import Volume
from anystar.blocks import BlockOutputs, RunOptions, Selection, memory, run
from anystar.predict.options import PredictionOptions
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
    run.choose_sizes = lambda *args, **kwargs: memory.Sizes(tiles_along=1, hold=0, block=(16, 16, 16))
    path = folder / "image.npy"
    if not path.exists():
        np.save(path, texture(0, (40, 100, 80)))
    source, model = io.open_image(path), stub_model(radius=4.0, tiling=SMALL_TILES)
    how = {
        "options": PredictionOptions(diameter=6.0, prob_thresh=0.25),
        "run_options": RunOptions(resume=resume),
    }
    run.segment_blocks(source, folder / "a.zarr", model=model, **how)


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
def sized(monkeypatch):
    """Call :func:`segment_blocks` with blocks of a given size, and all its options side by side."""

    def call(image, output, *, tiles_along=1, block=(16, 16, 16), hold=1 << 30, **options):
        sizes = memory.Sizes(tiles_along=tiles_along, hold=hold, block=block)
        monkeypatch.setattr(run, "choose_sizes", lambda *args, **kwargs: sizes)
        kinds = {
            "outputs": BlockOutputs,
            "options": PredictionOptions,
            "run_options": RunOptions,
            "selection": Selection,
        }
        for name, kind in kinds.items():
            own = {field.name for field in fields(kind)} & set(options)
            options[name] = kind(**{each: options.pop(each) for each in own})
        return run.segment_blocks(image, output, **options)

    return call
