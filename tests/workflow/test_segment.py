"""Files segmented from Python: the same files as from the command line."""

import numpy as np
import pytest

import anystar
from anystar import io
from anystar.errors import InputError
from anystar.report.table import read_table
from anystar.workflow.provenance import read_provenance


def test_a_file_is_segmented_with_options_as_values(tmp_path, cells, model):
    outputs = anystar.Outputs(
        labels=tmp_path / "l.tif", table=tmp_path / "t.csv", provenance=tmp_path / "p.toml"
    )
    options = anystar.SegmentOptions(
        diameter=4.0, filters=anystar.FilterOptions(keep="label == 2"), distances=True
    )
    done = anystar.segment_file(cells, outputs, options)
    assert (done.num_objects, done.num_filtered, done.unit) == (1, 1, "um")
    assert done.notes == ("a remark",)
    assert np.unique(io.read_labels(tmp_path / "l.tif").data).tolist() == [0, 2]
    table, text = read_table(tmp_path / "t.csv")
    assert "distance_31" in table
    assert text == (tmp_path / "p.toml").read_text()
    parameters = read_provenance(tmp_path / "p.toml")["parameters"]
    assert (parameters["diameter"], parameters["keep"]) == (4.0, ["label == 2"])
    assert model.calls[0]["diameter"] == 4.0
    assert "1 objects" in repr(done)


def test_messages_name_arguments(tmp_path, cells, model):
    anystar.segment_file(cells, tmp_path / "l.tif")
    for output, options, message in (
        ("l.tif", {}, r"l.tif exists already; add overwrite=True"),
        ("m.tif", {"memory": 10**9}, "memory=1000000000 means blocks, which go to OME-Zarr"),
        ("m.tif", {"mask": tmp_path / "l.nii"}, "l.nii does not exist"),
        ("m.tif", {"diameter": 9.0, "diameter_unit": "voxels"}, "is known; give diameter=D"),
        ("m.tif", {"filters": anystar.FilterOptions(keep="volume > 3")}, "did you mean 'volume_vox'"),
    ):
        with pytest.raises((InputError, FileNotFoundError), match=message):
            anystar.segment_file(cells, tmp_path / output, anystar.SegmentOptions(**options))
    with pytest.raises(InputError, match="workers belong to dask"):
        anystar.SegmentOptions(workers=2)


def test_provenance_of_version_0_1_is_read(tmp_path):
    (tmp_path / "old.toml").write_text('[parameters]\npicture = "p.png"\nrecord = "r.toml"\nlevel = 0\n')
    parameters = read_provenance(tmp_path / "old.toml")["parameters"]
    assert parameters == {"overview": "p.png", "provenance": "r.toml", "level": 0}
