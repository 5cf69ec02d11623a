"""``anystar timecourse``: series in every form, known curves out."""

import csv
import re

import nibabel as nib
import numpy as np
import pytest
import tifffile

from anystar import io
from anystar.arrays import Volume

T, SHAPE = 20, (6, 16, 18)
SPACING = (3000.0, 2000.0, 2000.0)
TIME = np.arange(T)
CURVES = {2: 100 + 2.0 * TIME, 5: 80 - 1.0 * TIME}


def scene():
    labels = np.zeros(SHAPE, np.uint16)
    labels[1:5, 2:8, 2:8] = 2
    labels[1:5, 9:14, 9:16] = 5
    frames = np.full((T, *SHAPE), 7.0, np.float32)
    for label, curve in CURVES.items():
        frames[:, labels == label] = curve[:, None]
    return labels, frames


def write_nifti(path, frames):
    image = nib.Nifti1Image(frames.T, np.diag([2.0, 2.0, 3.0, 1.0]))
    image.header.set_xyzt_units("mm", "msec")
    image.header["pixdim"][4] = 1500
    nib.save(image, path)


def write_tiff(path, frames):
    options = {
        "resolution": (1 / 2000, 1 / 2000),
        "metadata": {"axes": "TZYX", "spacing": 3000, "unit": "um"},
    }
    tifffile.imwrite(path, frames, imagej=True, **options)


def write_folder(path, frames):
    for t, frame in enumerate(frames):
        io.write(path / f"f{10 + t:03d}.tif", Volume(data=frame, spacing=SPACING))


def write_zarr(path, frames):
    import zarr

    group = zarr.create_group(path, zarr_format=3)
    array = group.create_array("0", shape=frames.shape, dtype=frames.dtype, chunks=(1, *SHAPE))
    array[:] = frames
    names = [("t", "time", "second"), *((a, "space", "micrometer") for a in "zyx")]
    scale = {"type": "scale", "scale": [1.5, *SPACING]}
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [
            {
                "axes": [{"name": n, "type": kind, "unit": unit} for n, kind, unit in names],
                "datasets": [{"path": "0", "coordinateTransformations": [scale]}],
            }
        ],
    }


FORMS = {"s.nii.gz": write_nifti, "s.tif": write_tiff, "s.ome.zarr": write_zarr, "frames": write_folder}


@pytest.fixture
def series(tmp_path):
    labels, frames = scene()
    io.write(tmp_path / "labels.nii.gz", Volume(data=labels, spacing=SPACING))
    return tmp_path, frames


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def curve(folder, region, column):
    rows = [r for r in table(folder / "out" / "curves.csv") if r["region"] == str(region)]
    return np.array([float(r[column] or "nan") for r in rows])


@pytest.mark.parametrize("name", FORMS)
def test_known_curves_from_every_form(series, run, name):
    folder, frames = series
    FORMS[name](folder / name, frames)
    options = ("--labels", folder / "labels.nii.gz", "--baseline", 0, 3, "-o", folder / "out")
    result = run("timecourse", folder / name, *options)
    assert result.exit_code == 0, result.output
    assert "2 regions in 20 frames, baseline frames 0 to 3" in result.stdout
    assert "note" not in result.stdout
    for region, known in CURVES.items():
        np.testing.assert_allclose(curve(folder, region, "mean"), known, rtol=1e-6)
        np.testing.assert_allclose(curve(folder, region, "change"), known / known[:4].mean() - 1, atol=1e-6)
    size = {2: 4 * 6 * 6, 5: 4 * 5 * 7}
    organ = sum(CURVES[k] * n for k, n in size.items()) / sum(size.values())
    np.testing.assert_allclose(curve(folder, 0, "mean"), organ, rtol=1e-6)
    assert (folder / "out" / "curves.png").read_bytes().startswith(b"\x89PNG")
    seconds = [r["seconds"] for r in table(folder / "out" / "frames.csv")]
    assert seconds[2] == {"s.nii.gz": "3"}.get(name, "")


def test_a_mask_restricts_everything(series, run):
    folder, frames = series
    write_nifti(folder / "s.nii", frames)
    mask = np.zeros(SHAPE, np.uint8)
    mask[:, :9] = 1
    io.write(folder / "mask.nii.gz", Volume(data=mask, spacing=SPACING))
    options = ("--labels", folder / "labels.nii.gz", "--mask", folder / "mask.nii.gz", "-o", folder / "out")
    result = run("timecourse", folder / "s.nii", *options)
    assert result.exit_code == 0, result.output
    assert "note: regions outside the mask have no curve: 5" in result.stdout
    organ = (7.0 * (mask.sum() - 144) + CURVES[2] * 144) / mask.sum()
    np.testing.assert_allclose(curve(folder, 0, "mean"), organ, rtol=1e-6)


