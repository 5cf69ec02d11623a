"""``anystar data`` on files."""

import numpy as np
import tifffile


def test_list_says_where_to_get_each(run):
    text = run("data", "list").stdout
    for part in (
        "ce (CE): C. elegans",
        "10.5281/zenodo.5942575",
        "CC BY 4.0",
        "PlatyISH",
        "NucMM-M",
        "Placenta",
    ):
        assert part in text
    assert "18 for training, 3 for validation, 7 for the test" in text
    only = run("data", "list", "platyish").stdout
    assert only.startswith("platyish")
    assert "CE" not in only


def test_check_goes_on_and_says_what_is_wrong(tmp_path, run):
    for name in ("a", "b"):
        tifffile.imwrite(tmp_path / f"{name}_image.tif", np.zeros((6, 8, 9), np.uint8))
        labels = np.zeros((6, 8, 9), np.uint8)
        labels[2:4, 2:4, 2:4] = name == "b"
        tifffile.imwrite(tmp_path / f"{name}_labels.tif", labels)
    result = run("data", "check", tmp_path)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"anystar: {tmp_path}/a_labels.tif has no labelled object; check that it is the right file"
    ]
    assert "test b: 6x8x9, voxel size unknown, 1 objects" in result.stdout
    assert "1 volumes cannot be used" in result.stdout


def test_bad_input(tmp_path, refused):
    assert "unknown data set 'cee'; did you mean 'ce'?" in refused("data", "list", "cee", folder=tmp_path)
    assert "Placenta cannot be downloaded" in refused("data", "get", "placenta", tmp_path, folder=tmp_path)
    assert "holds no data set; expected" in refused("data", "check", tmp_path, folder=tmp_path)
