"""What ``anystar segment`` writes and says when all is well."""

import csv
import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import tifffile

import anystar
from anystar import io
from anystar.arrays import Volume


def test_labels_table_and_picture(tmp_path, cells, model, run):
    out = tmp_path / "out"
    result = run("segment", cells, "-o", out / "l.tif", "--table", out / "t.csv", "--overview", out / "p.png")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert sorted(p.name for p in out.iterdir()) == ["l.tif", "p.png", "t.csv", "t.csv.toml"]
    labels = io.read(out / "l.tif")
    assert (labels.spacing, labels.data.dtype, int(labels.data.max())) == ((2, 0.5, 0.5), np.uint16, 2)
    with open(out / "t.csv", newline="", encoding="utf-8") as file:
        first = next(csv.DictReader(file))
    assert [float(first[k]) for k in ("z_vox", "z_um", "y_um")] == [5, 10, 3.5]
    assert (out / "p.png").read_bytes().startswith(b"\x89PNG")
    assert "2 objects, typical diameter 6.26 µm" in result.stdout
    assert "note: a remark" in result.stdout


def test_options_reach_the_model(tmp_path, cells, model, run):
    numbers = ("--spacing", 3, 1, 1, "--diameter", 9, "--prob-thresh", 0.4, "--nms-thresh", 0)
    names = ("--device", "cpu", "--model", "anystar-mix")
    result = run("segment", cells, "-o", tmp_path / "l.npy", *numbers, *names)
    assert result.exit_code == 0, result.output
    (call,) = model.calls
    wanted = {"spacing": (3, 1, 1), "diameter": 9, "prob_thresh": 0.4, "nms_thresh": 0, "tta": False}
    assert {name: call[name] for name in wanted} == wanted
    assert model.device == "cpu"


def test_automatic_steps_can_be_switched_off_and_stay_so_when_a_run_is_repeated(tmp_path, cells, model, run):
    steps = {"aspect": "aspect", "appearance": "appearance", "threshold": "adapt-threshold"}
    steps |= {"illumination": "illumination"}
    off = [f"--no-{option}" for option in steps.values()]
    assert run("segment", cells, "-o", tmp_path / "l.npy", "--table", tmp_path / "t.csv").exit_code == 0
    assert run("segment", cells, "-o", tmp_path / "a.npy", "--table", tmp_path / "a.csv", *off).exit_code == 0
    again = run("segment", "--from-provenance", tmp_path / "a.csv", "-o", tmp_path / "b.npy")
    assert again.exit_code == 0, again.output
    assert [[call[step] for step in steps] for call in model.calls] == [[True] * 4, [False] * 4, [False] * 4]


def test_defaults_leave_the_choice_to_the_model(tmp_path, cells, model, run):
    assert run("segment", cells, "-o", tmp_path / "l.npy").exit_code == 0
    assert model.calls[0]["diameter"] is model.calls[0]["prob_thresh"] is model.calls[0]["nms_thresh"] is None
    assert model.calls[0]["spacing"] == (2, 0.5, 0.5)


def test_nifti_labels_lie_on_the_image(tmp_path, cells, model, run):
    affine = np.array([[0, -0.2, 0, 7.5], [0.2, 0, 0, -3.0], [0, 0, 0.5, 11.0], [0, 0, 0, 1]])
    image = nib.Nifti1Image(io.read(cells).data.T, affine)
    image.header.set_xyzt_units("mm")
    nib.save(image, tmp_path / "brain.nii.gz")
    result = run("segment", tmp_path / "brain.nii.gz", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    labels = nib.load(tmp_path / "out" / "brain_labels.nii.gz")
    np.testing.assert_array_equal(labels.affine, nib.load(tmp_path / "brain.nii.gz").affine)
    np.testing.assert_array_equal(labels.get_fdata() > 0, image.get_fdata() > 100)
    assert model.calls[0]["spacing"] == pytest.approx((500, 200, 200))


def test_a_folder_becomes_a_folder(tmp_path, cells, model, run):
    (tmp_path / "in").mkdir()
    for name in ("a.tif", "b.nii.gz", "c.npy"):
        io.write(tmp_path / "in" / name, io.read(cells))
    (tmp_path / "in" / "notes.txt").write_text("not an image")
    args = ("segment", tmp_path / "in", "-o", tmp_path / "out", "--table", tmp_path / "t")
    result = run(*args, "--overview", tmp_path / "p")
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "a_labels.tif",
        "b_labels.nii.gz",
        "c_labels.npy",
    ]
    assert sorted(p.name for p in (tmp_path / "t").iterdir()) == sorted(
        f"{n}.csv{e}" for n in "abc" for e in ("", ".toml")
    )
    assert sorted(p.name for p in (tmp_path / "p").iterdir()) == ["a.png", "b.png", "c.png"]
    assert "3 images: 6 objects" in result.stdout


