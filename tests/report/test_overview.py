"""The overview image: which planes, which proportions, which outlines."""

import subprocess
import sys

import matplotlib.image
import numpy as np
import pytest

from anystar.report.overview import (
    draw_panels,
    label_colours,
    outline,
    panels,
    render,
    save_overview,
    scale_bar,
)
from anystar.report.survey import Extent, merge, survey


@pytest.fixture
def cells():
    labels = np.zeros((10, 20, 30), np.int32)
    labels[6, 4:9, 5:12], labels[6, 12:18, 20:28] = 1, 2
    labels[5, 13:17, 22:26] = 2
    image = np.where(labels > 0, 100, 10) + np.random.default_rng(0).integers(0, 5, labels.shape)
    return image.astype(np.uint8), labels


def test_slices_cut_the_most_object_voxels(cells):
    image, labels = cells
    xy, xz, yz, top = panels(image, labels, (4, 1, 0.5))
    np.testing.assert_array_equal(xy.labels, labels[6])
    assert (xy.labels.shape, xz.labels.shape, yz.labels.shape) == ((20, 30), (10, 30), (10, 20))
    assert (xy.extent, xz.extent, yz.extent, top.extent) == ((20, 15), (40, 15), (40, 20), (20, 15))
    assert top.title == "brightest along Z"
    np.testing.assert_array_equal(top.labels, labels.max(0))


def test_dark_objects_are_projected_dark(cells):
    image, labels = cells
    assert panels(255 - image, labels)[3].title == "darkest along Z"


def test_outline_stays_inside_each_object(cells):
    labels = cells[1][6]
    edge = outline(labels)
    assert not edge[labels == 0].any()
    assert edge[4, 5:12].all()
    assert not edge[6, 6:11].any()
    touching = outline(np.array([[1, 1, 1, 2, 2, 2]]))
    np.testing.assert_array_equal(touching, [[0, 0, 1, 1, 0, 0]])


def test_colours_differ_between_neighbours_in_number():
    colours = label_colours(np.arange(1, 200))
    assert colours.min() >= 0.3
    assert colours.max() <= 1
    assert np.abs(np.diff(colours, axis=0)).sum(1).min() > 0.3


def test_the_file_is_a_picture_with_colour(tmp_path, cells):
    image, labels = cells
    save_overview(tmp_path / "a.png", image, labels, spacing=(2, 0.5, 0.5), title="cells")
    displayed = matplotlib.image.imread(tmp_path / "a.png")[..., :3]
    assert min(displayed.shape[:2]) > 300
    coloured = np.ptp(displayed, axis=2) > 0.3
    assert coloured[displayed.shape[0] // 2 :].sum() > 500
    assert coloured[: displayed.shape[0] // 2 - 30].sum() == 0
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("value", [0, 7])
def test_constant_images_and_thin_ones(value):
    image = np.full((3, 40, 50), value, np.float32)
    draw_panels(panels(image, np.zeros(image.shape, np.int32)), metric=False)
    draw_panels(panels(image, np.ones(image.shape, np.int32), (1e-3, 2e3, 1)), metric=True)


def test_the_scale_bar_is_as_long_as_its_text_says(cells):
    image, labels = cells
    views = panels(image, 0 * labels, (2, 0.5, 0.5))
    bare, marked = (np.asarray(draw_panels(views, metric=metric)).astype(int) for metric in (False, True))
    length, text = scale_bar(views[0], "um")
    changed = np.abs(marked - bare).max(2) > 0
    white = changed & (marked.min(2) == 255)
    longest = white.sum(1).max()
    assert (length, text) == (2.0, "2 µm")
    assert longest == pytest.approx(length / views[0].extent[1] * 600, abs=2)
    assert not changed[: changed.shape[0] // 2].any()


def test_an_overview_is_drawn_without_matplotlib(tmp_path):
    code = (
        "import sys\nimport numpy as np\nfrom anystar.report.overview import save_overview\n"
        "labels = np.eye(20, dtype=np.int32)[None].repeat(8, 0)\n"
        f"save_overview({str(tmp_path / 'a.png')!r}, labels, labels, spacing=(1, 1, 1), title='cells')\n"
        "assert 'matplotlib' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_large_views_have_the_pixels_that_are_shown():
    rng = np.random.default_rng(0)
    image, labels = rng.random((4, 1500, 700)), rng.integers(0, 5, (4, 1500, 700))
    spacing = (1.0, 0.5, 1.0)
    xy, xz, yz, top = panels(image, labels, spacing)
    assert (xy.labels.shape, xz.labels.shape, yz.labels.shape) == ((600, 560), (3, 600), (3, 600))
    assert xy.extent == pytest.approx((750, 700))
    rows, columns = ((np.arange(n) + 0.5) * whole // n for n, whole in ((600, 1500), (560, 700)))
    at = np.ix_(rows.astype(int), columns.astype(int))
    np.testing.assert_array_equal(top.labels, labels.max(0)[at])
    assert render(top, outlined=True).shape == (600, 560, 3)  # every one of them once
    np.testing.assert_array_equal(render(xy, outlined=False)[..., 0], xy.grey)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, bool])
def test_boxes_add_up_to_the_volume(dtype):
    rng = np.random.default_rng(0)
    shape, pitch = (7, 1300, 40), (3, 500, 16)
    image = (rng.random(shape) * 1000).astype(dtype) if dtype is not bool else rng.random(shape) > 0.5
    labels = rng.integers(0, 2**40, shape) * (rng.random(shape) < 0.2)
    extent = Extent(shape, (2.0, 0.5, 0.5))
    want = survey(image, labels, extent)
    parts = []
    for corner in np.ndindex(3, 3, 3):
        box = tuple(slice(c * p, c * p + p) for c, p in zip(corner, pitch, strict=True))
        parts.append(survey(image[box], labels[box], extent, [s.start for s in box]))
    got = merge(reversed(parts), extent)
    for name, value in vars(want).items():
        np.testing.assert_allclose(vars(got)[name], value, rtol=1e-12, err_msg=name)
    assert got.filled_y.tolist() == [np.count_nonzero(labels[:, y]) for y in range(1300)]
    assert got.brightest.shape == (600, 18)
    for inside in (0, 1):
        mean = image[(labels > 0) == inside].mean()
        assert got.total[inside] / got.voxels[inside] == pytest.approx(mean)
    assert got.dark == (image[labels > 0].mean() < image[labels == 0].mean())


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="differ in shape"):
        panels(np.zeros((2, 3, 4)), np.zeros((2, 3, 5), int))
