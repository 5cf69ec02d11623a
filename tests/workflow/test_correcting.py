"""Corrections to files."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

import anystar
from anystar.arrays import Volume
from anystar.correction import Corrections, ImageKey, Journal, find_unsaved
from anystar.errors import InputError
from anystar.outputs import Outputs
from anystar.workflow.corrected import read_corrected, reviewed_file
from anystar.workflow.correcting import correction_outputs, save_corrections
from tests.correction.scenes import PLACES, SHAPE, labels_of_four, result_of_four

VOLUME = Volume(
    data=np.random.default_rng(0).integers(0, 99, SHAPE).astype(np.uint16), spacing=(2.0, 0.5, 0.5)
)


def test_everything_is_written_beside_the_labels_and_says_what_was_done(tmp_path):
    corrections = Corrections.of(result_of_four())
    corrections.add_at(PLACES[3])
    corrections.delete(1)
    outputs = correction_outputs(tmp_path / "embryo_labels.tif")
    saved = save_corrections(corrections, outputs, origin={"model": "stub", "prob_thresh": 0.5})
    assert {path.name for path in tmp_path.iterdir()} == {
        "embryo_labels.tif",
        "embryo_labels.csv",
        "embryo_labels.csv.toml",
        "embryo_labels.png",
        "embryo_labels.toml",
        "embryo_labels_reviewed.tif",
    }
    assert saved.num_objects == 3
    assert all(path.exists() for path in saved.files)
    labels = anystar.read_labels(outputs.labels)
    np.testing.assert_array_equal(labels.data, corrections.labels)
    assert labels.spacing == (1, 1, 1)
    table, _ = anystar.read_table(outputs.table)
    assert table["provenance"].tolist() == ["found", "found", "added"]
    text = tomllib.loads(outputs.provenance.read_text())
    assert text["corrected"]["edits"] == ["added 4", "deleted 1"]
    assert text["corrected"]["added"] == 1
    assert text["segmentation"]["model"] == "stub"


@pytest.mark.parametrize("ending", [".tif", ".nii.gz", ".nrrd", ".h5", ".npy", ".zarr"])
def test_any_format_keeps_labels_and_what_was_reviewed(tmp_path, ending):
    corrections = Corrections.of_labels(labels_of_four(), VOLUME)
    corrections.review([1, 9])
    labels = tmp_path / f"corrected{ending}"
    save_corrections(corrections, Outputs(labels=labels))
    image = tmp_path / f"image{'.nii.gz' if ending == '.nii.gz' else '.tif'}"
    anystar.write(image, VOLUME)
    (read,) = read_corrected(labels, image)
    np.testing.assert_array_equal(read.labels, corrections.labels)
    np.testing.assert_array_equal(read.reviewed != 0, np.isin(labels_of_four(), (1, 9)))


def test_nothing_is_replaced_without_consent_nor_the_image_with_it(tmp_path):
    image = tmp_path / "embryo.tif"
    anystar.write(image, VOLUME)
    corrections = Corrections.of_labels(labels_of_four(), VOLUME)
    with pytest.raises(InputError, match="is an input"):
        save_corrections(corrections, Outputs(labels=image), image=image, overwrite=True)
    outputs = correction_outputs(tmp_path / "embryo_labels.tif")
    save_corrections(corrections, outputs, image=image)
    with pytest.raises(InputError, match="exists already"):
        save_corrections(corrections, outputs, image=image)
    corrections.review()
    saved = save_corrections(corrections, outputs, image=image, overwrite=True)
    assert saved.reviewed is None
    assert not reviewed_file(outputs.labels).exists()  # all of it is right now


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (Outputs(labels=Path("a.xyz")), "end its name in one of"),
        (Outputs(labels=Path("a.tif"), table=Path("a.txt")), "table must end in"),
    ],
)
def test_names_that_cannot_be_written_are_refused(outputs, message):
    with pytest.raises(InputError, match=message):
        save_corrections(Corrections.of_labels(labels_of_four()), outputs)


def test_saved_edits_are_not_offered_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    key = ImageKey.of(VOLUME.data, path=tmp_path / "embryo.tif")
    corrections = Corrections.of_labels(labels_of_four(), VOLUME)
    corrections.recorder = Journal(key)
    corrections.delete(1)
    save_corrections(corrections, Outputs(labels=tmp_path / "embryo_labels.tif"))
    corrections.recorder.close()
    assert not find_unsaved(key)