def test_missing_constant_and_broken_frames_are_said(series, run):
    folder, frames = series
    frames[4] = 0
    frames[7, 2, 3, 3] = np.nan  # inside region 2
    write_folder(folder / "frames", frames)
    (folder / "frames" / "f012.tif").unlink()
    (folder / "frames" / "f013.tif").write_bytes(b"II*\x00")
    io.write(folder / "frames" / "f019.tif", Volume(data=frames[9, :4]))
    options = ("--labels", folder / "labels.nii.gz", "-o", folder / "out")
    result = run("timecourse", folder / "frames", *options)
    assert result.exit_code == 1, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 3, result.stderr
    assert re.search(
        r"3 of 20 frames are missing \(2 to 3, 9\) and left out: .*no file for frame 2", lines[0]
    )
    assert "1 of 20 frames are constant (4) and left out" in lines[1]
    assert "1 of 20 frames have NaN or infinite voxels (7)" in lines[2]
    found = np.isfinite(curve(folder, 2, "smoothed"))
    assert np.flatnonzero(~found).tolist() == [2, 3, 4, 7, 9]
    assert np.flatnonzero(~np.isfinite(curve(folder, 5, "mean"))).tolist() == [2, 3, 4, 9]
    states = [r["state"] for r in table(folder / "out" / "frames.csv")]
    assert states[2:8] == ["missing", "missing", "constant", "ok", "ok", "not finite"]


def test_drift_is_said_in_one_line(series, run):
    folder, frames = series
    rng = np.random.default_rng(0)
    frames += rng.normal(0, 5, SHAPE).astype(np.float32)
    frames[12:] = np.roll(frames[12:], 3, axis=2)
    frames[17] = rng.normal(0, 5, SHAPE)
    write_nifti(folder / "s.nii", frames)
    result = run("timecourse", folder / "s.nii", "--labels", folder / "labels.nii.gz", "-o", folder / "out")
    assert result.exit_code == 0, result.output
    (line,) = [n for n in result.stdout.splitlines() if "note" in n]
    assert "7 of 20 frames (12 to 16, 18 to 19) have drifted from frame 0" in line
    assert re.search(r"by up to (2\.[5-9]|3\.[0-5]) voxels along Y", line)
    assert "1 of 20 frames (17) hardly resemble frame 0" in line
    assert line.endswith("register the series first")


def test_a_frame_is_segmented_for_the_regions(series, run, model):
    folder, frames = series
    write_tiff(folder / "s.tif", frames)
    result = run("timecourse", folder / "s.tif", "--segment-frame", 0, "-o", folder / "out")
    assert result.exit_code == 0, result.output
    assert model.calls[0]["spacing"] == pytest.approx(SPACING)
    labels = io.read(folder / "out" / "labels.tif")
    assert labels.spacing == pytest.approx(SPACING)
    assert labels.data.max() == 2
    np.testing.assert_allclose(curve(folder, 1, "mean"), CURVES[2], rtol=1e-6)


def test_bad_input(series, refused, model):
    folder, frames = series
    write_nifti(folder / "s.nii", frames)
    labels = ("--labels", folder / "labels.nii.gz")
    out = ("-o", folder / "out")

    def line(*args):
        return refused("timecourse", *args, *out, folder=folder)

    assert "give one of the two" in line(folder / "s.nii")
    assert "--baseline takes two of the frames 0 to 19 in order, got 5 20" in line(
        folder / "s.nii", *labels, "--baseline", 5, 20
    )
    assert "--segment-frame must be one of the frames 0 to 19, got 20" in line(
        folder / "s.nii", "--segment-frame", 20
    )
    assert "holds one volume; give a time series" in line(folder / "labels.nii.gz", *labels)
    io.write(folder / "small.tif", Volume(data=np.ones((6, 16, 17), np.uint8)))
    assert "has the shape (6, 16, 17) but" in line(folder / "s.nii", "--labels", folder / "small.tif")
    io.write(folder / "half.tif", Volume(data=np.full(SHAPE, 0.5, np.float32)))
    assert "has fractional values" in line(folder / "s.nii", "--labels", folder / "half.tif")
    io.write(folder / "none.tif", Volume(data=np.zeros(SHAPE, np.uint8)))
    assert "holds only background" in line(folder / "s.nii", "--labels", folder / "none.tif")
    frames[:3] = np.nan
    write_nifti(folder / "s.nii", frames)
    assert "no frame of the baseline 0 to 2 can be used" in line(
        folder / "s.nii", *labels, "--baseline", 0, 2
    )
    assert "frame 1 is missing, constant or not finite" in line(folder / "s.nii", *labels, "--reference", 1)
    (folder / "mixed").mkdir()
    for name in ("a1.tif", "b1.tif"):
        io.write(folder / "mixed" / name, Volume(data=frames[0] * 0))
    assert "are both frame 1; rename one" in line(folder / "mixed", *labels)


def test_no_input_is_overwritten(series, run, refused, model):
    folder, frames = series
    write_tiff(folder / "s.tif", frames)
    mask = folder / "out" / "labels.tif"
    io.write(mask, Volume(data=np.ones(SHAPE, np.uint8)))
    options = ("--segment-frame", 0, "--mask", mask, "-o", folder / "out", "--overwrite")
    line = refused("timecourse", folder / "s.tif", *options, folder=folder)
    assert "labels.tif is an input and would be overwritten; choose another output" in line
    (folder / "out" / "frames.csv").write_text("mine")
    line = refused("timecourse", folder / "s.tif", "--segment-frame", 0, "-o", folder / "out", folder=folder)
    assert "frames.csv exists already; add --overwrite, or choose another name" in line


def test_the_help_says_the_unit_of_the_diameter(run):
    text = " ".join(run("timecourse", "--help").stdout.split())
    assert "in micrometres (in voxels if no voxel size is known)" in text
