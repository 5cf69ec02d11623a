"""The two geometric stages against MONAI's transforms and literal definitions."""

import numpy as np
import pytest
import torch
from monai import transforms as monai

from anystar.synth.deform import Bend, BendDrawn, World, WorldDrawn, bend_coords, world_coords
from anystar.synth.fields import lattice, sample
from anystar.synth.streams import Streams

SHAPE = (16, 20, 24)
STREAMS = Streams(0, [0])


def still(**changes):
    values = {
        "flip_axis": None, "turns": 0, "plane": (0, 1), "sigma": 3.0, "magnitude": 0.0,
        "shear": (0.0,) * 6, "scale": (1.0, 1.0, 1.0),
    }  # fmt: skip
    return BendDrawn(**(values | changes))


def placed(**changes):
    values = {
        "size": 48, "padding_before": (0, 0, 0), "padding_after": (0, 0, 0), "mirrored": True,
        "centre": (23.5,) * 3, "zoom": 1.0, "rotation": (0.0, 0.0, 0.0), "translation": (0.0, 0.0, 0.0),
    }  # fmt: skip
    return WorldDrawn(**(values | changes))


def image_of(shape=SHAPE):
    return torch.from_numpy(np.random.default_rng(0).random((1, 1, *shape), np.float32))


def elastic(drawn, shape, image):
    """Return what MONAI's ``Rand3DElastic`` makes of an image with our draws."""
    transform = monai.Rand3DElastic((3, 3), (1, 1), prob=1.0, padding_mode="zeros")
    transform._do_transform = True
    transform.rand_offset = (STREAMS.uniform("bend", (3, *shape)) * 2 - 1)[0].numpy()
    transform.magnitude, transform.sigma = drawn.magnitude, drawn.sigma
    # Given as a matrix: MONAI 1.6 turned its six shear factors into a product of shears, the reference's
    # version (and the docstring of 1.6) has them side by side.
    s = drawn.shear
    shear = np.array([[1, s[0], s[1]], [s[2], 1, s[3]], [s[4], s[5], 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = shear @ np.diag(drawn.scale)
    affine = monai.AffineGrid(affine=torch.from_numpy(matrix))
    transform.rand_affine_grid = lambda grid: affine(grid=grid)[0]
    return torch.as_tensor(np.asarray(transform(image[0], randomize=False)))


@pytest.mark.parametrize(
    "changes",
    [
        {"magnitude": 15.0, "sigma": 2.0},
        {"shear": (0.3, -0.2, 0.1, 0.25, -0.3, 0.15)},
        {"scale": (0.8, 1.3, 1.1)},
        {"magnitude": 18.0, "shear": (0.2, 0.1, -0.2, 0.1, 0.3, 0.0), "scale": (1.2, 0.9, 0.75)},
    ],
    ids=["displacement", "shear", "scale", "all"],
)
def test_bend_equals_monais_elastic(changes):
    drawn = still(**changes)
    shape = (24, 28, 32)
    ramps = lattice(shape, "cpu").movedim(-1, 0)[None]  # reading a ramp gives the coordinate
    coords, _ = bend_coords([drawn], STREAMS, shape)
    expected = elastic(drawn, shape, ramps)
    # The displacement is blurred: at the borders MONAI's zero padding weakens it, ours keeps it. MONAI also
    # cuts the kernel at three sigma.
    margin = 8 if "magnitude" in changes else 0
    within = ((coords >= 0) & (coords <= torch.tensor(shape) - 1)).all(-1)[0]
    middle = torch.zeros_like(within)
    middle[tuple(slice(margin, n - margin) for n in shape)] = True
    assert (middle & within).float().mean() > 0.05
    error = (sample(ramps, coords, zeros=True)[0] - expected).abs()[:, middle & within]
    assert float(error.max()) < (0.02 if margin else 1e-3)


def test_shear_of_one_axis_equals_monais_own():
    drawn = still(shear=(0.4, 0.0, 0.0, 0.0, 0.0, 0.0), scale=(1.1, 0.9, 1.2))
    grid = monai.AffineGrid(shear_params=drawn.shear, scale_params=drawn.scale)(SHAPE)[0]
    expected = torch.as_tensor(np.asarray(grid))[:3].movedim(0, -1)
    middle = (torch.tensor(SHAPE) - 1) / 2
    coords, _ = bend_coords([drawn], STREAMS, SHAPE)
    assert torch.allclose(coords[0] - middle, expected.float(), atol=1e-4)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("flip_axis", [None, 0, 1, 2])
@pytest.mark.parametrize("plane", [(0, 1), (0, 2), (1, 2)])
def test_quarter_turns_and_flips_move_whole_voxels(turns, flip_axis, plane):
    image = image_of((12, 12, 12))
    coords, inside = bend_coords([still(turns=turns, flip_axis=flip_axis, plane=plane)], STREAMS, (12,) * 3)
    expected = image[0, 0] if flip_axis is None else image[0, 0].flip(flip_axis)
    expected = torch.rot90(expected, -turns, plane)
    assert torch.allclose(sample(image, coords, zeros=True)[0, 0], expected, atol=1e-5)
    assert inside.all()


def test_rotation_and_translation_equal_monais_affine():
    rotation, translation = (0.3, -0.6, 0.5), (3.0, -5.0, 7.0)
    drawn = placed(rotation=rotation, translation=translation)
    points = lattice(SHAPE, "cpu")[None]
    scaled = world_coords([drawn], points, SHAPE)[0][0]
    grid = monai.AffineGrid(rotate_params=rotation, translate_params=translation)(SHAPE)[0]
    expected = torch.as_tensor(np.asarray(grid))[:3].movedim(0, -1) + 23.5
    inside = ((expected >= 0) & (expected <= 47)).all(-1)
    assert inside.float().mean() > 0.5
    assert torch.allclose(scaled[inside], expected[inside].float(), atol=1e-3)


@pytest.mark.parametrize("zoom", [0.5, 1.25])
def test_zoom_equals_monais_zoom(zoom):
    ramps = lattice((48, 48, 48), "cpu").movedim(-1, 0)  # reading a ramp gives the coordinate
    zoomed = torch.as_tensor(np.asarray(monai.Zoom(zoom, mode="trilinear", keep_size=True)(ramps)))
    scaled = world_coords([placed(zoom=zoom)], lattice((48,) * 3, "cpu")[None], (48,) * 3)[0][0]
    middle = (slice(14, 34),) * 3
    assert torch.allclose(scaled[middle], zoomed.movedim(0, -1)[middle].float(), atol=1e-3)


def test_crop_zoom_and_affine_are_one_resampling_of_monais_three():
    """Inside the crop; beyond it MONAI mirrors the crop and ours shows the world around it."""
    ramps = lattice((48, 48, 48), "cpu").movedim(-1, 0)  # reading a ramp gives the coordinate
    rotation, translation, zoom, start = (0.2, -0.3, 0.25), (2.0, -3.0, 1.0), 1.25, (9, 13, 5)
    shape = (24, 24, 24)
    crop = monai.SpatialCrop(roi_start=start, roi_end=[s + n for s, n in zip(start, shape, strict=True)])
    zoomed = monai.Zoom(zoom, mode="trilinear", keep_size=True, padding_mode="reflect")(crop(ramps))
    affine = monai.Affine(rotation, None, translation, padding_mode="reflection", image_only=True)
    expected = torch.as_tensor(np.asarray(affine(zoomed))).movedim(0, -1)
    centre = tuple(s + (n - 1) / 2 for s, n in zip(start, shape, strict=True))
    drawn = placed(rotation=rotation, translation=translation, zoom=zoom, centre=centre)
    scaled = world_coords([drawn], lattice(shape, "cpu")[None], shape)[0][0]
    low = torch.tensor(start) + 3
    inside = ((scaled > low) & (scaled < low + 17)).all(-1)
    assert inside.float().mean() > 0.3
    assert (scaled - expected)[inside].abs().max() < 0.1  # MONAI's zoom lies half a voxel's rounding off


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_flips_and_quarter_turns_equal_monais(turns):
    image = image_of((12, 12, 12))
    coords, _ = bend_coords([still(turns=turns, flip_axis=1, plane=(0, 2))], STREAMS, (12,) * 3)
    flipped = monai.Flip(1)(image[0])
    expected = torch.as_tensor(np.asarray(monai.Rotate90(4 - turns, (0, 2))(flipped)))
    assert torch.allclose(sample(image, coords, zeros=True)[0], expected, atol=1e-5)


def literal_padding(volume, before, after, mirrored):
    """Pad and scale back by the nearest neighbour (GENERATOR stage 2), voxel by voxel along each axis."""
    size = volume.shape[0]
    mode = {"mode": "reflect"} if mirrored else {"mode": "constant", "constant_values": -1}
    padded = np.pad(volume, list(zip(before, after, strict=True)), **mode)
    rows = []
    for num in padded.shape:
        at = [(i + 0.5) * num / size - 0.5 for i in range(size)]
        rows.append([min(max(int(np.floor(a + 0.5)), 0), num - 1) for a in at])
    return padded[np.ix_(*rows)]


@pytest.mark.parametrize("mirrored", [False, True], ids=["zeros", "reflect"])
def test_padding_equals_padding_a_volume_and_scaling_it_back(mirrored):
    """Every voxel of a world of 24: what is read there is what literal padding puts there."""
    size, before, after = 24, (0, 6, 12), (18, 0, 6)
    volume = np.arange(size**3).reshape((size,) * 3)
    drawn = placed(
        size=size, padding_before=before, padding_after=after, mirrored=mirrored, centre=(11.5,) * 3
    )
    _, world, _, inside = world_coords([drawn], lattice((size,) * 3, "cpu")[None], (size,) * 3)
    at = world[0].numpy()
    # A coordinate midway between two voxels may be rounded either way, but must be one of the two.
    low, high = (np.clip(np.floor(at + 0.5 + e).astype(int), 0, size - 1) for e in (-1e-4, 1e-4))
    expected = literal_padding(volume, before, after, mirrored)
    found = [volume[tuple(np.moveaxis(corner, -1, 0))] for corner in (low, high)]
    outside = ~inside[0].numpy()
    assert mirrored != outside.any()
    assert (expected[outside] == -1).all()
    agrees = (found[0] == expected) | (found[1] == expected)
    assert agrees[~outside].mean() > 0.999


def test_mirror_images_are_other_objects():
    drawn = placed(zoom=0.2)
    shape = (64, 16, 16)  # 320 voxels of a world of 48: further away than cells are counted
    _, world, cell, inside = world_coords([drawn], lattice(shape, "cpu")[None], shape)
    line = slice(None), 8, 8
    along, number, seen = world[0][line][:, 0], cell[0][line], inside[0][line]
    for value in number[seen].unique():
        part = along[seen & (number == value)]
        steps = part.diff()
        assert len(part) > 1
        assert (steps > 0).all() or (steps < 0).all(), "a cell holds one copy of the world"


def test_draws_stay_in_their_ranges():
    world, bend = World(), Bend()
    for index in range(50):
        rng = Streams(4, [index]).scalars("world")[0]
        w, b = world.draw(rng, (64, 64, 64)), bend.draw(rng)
        assert set(w.padding_before + w.padding_after) <= {0, 32, 64, 96}
        assert 0.4 <= w.zoom <= 1.4
        assert max(map(abs, w.rotation)) <= np.pi / 4
        assert all(31.5 <= c <= 95.5 for c in w.centre)
        assert all(0.7 <= s <= 1.3 for s in b.scale)
        assert max(map(abs, b.shear)) <= 0.5
        assert b.turns in (1, 2, 3)
        assert b.flip_axis in (0, 1, 2)
