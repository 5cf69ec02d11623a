"""Every output of a run in blocks is that of the volume taken at once."""

import numpy as np
import pytest

import anystar
from anystar import io
from anystar.arrays import Volume
from anystar.blocks import memory
from anystar.blocks import run as blocks_run
from anystar.report.table import read_table
from tests.blocks.conftest import labels_of, texture
from tests.blocks.test_run import same_objects
from tests.predict.stub import stub_model

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
        beside = ("--table", out / "t.parquet", "--picture", out / "p.png", "--meshes", out / "m.ply")
        result = run("segment", image, "-o", out / "l.zarr", *beside, *how, *memory_option)
        assert result.exit_code == 0, result.output
        for file in ("l.zarr", "t.parquet", "p.png", "m.ply"):
            assert f"wrote {out / file}" in result.stdout
        assert sorted(p.name for p in out.iterdir()) == ["l.zarr", "m.ply", "p.png", "t.parquet"]
        made[name] = read_table(out / "t.parquet")[0], labels_of(out / "l.zarr")
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
    line = refused(*args, "--resume", "--distances", folder=tmp_path)
    assert "--distances was False, is True, --mask was" in line
    assert "is not given" in line
