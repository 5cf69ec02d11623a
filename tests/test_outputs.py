"""What is written for one image, as it is called on the disk."""

from pathlib import Path

from anystar.outputs import Outputs


def test_everything_is_named_with_the_provenance_beside_a_csv_table():
    outputs = Outputs(labels=Path("a.tif"), table=Path("a.csv"), meshes=Path("m"))
    assert outputs.named == {
        "labels": Path("a.tif"),
        "table": Path("a.csv"),
        "provenance beside the table": Path("a.csv.toml"),
        "meshes": Path("m"),
    }
    assert outputs.files == (Path("a.tif"), Path("a.csv"), Path("a.csv.toml"), Path("m"))
    assert outputs.beside == (Path("a.csv"), Path("m"))
    assert not outputs.in_store


def test_labels_in_a_store_are_a_folder_of_it():
    outputs = Outputs(labels=Path("image.zarr/labels/cells"), table=Path("a.parquet"))
    assert outputs.in_store
    assert outputs.files == (Path("image.zarr/labels/cells"), Path("a.parquet"))
