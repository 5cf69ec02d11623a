"""Tiles cover the volume, and cost as little as they can."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from anystar.predict.tiling import TileConfig, choose_tile_shape, iter_tiles, split_tile, tile_axes


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
    for tile in iter_tiles(tile_axes(shape, core=core, halo=halo, divisor=divisor)):
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
        for tile in iter_tiles(tile_axes(shape, core=core, halo=halo, divisor=divisor)):
            seen = np.prod([s.stop - s.start for s in tile.read])
            sides = zip(tile.core, shape, strict=True)
            fine = np.prod([min(n, s.stop + reach) - max(0, s.start - reach) for s, n in sides])
            costs.append(share * seen + (1 - share) * fine)
            made.append(fine)
        return sum(costs), max(made)

    config = TileConfig(halo=halo, reach=reach, max_points=most, encoder_share=share)
    core = choose_tile_shape(shape, grid=1, divisor=divisor, config=config)
    cost, made = work(core)
    assert made <= most
    for side in range(8, 48, 8):
        other, fine = work((side,) * 3)
        assert fine > most or cost <= 1.2 * other  # a last tile that is thinner than the halo sees less


def test_tiles_are_never_too_small():
    config = TileConfig(halo=8, reach=8, max_points=10)
    assert choose_tile_shape((64, 64, 64), grid=1, divisor=16, config=config) == (16, 16, 16)


def test_halves_of_a_tile_are_multiples_of_the_coarsest_cell_wherever_it_begins():
    axes = tile_axes(
        (320, 192, 192), core=(128, 96, 96), halo=32, divisor=16, margin=4, inside=(310, 184, 184)
    )
    for tile in iter_tiles(axes):
        parts = split_tile(tile, halo=32, divisor=16)
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
