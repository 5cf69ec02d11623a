"""What Triton compiles for graphics cards is what torch does; without a card, Triton interprets it."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from anystar.geometry.rays import golden_spiral
from anystar.geometry.star_distances import numba as numba_distances
from anystar.geometry.star_distances import torch as distances
from tests.triton_tools import compile_for

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture
def march():
    pytest.importorskip("triton")
    from anystar.geometry.star_distances.triton import march

    return march


def blobs(seed, shape=(14, 17, 19)):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.5)
    return (ndimage.label(noise > 0)[0] * 3).astype(np.int32)


@pytest.mark.parametrize("seed", range(2))
def test_the_distances_are_those_of_numba(seed, march):
    volumes, rays = np.stack([blobs(seed), blobs(seed + 10)]), golden_spiral(16)
    labels = torch.from_numpy(volumes).to(DEVICE)
    marcher = distances._March(labels, rays)
    points = torch.cartesian_prod(*(torch.arange(n) for n in labels.shape)).to(DEVICE)[::61]
    found = march(*marcher.tables(marcher.start(*points.unbind(1)))).cpu().numpy()
    rows, where = points[:, 0].cpu().numpy(), points[:, 1:].cpu().numpy()
    for row, volume in enumerate(volumes):
        theirs = numba_distances.star_distances(volume, where[rows == row], rays)
        close = np.abs(found[rows == row] - theirs) < 1e-3
        assert close.mean() > 0.999, "a half-crossing may fall on either side of a voxel's edge"
        background = volume[tuple(where[rows == row].T)] == 0
        assert background.any()
        assert not found[rows == row][background].any()


def test_an_object_that_fills_the_volume_ends_at_it(march):
    labels = torch.ones(1, 5, 5, 5, dtype=torch.int32, device=DEVICE)
    marcher = distances._March(labels, golden_spiral(5))
    points = torch.tensor([[0, 1, 2, 2]], device=DEVICE)
    found = march(*marcher.tables(marcher.start(*points.unbind(1))))
    assert found[0, [0, 4]].tolist() == [1.5, 3.5]


@pytest.mark.parametrize("architecture", [75, 90])
def test_it_compiles_for_cards_that_are_not_here(architecture):
    pytest.importorskip("triton")
    kinds = {"flat": "*i32", "start": "*i64", "offsets": "*i64", "num": "i32"}
    kinds |= dict.fromkeys(["num_rays", "num_steps", "stride_z", "stride_y"], "i32")
    assert (
        compile_for(architecture, "anystar.geometry.star_distances.triton", "_march", kinds, {"BLOCK": 128})
        > 5_000
    )


def test_the_trial_passes(march):
    assert distances._trial(march, DEVICE) == ""


def test_a_march_that_errs_is_found_out():
    def torch_itself(flat, start, offsets, rays, strides):
        marcher = object.__new__(distances._March)
        marcher.flat, marcher.offsets_RK, marcher.rays_3R, marcher.strides = flat, offsets, rays, strides
        return marcher.in_torch(start)

    assert distances._trial(torch_itself, DEVICE) == ""
    assert "other distances" in distances._trial(lambda *tables: torch_itself(*tables) + 0.1, DEVICE)
