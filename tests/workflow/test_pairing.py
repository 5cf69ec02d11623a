"""Files that belong together are found by their names."""

import numpy as np
import pytest

from anystar import io
from anystar.arrays import Volume
from anystar.errors import InputError
from anystar.workflow.pairing import by_volume, file_pairs, matching_pairs


@pytest.fixture
def folders(tmp_path):
    def make(**names):
        for folder, files in names.items():
            (tmp_path / folder).mkdir()
            for name in files:
                io.write(tmp_path / folder / name, Volume(data=np.zeros((4, 4, 4), np.uint8)))
        return [tmp_path / folder for folder in names]

    return make


def test_roles_and_endings_do_not_count(folders):
    images, labels = folders(images=["a_image.tif", "b.nii.gz"], labels=["b_labels.npy", "a_mask.tif"])
    pairs = file_pairs(images, labels)
    assert {n: (a.name, b.name) for n, (a, b) in pairs.items()} == {
        "a": ("a_image.tif", "a_mask.tif"),
        "b": ("b.nii.gz", "b_labels.npy"),
    }
    assert file_pairs(images / "b.nii.gz", labels / "a_mask.tif")["b.nii.gz"][1].name == "a_mask.tif"


def test_what_is_missing_is_said(folders):
    images, labels = folders(images=["a.tif", "b.tif"], labels=["b.tif", "c.tif"])
    pairs, lacks = matching_pairs(images, labels)
    assert (list(pairs), lacks) == (["b"], [f"{images} lacks c", f"{labels} lacks a"])
    with pytest.raises(InputError, match=r"lacks c and .* lacks a; give folders of matching names"):
        file_pairs(images, labels)


def test_what_cannot_be_paired_is_refused(folders):
    images, labels, twice = folders(images=["a.tif"], labels=["b.tif"], twice=["a.tif", "a_labels.npy"])
    with pytest.raises(InputError, match="give folders of matching names"):
        matching_pairs(images, labels)
    with pytest.raises(InputError, match="are a file and a folder"):
        matching_pairs(images / "a.tif", labels)
    with pytest.raises(InputError, match="would be the same volume; rename one"):
        by_volume(twice)
