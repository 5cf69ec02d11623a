"""The way through Fiji: labels of 16 bits or 32-bit floats are measured, compared and exported alike."""

import numpy as np
import pytest
import tifffile
from roifile import roiread

import anystar
from anystar import io
from anystar.arrays import Volume
from anystar.errors import FileError, InputError
from anystar.report.table import read_table
from anystar.train import LabelledConfig, prepare
from anystar.workflow.annotated import read_pairs
from anystar.workflow.evaluating import evaluate_files
from anystar.workflow.exporting import export_file
from anystar.workflow.filtering import filter_file
from anystar.workflow.measuring import measure_file
from anystar.workflow.reporting import report_runs
from tests.cli.conftest import run
from tests.io.test_rois import fill
from tests.scenes import annotated_balls

__all__ = ["run"]

SPACING = (1.0, 0.5, 0.5)


@pytest.fixture
def corrected(tmp_path):
    """An image, labels of 16 bits, and the same labels as Fiji saves them after a change of type."""
    made = annotated_balls(num=32, radius=5.0)
    labels = made.labels.astype(np.uint16) * 3  # with gaps
    for name, data in (("image", made.image), ("int", labels), ("float", labels.astype(np.float32))):
        tifffile.imwrite(
            tmp_path / f"{name}.tif",
            data,
            imagej=True,
            resolution=(1 / SPACING[2], 1 / SPACING[1]),
            metadata={"axes": "ZYX", "spacing": SPACING[0], "unit": "um"},
        )
    return tmp_path


def test_floats_that_are_whole_are_labels_everywhere(corrected):
    image, whole, floats = (corrected / f"{name}.tif" for name in ("image", "int", "float"))
    tables, outlines = [], []
    for labels in (whole, floats):
        stem = labels.stem
        measure_file(labels, image, table=corrected / f"{stem}.csv")
        tables.append(read_table(corrected / f"{stem}.csv")[0])
        export_file(labels, rois=corrected / f"{stem}.zip")
        outlines.append(fill(roiread(corrected / f"{stem}.zip"), (32, 32, 32)))
        options = anystar.FilterOptions(keep="label > 6")
        filter_file(labels, corrected / f"{stem}.csv", corrected / f"{stem}_kept.tif", options=options)
        report_runs([str(labels)], corrected / f"{stem}.html", images=image, ground_truth=whole, slices=2)
    for name in tables[0]:
        np.testing.assert_array_equal(tables[0][name], tables[1][name])
    np.testing.assert_array_equal(outlines[0], io.read(whole).data)
    np.testing.assert_array_equal(outlines[0], outlines[1])
    kept = [io.read(corrected / f"{stem}_kept.tif").data for stem in ("int", "float")]
    np.testing.assert_array_equal(kept[0], kept[1])
    assert evaluate_files(floats, whole).total[0].f1 == 1
    known = [
        prepare(read_pairs(image, labels), LabelledConfig(images=str(image), labels=str(labels)))[0].labels
        for labels in (whole, floats)
    ]
    np.testing.assert_array_equal(known[0], known[1])