def test_one_bad_file_does_not_stop_the_others(tmp_path, cells, model, run):
    (tmp_path / "in").mkdir()
    io.write(tmp_path / "in" / "a.tif", io.read(cells))
    (tmp_path / "in" / "b.tif").write_text("broken")
    io.write(tmp_path / "in" / "c.tif", io.read(cells))
    result = run("segment", tmp_path / "in", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a_labels.tif", "c_labels.tif"]
    (line,) = result.stderr.splitlines()
    assert "b.tif is not a TIFF file" in line
    assert "3 images, 1 of them failed or empty" in result.stdout


def test_a_channel_and_spacing_in_pixels(tmp_path, cells, model, run):
    volume = io.read(cells)
    io.write(tmp_path / "px.tif", Volume(data=volume.data, spacing=(4.54, 1, 1), unit="relative"))
    io.write(tmp_path / "half.tif", Volume(data=volume.data, spacing=(2.27, 0.5, 0.5), unit="relative"))
    io.write(tmp_path / "no.npy", Volume(data=volume.data))
    out = tmp_path / "out"
    names = ("px.tif", "half.tif", "no.npy")
    result = run("segment", *(tmp_path / name for name in names), "-o", out, "--table", out)
    assert "the file does not name the unit of its voxel size, so lengths are in voxels of" in result.stdout
    assert "pixels" not in result.stdout
    assert "no voxel size is known" in result.stdout
    sizes = re.findall("(.*tif|.*npy): 2 objects, typical diameter (.*) voxels, ", result.stdout)
    (px, first), (half, second), (no, _) = sizes
    assert [Path(name).name for name in (px, half, no)] == [*names]
    assert first == second  # that of the same voxels, in whichever unit
    spacings = [call["spacing"] for call in model.calls]  # and so a diameter is in voxels, too
    assert spacings == [pytest.approx((4.54, 1, 1))] * 2 + [None]
    assert ",,," in (out / "px.csv").read_text()
    assert io.read(out / "px_labels.tif").unit == "relative"


def test_overwrite(tmp_path, cells, model, run):
    args = ("segment", cells, "-o", tmp_path / "l.tif")
    assert run(*args).exit_code == 0
    assert run(*args).exit_code == 2
    assert run(*args, "--overwrite").exit_code == 0


def test_a_hint_when_nothing_is_found(tmp_path, model, run):
    image = np.random.default_rng(0).integers(0, 9, (8, 9, 10)).astype(np.uint8)
    io.write(tmp_path / "a.tif", Volume(data=image))
    model.threshold = 1.0
    result = run("segment", tmp_path / "a.tif", "-o", tmp_path / "l.tif")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "0 objects, " in result.stdout
    assert "note: nothing was found; try --diameter" in result.stdout


UNUSABLE = {
    "no mask": (["--mask", "none.tif"], "none.tif does not exist; check the name"),
    "mask of another shape": (
        ["--mask", "SMALL"],
        "small.tif has shape (4, 5, 6), the image (12, 24, 26); give a mask of the same shape",
    ),
    "no column": (["--keep", "nosuch > 3"], "the table has no column 'nosuch'; known: background, "),
    "no mask for a column": (["--drop", "mask_overlap > 0.5"], "the table has no column 'mask_overlap'"),
    "no lengths": (["--drop", "volume_um3 > 9 or z_um > 2"], "needs volume_um3, which is not known"),
    "idle overlap": (["--mask-overlap", "0.3"], "--mask-overlap belongs to --mask; give both"),
    "idle distances": (["--distances"], "--distances belongs to --table; give both"),
    "idle format": (["--mesh-format", "stl"], "--mesh-format belongs to --meshes; give both"),
    "no distances": (["--keep", "distance_3 > 2"], "the table has no column 'distance_3'"),
    "no truth": (["--keep", "sphericity"], "'sphericity' is a number, not a condition; compare it"),
}


@pytest.mark.parametrize("how", [(), ("--memory", "4GB")])
@pytest.mark.parametrize("case", UNUSABLE)
def test_what_cannot_work_is_refused_before_the_model_is_loaded(
    tmp_path, cells, refused, monkeypatch, case, how
):
    monkeypatch.setitem(vars(anystar), "load_model", lambda *_, **__: pytest.fail("loaded"))
    io.write(tmp_path / "small.tif", Volume(data=np.ones((4, 5, 6), np.uint8)))
    if case == "no lengths":
        io.write(cells, Volume(data=io.read(cells).data))
    options, message = UNUSABLE[case]
    options = [tmp_path / "small.tif" if o == "SMALL" else o for o in options]
    line = refused("segment", cells, "-o", tmp_path / "l.zarr", *options, *how, folder=tmp_path)
    assert message in line


def test_conditions_over_columns_that_options_add(tmp_path, cells, model, run):
    data = io.read(cells).data
    tifffile.imwrite(tmp_path / "c.tif", np.stack([data] * 2, 1), imagej=True, metadata={"axes": "ZCYX"})
    io.write(tmp_path / "mask.tif", Volume(data=np.ones(data.shape, np.uint8)))
    conditions = ("mask_overlap > 0.9", "distance_31 > 4", "intensity_mean_c1 > 100")
    keep = [word for condition in conditions for word in ("--keep", condition)]
    how = ("--channel", 0, "--mask", tmp_path / "mask.tif", "--distances", *keep)
    result = run("segment", tmp_path / "c.tif", "-o", tmp_path / "l.tif", *how)
    assert result.exit_code == 0, result.output
    assert "2 objects" in result.stdout


def test_all_channels_of_a_folder_with_a_damaged_file_and_a_wrong_voxel_size(tmp_path, model, run):
    (tmp_path / "in").mkdir()
    data = np.full((12, 2, 24, 26), 10, np.uint16)
    data[4:8, :, 5:12, 5:12] = 200
    for name, size in (("a", 0.0), ("b", 2.0)):
        metadata = {"axes": "ZCYX", "PhysicalSizeZ": size, "PhysicalSizeY": 0.5, "PhysicalSizeX": 0.5}
        tifffile.imwrite(tmp_path / "in" / f"{name}.ome.tif", data, metadata=metadata)
    (tmp_path / "in" / "c.tif").write_text("broken")
    out = tmp_path / "out"
    args = ("segment", tmp_path / "in", "-o", out, "--table", out, "--channel", "all")
    result = run(*args)
    assert result.exit_code == 2
    assert sorted(p.name for p in out.glob("*.tif")) == ["b_c0_labels.ome.tif", "b_c1_labels.ome.tif"]
    assert len(result.stderr.splitlines()) == 2
    result = run(*args, "--spacing", 2, 1, 1, "--overwrite")
    assert sorted(p.name for p in out.glob("*.tif")) == [
        f"{n}_c{c}_labels.ome.tif" for n in "ab" for c in (0, 1)
    ]
    (line,) = result.stderr.splitlines()
    assert "c.tif is not a TIFF file" in line
    assert "intensity_mean_c1" in (out / "a_c0.csv").read_text(), "other channels are opened the same way"


def test_labels_beside_their_images_are_not_segmented(tmp_path, cells, model, run):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a", "a_labels", "b_labels"):
        io.write(folder / f"{name}.tif", io.read(cells))
    result = run("segment", folder, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a_labels.tif", "b_labels_labels.tif"]
    assert "labels beside their images are no images and are left out: a_labels.tif" in result.stdout
