"""ROIs for ImageJ: read by roifile and filled in by matplotlib, they are the labels."""

import zipfile

import numpy as np
import pytest
import tifffile
from matplotlib.path import Path
from roifile import ROI_TYPE, roiread

from anystar.arrays import Volume
from anystar.errors import InputError
from anystar.io.colours import imagej_colour
from anystar.io.files import write
from anystar.io.rois import RoiWriter, write_rois
from tests.predict.stub import stub_model
from tests.scenes import balls, ellipsoids, spots


def fill(rois, shape, slice_of=lambda roi: roi.position - 1):
    """Labels of ROIs: pixels whose centres lie in an odd number of outlines."""
    labels = np.zeros(shape, int)
    y, x = np.indices(shape[-2:])
    centres = np.stack([x.ravel(), y.ravel()], axis=1) + 0.5
    for roi in rois:
        outlines = roi.coordinates(multi=True)
        inside = sum(
            Path(np.concatenate([o, o[:1]])).contains_points(centres).astype(int)
            for o in (outlines if isinstance(outlines, list) else [outlines])
        )
        at = slice_of(roi)
        labels[at][(inside % 2 == 1).reshape(shape[-2:])] = int(roi.name.split("-")[0])
    return labels


def scene():
    """Touching ellipsoids, one with a hole, one in two parts, and a number above 255."""
    labels = ellipsoids(np.random.default_rng(3))
    labels[labels == 3] = 300
    at = np.argwhere(labels == 300).mean(axis=0).round().astype(int)
    labels[tuple(slice(c - 2, c + 3) for c in at)] = 0
    labels[at[0], 1:3, 1:3] = labels[at[0], -3:, -3:] = 42
    return labels


def test_rois_filled_in_are_the_labels(tmp_path):
    labels = scene()
    count = write_rois(tmp_path / "r.zip", labels)
    rois = roiread(tmp_path / "r.zip")
    assert len(rois) == count == sum(len(np.unique(plane[plane > 0])) for plane in labels)
    np.testing.assert_array_equal(fill(rois, labels.shape), labels)
    assert {roi.roitype for roi in rois} == {ROI_TYPE.TRACED, ROI_TYPE.RECT}
    with zipfile.ZipFile(tmp_path / "r.zip") as file:
        names = file.namelist()
    assert len(set(names)) == count
    assert sorted(names) == sorted(f"{roi.name}.roi" for roi in rois)


def test_colours_are_those_of_the_label_image_in_fiji(tmp_path):
    labels = balls((9, 30, 30), (1, (4, 8, 8), 4), (2, (4, 20, 20), 4))
    for highest in (2, 700):
        labels[labels >= 2] = highest
        write_rois(tmp_path / f"{highest}.zip", labels)
        write(tmp_path / f"{highest}.tif", Volume(data=labels.astype(np.uint16)), like=Volume(data=labels))
        with tifffile.TiffFile(tmp_path / f"{highest}.tif") as tif:
            lut = np.reshape(tif.imagej_metadata["LUTs"], (3, 256))
            low, high = tif.imagej_metadata["Ranges"]
        for roi in roiread(tmp_path / f"{highest}.zip"):
            entry = int((int(roi.name.split("-")[0]) - low) * 256 / (high - low + 1) + 0.5)
            assert tuple(roi.stroke_color) == (255, *lut[:, min(entry, 255)])
    assert imagej_colour(1, 2) != imagej_colour(2, 2)


def test_time_points_and_hyperstacks_have_positions_of_their_own(tmp_path):
    labels = np.stack([scene(), scene()[::-1]])
    with RoiWriter(tmp_path / "r.zip", highest=300) as writer:
        for time, volume in enumerate(labels):
            for z, plane in enumerate(volume):
                writer.add(plane, z, time)
    rois = roiread(tmp_path / "r.zip")
    placed = fill(rois, labels.shape, lambda roi: (roi.t_position - 1, roi.z_position - 1))
    np.testing.assert_array_equal(placed, labels)
    write_rois(tmp_path / "c.zip", labels[0], stack=False)
    rois = roiread(tmp_path / "c.zip")
    assert {(roi.position, roi.c_position, roi.t_position) for roi in rois} == {(0, 0, 0)}
    np.testing.assert_array_equal(fill(rois, labels[0].shape, lambda roi: roi.z_position - 1), labels[0])


def test_large_coordinates_are_kept(tmp_path):
    labels = np.zeros((1, 4, 60_000), np.uint8)
    labels[0, 1:3, 40_000:59_999] = 1
    labels[0, 1, 5] = 2
    labels[0, 3, 50_000] = 2
    write_rois(tmp_path / "r.zip", labels)
    boxes = {roi.name: (roi.left, roi.right) for roi in roiread(tmp_path / "r.zip")}
    assert boxes == {"1-z1": (40_000, 59_999), "2-z1": (5, 50_001)}
    with pytest.raises(InputError, match="reach up to 60535 pixels"):
        write_rois(tmp_path / "s.zip", np.ones((1, 1, 60_536), np.uint8))
    assert not (tmp_path / "s.zip").exists()


def test_a_result_is_written_as_its_labels_are(tmp_path):
    result = stub_model().segment(spots([1.0, 0.9, 0.8]), diameter=8.0, prob_thresh=0.4)
    write_rois(tmp_path / "a.zip", result)
    write_rois(tmp_path / "b.zip", result.labels)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert len(roiread(tmp_path / "a.zip")) > 3


def test_a_name_without_zip_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"rois must end in \.zip"):
        write_rois(tmp_path / "r.roi", np.ones((1, 2, 2), int))


def test_an_empty_volume_gives_an_empty_file(tmp_path):
    assert write_rois(tmp_path / "r.zip", np.zeros((2, 3, 3), int)) == 0
    with zipfile.ZipFile(tmp_path / "r.zip") as file:
        assert file.namelist() == []
