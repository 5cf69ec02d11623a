import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from anystar import io
from anystar.arrays import Volume
from anystar.blocks.lazy_array import LazyArray
from anystar.preprocess import Preprocessing
from anystar.preprocess import subsample as settings
from anystar.preprocess.illumination import CorrectedImage
from anystar.preprocess.subsample import take_subsample
from tests.scenes import Counted, lit


@pytest.fixture
def large(monkeypatch):
    """Let a volume of a thousand voxels be a large one, of which eight small bricks are read."""
    monkeypatch.setattr(settings, "SCANNED", 1000)
    monkeypatch.setattr(settings, "BRICK", 4)
    monkeypatch.setattr(settings, "BRICKS", 8)


class Huge:
    """Voxels that tell their place; nobody could hold them all."""

    def __init__(self, shape):
        self.shape, self.dtype, self.read = shape, np.dtype(np.int64), 0

    def __getitem__(self, box):
        part = np.ravel_multi_index(np.ogrid[box], self.shape)
        self.read += part.size
        return part


@how(max_examples=15)
@given(shape=st.tuples(*[st.integers(1, 100_000)] * 3))
def test_of_any_large_volume_a_few_bricks_are_read(shape):
    image = Huge(shape)
    if math.prod(shape) <= settings.SCANNED:
        shape = image.shape = (1025, 1025, 1025)
    sample = take_subsample(image)
    assert image.read == sample.voxels.size < 2 * settings.BRICKS * settings.BRICK**3
    assert sample.voxels.size > settings.BRICK**3 * 100 or min(shape) < settings.BRICK
    np.testing.assert_array_equal(sample.voxels, np.ravel_multi_index(np.ix_(*sample.indices), shape))
    for rows, num in zip(sample.indices, shape, strict=True):
        assert (np.diff(rows) > 0).all()
        # As far from one end as from the other, and all over the axis
        assert abs(rows[0] - (num - 1 - rows[-1])) <= 1
        assert len(rows) < 64 or np.diff(rows).max() <= 1.1 * num / (len(rows) / settings.BRICK)


def test_bricks_lie_equally_far_apart():
    rows = take_subsample(Huge((500, 2000, 8000))).indices
    counts = [len(along) // settings.BRICK for along in rows]
    assert counts == [2, 8, 32]


@pytest.mark.parametrize("dimmest", [1.0, 0.5])
def test_in_memory_or_on_the_disk_the_same_bricks_decide(tmp_path, large, dimmest):
    data = lit((32, 96, 144), np.linspace(1.0, dimmest, 144)).astype(np.float32)
    settings.BRICK, settings.BRICKS = 16, 16
    io.write(tmp_path / "image.npy", Volume(data=data))
    image = Counted(data)
    images = image, LazyArray(io.open_image(tmp_path / "image.npy"))
    here, there = (Preprocessing.fit(one).apply(one) for one in images)
    assert image.voxels < 0.2 * data.size + 32 * 64 * 64  # and the middle of each plane, to tell blank ones
    assert here.settings == there.settings
    assert isinstance(here.image, CorrectedImage) == isinstance(there.image, CorrectedImage) == (dimmest < 1)
    box = (slice(3, 9), slice(0, 96), slice(50, 100))
    np.testing.assert_array_equal(here.read(box), there.read(box))


def test_bricks_see_the_range_of_the_whole(large):
    settings.BRICK, settings.BRICKS = 16, 16
    rng = np.random.default_rng(0)
    data = rng.normal(100, 5, (64, 64, 96)) + 200 * (rng.random((64, 64, 96)) < 0.01)
    bricks = Preprocessing.fit(data).limits
    settings.SCANNED = data.size
    assert bricks == pytest.approx(Preprocessing.fit(data).limits, rel=0.05)