def test_labels_that_are_no_labels_are_refused(corrected):
    data = io.read(corrected / "float.tif").data + np.float32(0.5)
    tifffile.imwrite(corrected / "half.tif", data, imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(FileError, match=r"half\.tif has fractional values; give a label image"):
        export_file(corrected / "half.tif", rois=corrected / "r.zip")
    noise = np.random.default_rng(0).integers(1, 4000, data.shape).astype(np.uint16)
    tifffile.imwrite(corrected / "noise.tif", noise, imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(FileError, match=r"noise\.tif holds intensities, not labels"):
        export_file(corrected / "noise.tif", rois=corrected / "r.zip")
    with pytest.raises(InputError, match=r"rois must end in \.zip"):
        export_file(corrected / "int.tif", rois=corrected / "r.roi")
    with pytest.raises(InputError, match="is an input and would be overwritten"):
        export_file(corrected / "int.tif", corrected / "int.zip", rois=corrected / "int.zip", overwrite=True)
    assert not (corrected / "r.zip").exists()


def test_segment_writes_rois_beside_the_labels(tmp_path, cells, model, run):
    for options in ((), ("--box", "3:,4:,5:")):
        result = run(
            "segment", cells, "-o", tmp_path / "l.tif", "--rois", tmp_path / "r.zip", "--overwrite", *options
        )
        assert result.exit_code == 0, result.output
        assert f"wrote {tmp_path / 'r.zip'}" in result.stdout
        labels = io.read(tmp_path / "l.tif").data
        np.testing.assert_array_equal(fill(roiread(tmp_path / "r.zip"), labels.shape), labels)
    result = run("export", tmp_path / "l.tif", "--rois", tmp_path / "e.zip")
    assert result.exit_code == 0, result.output
    assert "ROIs" in result.stdout
    assert (tmp_path / "e.zip").read_bytes() == (tmp_path / "r.zip").read_bytes()
    assert run("export", tmp_path / "l.tif", "--rois", tmp_path / "e.zip").exit_code == 2


def test_rois_of_a_channel_and_a_time_point_are_at_its_place(tmp_path, cells, model):
    data = io.read(cells).data
    series = np.stack([data, data[:, ::-1], data[:, :, ::-1]])
    tifffile.imwrite(tmp_path / "t.tif", series, imagej=True, metadata={"axes": "TZYX"})
    tifffile.imwrite(
        tmp_path / "c.tif", np.stack([data, data], axis=1), imagej=True, metadata={"axes": "ZCYX"}
    )
    for name, options in (("t", {"time": 2}), ("c", {"channel": 1})):
        outputs = anystar.Outputs(labels=tmp_path / f"{name}_l.tif", rois=tmp_path / f"{name}.zip")
        anystar.segment_file(tmp_path / f"{name}.tif", outputs, anystar.SegmentOptions(**options))
        rois = roiread(tmp_path / f"{name}.zip")
        labels = io.read(tmp_path / f"{name}_l.tif").data
        np.testing.assert_array_equal(fill(rois, labels.shape, lambda roi: roi.z_position - 1), labels)
        assert {(roi.position, roi.t_position) for roi in rois} == {(0, 3 if name == "t" else 0)}
    export_file(tmp_path / "c_l.tif", tmp_path / "c.tif", rois=tmp_path / "e.zip")
    assert {roi.position for roi in roiread(tmp_path / "e.zip")} == {0}
    export_file(tmp_path / "t_l.tif", tmp_path / "t.tif", rois=tmp_path / "f.zip", time=2)
    assert (tmp_path / "f.zip").read_bytes() == (tmp_path / "t.zip").read_bytes()


def test_the_volume_of_a_file_of_several_is_exported(tmp_path):
    labels = annotated_balls(num=24, radius=4.0).labels.astype(np.uint16)
    with tifffile.TiffWriter(tmp_path / "two.tif") as writer:
        writer.write(np.zeros((2, 10, 10), np.uint16), metadata={"axes": "ZYX"})
        writer.write(labels, metadata={"axes": "ZYX"})
    movie = np.stack([labels, labels[::-1], labels[:, ::-1]])
    tifffile.imwrite(tmp_path / "movie.tif", movie, imagej=True, metadata={"axes": "TZYX"})
    tifffile.imwrite(tmp_path / "as_time.tif", labels, imagej=True, metadata={"axes": "TYX"})
    for name, how in (("two", {"series": 1}), ("as_time", {"axes": "ZYX"})):
        export_file(tmp_path / f"{name}.tif", rois=tmp_path / f"{name}.zip", **how)
        np.testing.assert_array_equal(fill(roiread(tmp_path / f"{name}.zip"), labels.shape), labels)
    export_file(tmp_path / "movie.tif", rois=tmp_path / "one.zip", time=2)
    rois = roiread(tmp_path / "one.zip")
    assert {roi.t_position for roi in rois} == {3}
    np.testing.assert_array_equal(fill(rois, labels.shape, lambda roi: roi.z_position - 1), movie[2])
    with pytest.raises(FileError, match="has one time point, number 0, not time point 1"):
        export_file(tmp_path / "two.tif", rois=tmp_path / "x.zip", series=1, time=1)


def test_blocks_write_rois_too(tmp_path):
    labels = annotated_balls(num=24, radius=4.0).labels
    io.write(tmp_path / "l.zarr", Volume(data=labels, spacing=SPACING))
    with io.open_image(tmp_path / "l.zarr") as lazy:
        io.write_rois(tmp_path / "r.zip", lazy)
    np.testing.assert_array_equal(fill(roiread(tmp_path / "r.zip"), labels.shape), labels)
