import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anystar.nn.model import NetworkConfig, StarNet
from anystar.predict import candidates as module
from anystar.predict.candidates import find_candidates
from anystar.predict.tiles import cheapest, halves, product, tile_axes, tiles
from anystar.preprocess import Preprocessing
from anystar.preprocess.resample import ResampledImage
from tests.predict.stub import Stub

CPU = torch.device("cpu")


def view_of(image, zoom=(1, 1, 1)):
    return ResampledImage(prepared=Preprocessing().apply(image), zoom=zoom, device=CPU)


def everything(view):
    return view.read(tuple(slice(0, n) for n in view.shape))[0, 0].numpy()


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(*[st.integers(1, 9)] * 3),
    st.tuples(*[st.integers(1, 70)] * 3),
    st.integers(0, 20),
    st.sampled_from([2, 4, 8]),
)
def test_cores_partition_the_volume_and_are_seen_with_their_halo(blocks, core, halo, divisor):
    shape = tuple(n * divisor for n in blocks)
    owned = np.zeros(shape, int)
    for tile in tiles(shape, core=core, halo=halo, divisor=divisor):
        owned[tile.core] += 1
        for read, own, num in zip(tile.read, tile.core, shape, strict=True):
            assert read.start == 0 or own.start - read.start >= halo
            assert read.stop == num or read.stop - own.stop >= halo
            assert read.start % divisor == 0
            assert (read.stop - read.start) % divisor == 0
    assert (owned == 1).all()


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(1, 40)] * 3), st.integers(0, 3), st.floats(0, 1))
def test_the_cheapest_tiles_fit_and_no_cubes_that_fit_cost_less(blocks, reach, share):
    shape, divisor, halo, most = tuple(8 * n for n in blocks), 8, 16, 40**3

    def work(core):
        """Of all tiles, one by one, and the most that one of them makes."""
        costs, made = [], []
        for tile in tiles(shape, core=core, halo=halo, divisor=divisor):
            seen = np.prod([s.stop - s.start for s in tile.read])
            sides = zip(tile.core, shape, strict=True)
            fine = np.prod([min(n, s.stop + reach) - max(0, s.start - reach) for s, n in sides])
            costs.append(share * seen + (1 - share) * fine)
            made.append(fine)
        return sum(costs), max(made)

    core = cheapest(shape, halo=halo, reach=reach, divisor=divisor, most=most, share=share)
    cost, made = work(core)
    assert made <= most
    for side in range(8, 48, 8):
        other, fine = work((side,) * 3)
        assert fine > most or cost <= 1.2 * other  # a last tile that is thinner than the halo sees less


def test_tiles_are_never_too_small():
    assert cheapest((64, 64, 64), halo=8, reach=8, divisor=16, most=10, share=0.5) == (16, 16, 16)


def test_tiled_equals_whole_where_the_halo_covers_the_field_of_view(monkeypatch):
    """Away from the volume's border, tiles must not show in what the network says."""
    torch.manual_seed(0)
    network = StarNet(NetworkConfig(channels=(4, 8), grid=2, num_rays=32, head_channels=8)).eval()
    volume = view_of(np.random.default_rng(1).random((100, 40, 36)))
    whole = find_candidates(network, volume, floor=0.0, bfloat16=False)
    monkeypatch.setattr(module, "_POINTS", 24**3)
    tiled = find_candidates(network, volume, floor=0.0, bfloat16=False)
    assert len(whole) == len(tiled) == 50 * 20 * 18
    order = [np.lexsort(c.points.T[::-1]) for c in (whole, tiled)]
    assert np.array_equal(whole.points[order[0]], tiled.points[order[1]])
    assert np.allclose(whole.prob[order[0]], tiled.prob[order[1]], atol=1e-5)
    assert np.allclose(whole.distances[order[0]], tiled.distances[order[1]], atol=1e-4)


def test_resampling_keeps_positions_and_means():
    image = np.zeros((20, 20, 20), np.float32)
    image[8:12, 8:12, 8:12] = 1
    half = everything(view_of(image, (0.5, 0.5, 0.5)))
    assert half.shape == (10, 10, 10)
    assert half.mean() * 8 == np.float32(image.mean() * 8).item() or abs(half.mean() - image.mean()) < 1e-3
    for factor in (0.5, 1.7):
        other = everything(view_of(image, (factor,) * 3))
        centre = np.array(np.nonzero(other > 0.6 * other.max())).mean(1)
        assert np.allclose((centre + 0.5) / factor - 0.5, 9.5, atol=0.15)


class Cramped(Stub):
    """A network on a device that holds no more than so many voxels."""

    def __init__(self, most):
        super().__init__()
        self.most = most

    def forward(self, image, part=None):
        if image.numel() > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        assert not any(num % self.config.divisor for num in image.shape[2:]), "as the network's pooling asks"
        return super().forward(image, part)


def test_too_little_memory_means_smaller_tiles_the_same_result_and_one_note():
    view = view_of(np.random.default_rng(1).random((150, 90, 36)))
    whole = find_candidates(Stub(), view, floor=0.4, bfloat16=False)
    cramped = find_candidates(Cramped(100 * 90 * 40), view, floor=0.4, bfloat16=False)
    (note,) = cramped.notes
    assert "smaller tiles" in note
    assert whole.notes == ()
    order = [np.lexsort(c.points.T[::-1]) for c in (whole, cramped)]
    assert len(whole) > 1000
    np.testing.assert_array_equal(whole.points[order[0]], cramped.points[order[1]])
    np.testing.assert_allclose(whole.prob[order[0]], cramped.prob[order[1]], atol=1e-6)
    with pytest.raises(torch.OutOfMemoryError):
        find_candidates(Cramped(10), view, floor=0.4, bfloat16=False)


def test_halves_are_multiples_of_the_coarsest_cell_wherever_a_tile_begins():
    axes = tile_axes(
        (320, 192, 192), core=(128, 96, 96), halo=32, divisor=16, margin=4, inside=(310, 184, 184)
    )
    for tile in product(axes):
        parts = halves(tile, halo=32, divisor=16)
        (axis,) = {a for part in parts for a in range(3) if part.core[a] != tile.core[a]}
        assert [parts[0].core[axis].start, parts[0].core[axis].stop] == [
            tile.core[axis].start,
            parts[1].core[axis].start,
        ]
        assert parts[1].core[axis].stop == tile.core[axis].stop
        for part in parts:
            seen, own = part.read[axis], part.core[axis]
            assert (seen.stop - seen.start) % 16 == 0
            assert (seen.start - tile.read[axis].start) % 16 == 0
            assert seen.start <= max(tile.read[axis].start, own.start - 32)
            assert seen.stop >= min(tile.read[axis].stop, own.stop + 32)
