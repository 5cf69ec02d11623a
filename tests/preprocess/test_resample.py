import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from anystar.preprocess import Preprocessing
from anystar.preprocess import resample as module
from anystar.preprocess.resample import ResampledImage


def resampled(image, zoom, **settings):
    prepared = Preprocessing(**settings).apply(image)
    return ResampledImage(prepared=prepared, zoom=zoom, device=torch.device("cpu"))


def whole_of(grid):
    return grid.read(box_of(grid.shape))[0, 0].numpy()


def box_of(shape):
    return tuple(slice(0, n) for n in shape)


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[st.sampled_from([0.3, 0.5, 0.77, 1.0, 1.6, 2.0])] * 3), st.integers(0, 10_000))
def test_any_box_is_that_part_of_the_whole(zoom, seed):
    rng = np.random.default_rng(seed)
    grid = resampled(rng.random((20, 23, 26)), zoom)
    whole = grid.read(box_of(grid.shape))
    assert whole.shape[2:] == grid.shape
    start = [int(rng.integers(0, n)) for n in grid.shape]
    box = tuple(slice(a, int(rng.integers(a + 1, n + 1))) for a, n in zip(start, grid.shape, strict=True))
    part = grid.read(box)
    assert torch.allclose(part, whole[(slice(None), slice(None), *box)], atol=1e-5)
    source = grid.source(box)
    assert all(0 <= s.start < s.stop <= n for s, n in zip(source, (20, 23, 26), strict=True))


def test_slabs_do_not_show(monkeypatch):
    image = np.random.default_rng(0).random((60, 20, 20))
    grid = resampled(image, (0.4, 0.7, 1.0))
    whole = grid.read(box_of(grid.shape))
    monkeypatch.setattr(module, "SLAB_VOXELS", 7 * 400)
    assert torch.allclose(grid.read(box_of(grid.shape)), whole, atol=1e-5)
    plain = resampled(image, (1.0, 1.0, 1.0))
    assert torch.equal(plain.read(box_of(plain.shape))[0, 0], torch.from_numpy(image.astype(np.float32)))


@pytest.mark.parametrize("zoom", [(1.0, 1.0, 1.0), (0.5, 2.0, 1.0)])
def test_beyond_the_end_the_last_voxel_is_repeated(zoom):
    grid = resampled(np.random.default_rng(0).random((8, 8, 8)), zoom)
    z, y, x = grid.shape
    padded = grid.read((slice(0, z + 3), slice(0, y), slice(x - 1, x + 2)))
    whole = grid.read(box_of(grid.shape))
    assert torch.allclose(padded[:, :, :z, :, 0], whole[..., -1], atol=1e-6)
    assert torch.allclose(padded[:, :, z:], padded[:, :, z - 1 : z].expand(-1, -1, 3, -1, -1), atol=1e-6)


def test_constant_parts_are_told_apart():
    image = np.zeros((16, 8, 8))
    image[12, 4, 4] = 1
    grid = resampled(image, (1.0, 1.0, 1.0))
    assert grid.read((slice(0, 8), slice(0, 8), slice(0, 8))) is None
    assert grid.read((slice(8, 16), slice(0, 8), slice(0, 8))).max() == 1


def test_only_what_is_needed_is_read():
    class Counting:
        shape, dtype, seen = (1000, 64, 64), np.dtype(np.uint8), 0

        def __getitem__(self, box):
            size = [len(range(*s.indices(n))) for s, n in zip(box, self.shape, strict=True)]
            self.seen += int(np.prod(size))
            return np.arange(np.prod(size), dtype=np.float32).reshape(size)

    image = Counting()
    resampled(image, (0.5, 0.5, 0.5), limits=(0.0, 1e6)).read((slice(100, 120), slice(0, 32), slice(0, 32)))
    assert image.seen <= 46 * 64 * 64


def test_gamma_raises_what_is_normalised():
    image = np.array([[[0, 2, 4, 8, 9]]])
    part = Preprocessing(limits=(0.0, 8.0), gamma=0.5).apply(image).read((slice(0, 1),) * 2 + (slice(0, 5),))
    np.testing.assert_allclose(part[0, 0], [0, 0.5, 0.5**0.5, 1, 1], rtol=1e-6)


@pytest.mark.parametrize("zoom", [(1.0, 1.0, 1.0), (0.7, 1.0, 1.6)])
def test_smoothing_is_a_gaussian_before_resampling(zoom):
    image = np.random.default_rng(0).random((24, 25, 26)).astype(np.float32)
    sigma = (0.6, 1.2, 0.0)
    smooth = resampled(image, zoom, sigma=sigma)
    plain = resampled(ndimage.gaussian_filter(image, sigma, radius=(2, 4, 0)), zoom)
    inner = tuple(slice(7, n - 7) for n in smooth.shape)
    np.testing.assert_allclose(smooth.read(inner), plain.read(inner), atol=1e-5)
    whole = smooth.read(box_of(smooth.shape))
    assert whole.min() >= 0
    assert whole.max() <= 1
    box = tuple(slice(3, n - 4) for n in smooth.shape)
    np.testing.assert_allclose(smooth.read(box), whole[(..., *box)], atol=1e-6)


def test_resampling_keeps_positions_and_means():
    image = np.zeros((20, 20, 20), np.float32)
    image[8:12, 8:12, 8:12] = 1
    half = whole_of(resampled(image, (0.5, 0.5, 0.5)))
    assert half.shape == (10, 10, 10)
    assert half.mean() * 8 == np.float32(image.mean() * 8).item() or abs(half.mean() - image.mean()) < 1e-3
    for factor in (0.5, 1.7):
        other = whole_of(resampled(image, (factor,) * 3))
        centre = np.array(np.nonzero(other > 0.6 * other.max())).mean(1)
        assert np.allclose((centre + 0.5) / factor - 0.5, 9.5, atol=0.15)
