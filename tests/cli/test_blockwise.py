"""Every output of a run in blocks is that of the volume taken at once."""

import re
import tomllib

import numpy as np
import pytest
from roifile import roiread

import anystar
from anystar import io
from anystar.arrays import Volume
from anystar.blocks import memory
from anystar.blocks import run as blocks_run
from anystar.io.label_store import LabelStore
from anystar.report.table import read_table
from tests.blocks.conftest import labels_of
from tests.blocks.test_run import same_objects
from tests.io.test_rois import fill
from tests.predict.stub import stub_model
from tests.scenes import texture

SPACING = (1.0, 0.5, 0.5)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A texture and a mask; a stub in the place of the model, and blocks of 16 voxels."""
    monkeypatch.setitem(vars(anystar), "load_model", lambda name=None, device="auto": stub_model(radius=4.0))
    sizes = memory.Sizes(tiles_along=1, hold=1 << 30, block=(16, 16, 16))
    monkeypatch.setattr(blocks_run, "choose_sizes", lambda *args, **kwargs: sizes)
    io.write(tmp_path / "image.tif", Volume(data=texture(0, (20, 40, 36)), spacing=SPACING))
    mask = (texture(5, (20, 40, 36)) > 9000).astype(np.uint8)
    io.write(tmp_path / "mask.nii", Volume(data=mask, spacing=SPACING))
    return tmp_path / "image.tif", tmp_path / "mask.nii"


def test_all_outputs_at_once_and_in_blocks(tmp_path, files, run):
    image, mask = files
    how = ("--diameter", 3.3, "--prob-thresh", 0.25, "--mask", mask, "--distances")
    made = {}
    for name, memory_option in (("whole", ()), ("blocks", ("--memory", "4GB"))):
        out = tmp_path / name
        beside = ("--table", out / "t.parquet", "--overview", out / "p.png", "--meshes", out / "m.ply")
        beside += ("--rois", out / "r.zip")
        result = run("segment", image, "-o", out / "l.zarr", *beside, *how, *memory_option)
        assert result.exit_code == 0, result.output
        for file in ("l.zarr", "t.parquet", "p.png", "m.ply", "r.zip"):
            assert f"wrote {out / file}" in result.stdout
        assert sorted(p.name for p in out.iterdir()) == ["l.zarr", "m.ply", "p.png", "r.zip", "t.parquet"]
        made[name] = read_table(out / "t.parquet")[0], labels_of(out / "l.zarr")
        np.testing.assert_array_equal(fill(roiread(out / "r.zip"), made[name][1].shape), made[name][1])
    (whole, labels), (blocks, others) = made["whole"], made["blocks"]
    numbers = same_objects(labels, others)
    assert len(whole) > 5
    assert list(whole.columns) == list(blocks.columns)
    order = np.argsort([numbers[int(n)] for n in whole["label"]])
    blocks = blocks.select(np.argsort(blocks["label"]))
    for name in ("mask_overlap", "centre_z", "distance_31", "contrast"):
        np.testing.assert_allclose(blocks[name], whole[name][order], rtol=1e-6, atol=1e-6)
    sizes = [(tmp_path / name / "m.ply").stat().st_size for name in ("whole", "blocks")]
    assert sizes[0] == sizes[1]


def test_a_mask_of_another_shape(tmp_path, files, run, refused):
    image, _ = files
    io.write(tmp_path / "other.nii", Volume(data=np.ones((20, 40, 35), np.uint8), spacing=SPACING))
    how = ("--memory", "4GB", "--mask", tmp_path / "other.nii")
    line = refused("segment", image, "-o", tmp_path / "a.zarr", *how, folder=tmp_path)
    assert line.endswith(
        "other.nii has shape (20, 40, 35), the image (20, 40, 36); give a mask of the same shape"
    )
    how = ("--memory", "4GB", "--mask", tmp_path / "none.nii")
    assert "none.nii does not exist" in refused(
        "segment", image, "-o", tmp_path / "a.zarr", *how, folder=tmp_path
    )


def test_an_interrupted_run_is_told_apart_by_its_mask(tmp_path, files, run, refused, monkeypatch):
    image, mask = files
    args = ("segment", image, "-o", tmp_path / "a.zarr", "--memory", "4GB", "--diameter", 3.3)

    def full(*args):
        raise OSError(28, "No space left on device", "journal")

    with monkeypatch.context() as patch:
        patch.setattr(blocks_run, "find_objects", full)
        assert run(*args, "--mask", mask).exit_code != 0
    line = refused(*args, "--resume", "--prob-thresh", 0.3, folder=tmp_path)
    assert "prob_thresh was not given, is 0.3" in line
    assert "mask was" in line
    assert "is not given" in line
    assert "digest" not in line
    io.write(mask, Volume(data=1 - io.read(mask).data))
    line = refused(*args, "--resume", "--mask", mask, folder=tmp_path)
    assert "(a digest of the mask's voxels was" in line


def test_one_command_goes_on_with_several_images(tmp_path, files, run, refused, monkeypatch):
    names = [f"{letter}.zarr" for letter in "abc"]
    for name in names:
        io.write(tmp_path / name, io.read(files[0]))
    how = ("--memory", "4GB", "--diameter", 3.3, "--prob-thresh", 0.25, "--provenance", tmp_path / "records")
    args = ("segment", *(tmp_path / name for name in names), "-o", tmp_path / "out", *how)
    honest, calls = blocks_run.find_objects, []

    def stopped(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        honest(*args)

    with monkeypatch.context() as patch:
        patch.setattr(blocks_run, "find_objects", stopped)
        assert run(*args).exit_code == 130
    made = [f"{letter}_labels.zarr" for letter in "abc"]
    assert [(tmp_path / "out" / name).exists() for name in made] == [True, False, False]
    result = run(*args, "--resume")
    assert result.exit_code == 0, result.output
    found = re.findall(
        r"([abc]_labels\.zarr) is finished, (\d+) objects; nothing is left to do", result.stdout
    )
    assert [name for name, _ in found] == ["a_labels.zarr"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == made
    assert f"3 images: {3 * int(found[0][1])} objects" in result.stdout
    assert len(list((tmp_path / "records").iterdir())) == 3
    again = run(*args, "--resume")
    assert again.exit_code == 0
    assert again.stdout.count("nothing is left to do") == 3
    line = refused(
        *args[:2],
        "-o",
        tmp_path / "out" / "a_labels.zarr",
        *how[:-1],
        tmp_path / "records" / "a.toml",
        "--resume",
        "--min-volume",
        5,
        folder=tmp_path,
    )
    assert "filters was not given, is --min-volume 5.0" in line


NOTES = {
    "shards": ((), "1 of 2 shards are not stored and read as 0"),
    "nothing kept": (("--min-volume", 10**6), "no object met the conditions; relax them"),
    "no voxel size": ((), "the file states a voxel of 1 x 1 x 1 without a unit"),
}


@pytest.mark.parametrize("memory_option", [(), ("--memory", "4GB")])
@pytest.mark.parametrize("case", NOTES)
def test_notes_are_those_of_the_volume_at_once(tmp_path, files, run, case, memory_option):
    options, message = NOTES[case]
    spacing = None if case == "no voxel size" else SPACING
    image = Volume(data=texture(0, (20, 40, 72)), spacing=spacing)
    store = LabelStore.create(tmp_path / "a.zarr", image.shape, np.uint16, like=image, shards=(20, 40, 64))
    store.write((0, 0, 0), image.data)
    store.finish()
    if case == "shards":
        next(p for p in (tmp_path / "a.zarr" / "0").rglob("1") if p.is_file()).unlink()
    out = tmp_path / "out"
    how = ("--diameter", 3.3, "--prob-thresh", 0.25, *options, *memory_option)
    result = run("segment", tmp_path / "a.zarr", "-o", out / "l.zarr", "--provenance", out / "r.toml", *how)
    assert result.exit_code == 0, result.output
    assert message in result.stdout
    notes = tomllib.loads((out / "r.toml").read_text())["result"]["notes"]
    assert any(message in note for note in notes)
    assert "nothing was found" not in result.stdout


@pytest.mark.parametrize("value", [0, 7])
def test_a_constant_image(tmp_path, files, run, value):
    io.write(tmp_path / "flat.tif", Volume(data=np.full((20, 40, 36), value, np.uint8)))
    result = run("segment", tmp_path / "flat.tif", "-o", tmp_path / "l.zarr", "--memory", "4GB")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert f"is constant (every voxel is {value}) and has no objects; check that the right channel" in line
    assert "there is nothing to find" in result.stdout
    assert "--diameter" not in result.stdout
    assert not labels_of(tmp_path / "l.zarr").any()
