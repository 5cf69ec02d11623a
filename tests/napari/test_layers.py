"""From layers of napari to volumes and back; needs no window."""

import numpy as np
import pytest
from napari.layers import Image, Labels

from anystar.errors import InputError
from anystar.napari.layers import layer_volume, voxel_size_of

pytestmark = pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
SHAPE = (6, 7, 8)
MICRONS = {"units": ("um",) * 3}


def grey(shape=SHAPE):
    return np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)


@pytest.mark.parametrize(
    ("kwargs", "spacing", "unit"),
    [
        ({"scale": (2, 0.5, 0.5)} | MICRONS, (2, 0.5, 0.5), "um"),
        ({"scale": (1, 1, 1)} | MICRONS, (1, 1, 1), "um"),
        ({"scale": (500, 200, 200), "units": ("nm",) * 3}, (0.5, 0.2, 0.2), "um"),
        ({"scale": (2e-3, 0.5, 0.5), "units": ("mm", "um", "um")}, (2, 0.5, 0.5), "um"),
        ({"scale": (2, 0.5, 0.5)}, (2, 0.5, 0.5), "relative"),
        ({"affine": np.diag([2, 0.5, 0.25, 1])} | MICRONS, (2, 0.5, 0.25), "um"),
        ({"scale": (-2, 0.5, 0.5)} | MICRONS, (2, 0.5, 0.5), "um"),
    ],
)
def test_the_voxel_size_is_that_of_scale_affine_and_units(kwargs, spacing, unit):
    found = voxel_size_of(Image(grey(), **kwargs))
    assert found.size.spacing == pytest.approx(spacing)
    assert found.size.unit == unit
    assert found.origin.startswith("from the layer")


def test_a_scale_of_one_in_pixels_is_no_voxel_size():
    found = voxel_size_of(Image(grey()))
    assert found.size is None
    assert found.origin == "not known: estimated"


def test_a_rotation_does_not_change_the_voxel_size():
    found = voxel_size_of(Image(grey(), scale=(2, 0.5, 0.5), rotate=(30, 20, 10), **MICRONS))
    assert found.size.spacing == pytest.approx((2, 0.5, 0.5))


@pytest.mark.parametrize(
    ("shape", "labels", "order", "others"),
    [
        ((3, *SHAPE), ("t", "z", "y", "x"), (1, 2, 3), {0: 2}),
        ((3, 2, *SHAPE), ("time", "c", "z", "y", "x"), (2, 3, 4), {0: 2, 1: 1}),
        ((6, 2, 7, 8), ("z", "c", "y", "x"), (0, 2, 3), {1: 1}),
        ((8, 7, 6), ("x", "y", "z"), (2, 1, 0), {}),
        ((3, *SHAPE), None, (1, 2, 3), {0: 2}),
    ],
)
def test_sliders_choose_the_volume_and_labels_lie_on_it(shape, labels, order, others):
    layer = Image(grey(shape), axis_labels=labels, scale=np.arange(2, 2 + len(shape)))
    point = np.array([layer.data_to_world([others.get(a, 0) for a in range(len(shape))])])[0]
    taken = layer_volume(layer, point)
    expected = layer.data[tuple(others.get(a, slice(None)) for a in range(len(shape)))]
    kept = [a for a in range(len(shape)) if a not in others]
    expected = expected.transpose([kept.index(a) for a in order])
    assert taken.shape == SHAPE
    np.testing.assert_array_equal(taken.read(), expected)

    shown = taken.place.to_layer(taken.read())
    result = Labels(shown.astype(np.int32), **taken.place.kwargs())
    assert result.axis_labels == layer.axis_labels
    assert result.units == layer.units
    for corner in ((0, 0, 0), (5, 6, 7), (2, 0, 3)):
        there = [0] * len(shape)
        for axis, value in zip(order, corner, strict=True):
            there[axis] = value
        world = result.data_to_world(there)
        for axis, value in others.items():
            there[axis] = value
        assert world == pytest.approx(layer.data_to_world(there))
    np.testing.assert_array_equal(taken.place.from_layer(shown), taken.read())
    assert np.shares_memory(shown, taken.read())


PLACES = [
    {"scale": (2, 0.5, 0.5), "translate": (10, -4, 3)},
    {"scale": (2, 0.5, 0.5), "translate": (1, 2, 3), "rotate": (30, 20, 10)},
    {"scale": (2, 0.5, 0.5), "shear": (0.1, 0.2, 0.3)},
    {"scale": (2, 1, 1), "affine": [[0, 1, 0, 5], [-1, 0, 0, 6], [0, 0, 1, 7], [0, 0, 0, 1]]},
]


@pytest.mark.parametrize("kwargs", PLACES)
def test_a_part_lies_where_its_voxels_are(kwargs):
    layer = Image(grey(), **kwargs)
    box = (slice(1, 4), slice(2, 6), slice(3, 8))
    taken = layer_volume(layer)
    place = taken.place.within(box)
    part = Labels(place.to_layer(taken.read(box)).astype(np.int32), **place.kwargs())
    assert part.data_to_world((0, 0, 0)) == pytest.approx(layer.data_to_world((1, 2, 3)))
    assert part.data_to_world((2, 3, 4)) == pytest.approx(layer.data_to_world((3, 5, 7)))


def test_a_pyramid_is_read_at_its_finest_level():
    fine = grey((16, 16, 16))
    taken = layer_volume(Image([fine, fine[::2, ::2, ::2]], multiscale=True))
    np.testing.assert_array_equal(taken.read(), fine)


def test_a_dask_array_is_read_box_by_box():
    array = pytest.importorskip("dask.array").from_array(grey((2, *SHAPE)), chunks=(1, 3, 7, 8))
    taken = layer_volume(Image(array, axis_labels=("t", "z", "y", "x")), (1, 0, 0, 0))
    assert not taken.in_memory
    box = (slice(2, 5), slice(7), slice(1, 8))
    np.testing.assert_array_equal(taken.read(box), grey((2, *SHAPE))[(1, *box)])


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (None, "there is no image layer; open a 3D image"),
        (Image(np.zeros((5, 6)), name="a"), "a is a 2D image"),
        (Image(np.zeros((5, 6, 7, 3), np.uint8), rgb=True, name="a"), "a is an RGB image"),
        (Labels(np.zeros((5, 6, 7), int), name="a"), "a holds labels, not an image"),
        (Image(np.zeros((5, 6, 7)), axis_labels=("t", "y", "x"), name="a"), "a has the axes t, y, x, not Z"),
    ],
)
def test_what_is_no_volume_is_refused(layer, message):
    with pytest.raises(InputError, match=message):
        layer_volume(layer)
