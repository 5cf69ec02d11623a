"""What a user does with a result: tables, filters, files, and a look at it."""

from dataclasses import replace

import numpy as np
import pytest

import anystar
from anystar import io
from anystar.arrays import Volume, VoxelSize
from anystar.errors import InputError
from anystar.geometry.rays import golden_spiral
from anystar.objects import FilterOptions, columns
from anystar.predict.candidates import Candidates
from anystar.predict.instances import InstanceStages, candidates_to_instances
from anystar.predict.result import Result

RAYS = golden_spiral(32)
SHAPE = (20, 40, 44)
SPACING = (1.0, 0.5, 0.5)


@pytest.fixture(scope="module")
def result():
    """Three balls, one of which touches the border, without a network."""
    voxel_size = VoxelSize(SPACING)
    centres = np.array([[10, 12, 12], [10, 28, 30], [10, 2, 36]], np.float32)
    points = (centres + 0.5) * voxel_size.aspect - 0.5
    radii = np.repeat(np.float32([[8.0], [6.0], [5.0]]), 32, axis=1)
    prob = np.float32([0.9, 0.8, 0.4])
    found = Candidates(points=points.astype(np.float32), prob=prob, distances=radii, rays=RAYS, floor=0.1)
    instances = candidates_to_instances(
        found,
        SHAPE,
        InstanceStages(aspect=voxel_size.aspect, prob_thresh=0.3, nms_thresh=0.3),
    )
    rng = np.random.default_rng(0)
    data = (rng.normal(50, 2, SHAPE) + 20 * (instances.labels > 0)).astype(np.float32)
    return Result(
        labels=instances.labels,
        objects=instances.objects,
        voxel_size=voxel_size,
        prob_thresh=0.3,
        nms_thresh=0.3,
        candidates=found,
        image=Volume(data=data, spacing=SPACING, header={"kept": 1}),
    )


def test_the_table_has_the_intensities_of_the_image_and_of_further_channels(result):
    other = result.image.data * 3
    table = result.table(intensities={"GFP": other, "c2": Volume(data=other, spacing=SPACING)})
    assert list(table) == [c.name for c in columns(channels=("GFP", "c2"))]
    np.testing.assert_allclose(table["intensity_mean_GFP"], 3 * table["intensity_mean"], rtol=1e-5)
    assert (table["contrast"] > 3).all()
    with pytest.raises(ValueError, match=r"GFP has the shape \(2, 3, 4\)"):
        result.table(intensities={"GFP": np.zeros((2, 3, 4))})


def test_filters_keep_numbers_and_agree_with_the_table(result):
    table = result.table()
    kept = result.filter(min_volume=80, drop_border=True)
    wanted = table["label"][(table["volume_um3"] >= 80) & ~table["touches_border"]]
    assert kept.objects.label.tolist() == wanted.tolist() == np.unique(kept.labels)[1:].tolist()
    assert len(result.filter(polarity="dark").objects) == 0
    assert result.filter(keep="probability > 0.85").objects.label.tolist() == [1]
    assert result.filter(FilterOptions(drop=("probability > 0.85",))).objects.label.tolist() == [2, 3]
    mask = np.zeros(SHAPE, bool)
    mask[:, :20] = True
    assert result.filter(mask=mask).objects.label.tolist() == [1, 3]
    assert result.filter() is result
    with pytest.raises(InputError, match="min_sphericity must be a number from 0 to 1, got 2"):
        result.filter(min_sphericity=2)


def test_other_thresholds_have_the_names_of_segment(result):
    assert len(result.rethreshold(prob_thresh=0.5).objects) == 2
    again = result.filter(drop_border=True).rethreshold(prob_thresh=0.3)
    np.testing.assert_array_equal(again.labels, result.labels)


def test_a_result_is_written_at_the_place_of_its_image(tmp_path, result):
    anystar.write(tmp_path / "labels.tif", result)
    volume = io.read(tmp_path / "labels.tif")
    np.testing.assert_array_equal(volume.data, result.labels)
    assert volume.spacing == pytest.approx(SPACING)
    assert result.volume.header == {"kept": 1}
    assert replace(result, image=None).volume.spacing is None


def test_labels_are_measured_as_the_result_is(result):
    ours, theirs = result.table(), anystar.measure(result.volume, result.image)
    for name in ("volume_um3", "x_um", "intensity_mean", "contrast", "touches_border"):
        np.testing.assert_allclose(theirs[name], ours[name], err_msg=name)


def test_values_are_displayed_in_a_few_lines(result):
    for value in (result, result.image, result.objects, result.table()):
        assert len(repr(value).splitlines()) <= 6
    assert "3 objects" in repr(result)
    assert "1 x 0.5 x 0.5 µm" in repr(result.image)
    for value in (result, result.image, result.table()):
        assert "<table>" in value._repr_html_()


def test_values_with_arrays_are_compared_by_identity(result):
    assert result == result
    assert result != replace(result)
    assert len({result, result.image, result.objects}) == 3
