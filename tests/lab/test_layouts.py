"""Data sets are found and divided as their owners and the paper have it."""

import re

import numpy as np
import pytest
import tifffile

from anystar import io
from anystar.arrays import Volume
from anystar.lab.check import check_dataset, compare_with_paper
from anystar.lab.items import Item, hold_out, part_box, read_pair
from anystar.lab.layouts import discover
from tests.scenes import noisy_balls


def test_celegans_as_on_zenodo(ce):
    for root in (ce, ce.parent, ce.parent.parent):
        (dataset,) = discover(root)
        assert dataset.name == "ce"
        assert [len(dataset.split(s)) for s in ("train", "validation", "test")] == [3, 1, 2]
    assert [i.name for i in dataset.test] == ["C18G1_2L1_0", "C18G1_2L1_1"]
    pair = read_pair(dataset.test[0])
    assert pair.image.spacing == (0.122, 0.116, 0.116)
    assert pair.labels.dtype == np.int32
    assert pair.labels.max() == 8
    assert compare_with_paper(dataset) == [
        "3 train volumes, the paper has 18",
        "1 validation volumes, the paper has 3",
        "2 test volumes, the paper has 7",
    ]
    findings = list(check_dataset(dataset))
    assert all(f.good for f in findings)
    assert len(findings) == 6
    assert "8 objects" in findings[0].text


def test_nucmm_z_as_in_the_owners_archive(nucmm_z):
    (dataset,) = discover(nucmm_z.parent)
    assert dataset.name == "nucmm-z"
    assert not dataset.dark
    assert [i.name for i in dataset.train] == ["0000_0576_0768", "0000_0640_0768"]
    assert [i.name for i in dataset.validation] == ["0000_0704_0768", "0000_0768_0768"], "the last two"
    assert [i.name for i in dataset.test] == ["0064_0384_0832", "0064_0448_0832"], "the owners' val"
    image, labels = read_pair(dataset.test[0])
    assert image.spacing == (0.48, 0.51, 0.51)
    assert np.unique(labels).tolist() == [37 * i for i in range(9)]
    assert image.data[labels > 0].mean() > image.data[labels == 0].mean()


def test_nucmm_m_is_dark_and_validates_on_a_crop(nucmm_m, nucmm_z):
    first, second = discover(nucmm_m.parents[1])
    assert (first.name, second.name) == ("nucmm-z", "nucmm-m")
    assert second.dark
    assert [i.part for i in second.train] == [None, (0.0, 0.75)]
    image, labels = read_pair(second.validation[0])
    assert image.spacing == (0.72, 0.72, 0.72)
    assert image.shape == (36, 36, 13)
    assert image.data[labels > 0].mean() < image.data[labels == 0].mean()
    assert len(second.test) == 1


def test_platyish_validates_on_a_crop_of_the_training_set(platyish):
    (dataset,) = discover(platyish.parent)
    assert dataset.name == "platyish"
    assert [i.name for i in dataset.train] == ["X01", "X03"]
    (held,) = dataset.validation
    trained, crop = read_pair(dataset.train[1]), read_pair(held)
    whole = tifffile.imread(held.labels)
    assert trained.image.shape == (36, 40, 33)
    assert crop.image.shape == (36, 40, 11)
    np.testing.assert_array_equal(np.concatenate([trained.labels, crop.labels], axis=2), whole)
    assert any("not trained on" in n for n in dataset.notes)


def test_folders_of_ones_own(tmp_path):
    for split in ("", "train/", "test/"):
        root = tmp_path / ("mine" if split else "plain")
        for name in ("a", "b"):
            image, labels = noisy_balls((20, 22, 40), seed=1, num=4)
            place = Volume(data=image, spacing=(2, 1, 1))
            io.write(root / f"{split}images/{name}.nii.gz", place)
            io.write(root / f"{split}labels/{name}.tif", labels, like=place)
    mine, plain = discover(tmp_path)
    assert (mine.name, len(mine.train), len(mine.validation), len(mine.test)) == ("mine", 2, 1, 2)
    assert (plain.name, len(plain.train), len(plain.test)) == ("plain", 0, 2)
    assert read_pair(plain.test[0]).image.spacing == pytest.approx((2, 1, 1))


def test_a_single_volume_is_cut_in_two_if_asked_for(tmp_path):
    image, labels = noisy_balls((20, 22, 40), seed=1, num=4)
    io.write(tmp_path / "cells_image.tif", Volume(data=image, spacing=(2, 1, 1)))
    io.write(tmp_path / "cells_labels.tif", Volume(data=labels, spacing=(2, 1, 1)))
    (whole,) = discover(tmp_path)
    assert (whole.train, whole.validation, whole.test[0].part) == ((), (), None)
    (cut,) = discover(tmp_path, cut=True)
    parts = [read_pair(i).labels for i in (*cut.train, *cut.validation, *cut.test)]
    assert [p.shape[2] for p in parts] == [15, 5, 20]
    np.testing.assert_array_equal(np.concatenate(parts, axis=2), labels)


def test_what_has_no_partner_is_named_and_the_rest_goes_on(ce):
    (ce / "test/masks/C18G1_2L1_0.tif").rename(ce / "test/masks/other.tif")
    (dataset,) = discover(ce)
    assert [i.name for i in dataset.test] == ["C18G1_2L1_1"]
    one, other = dataset.problems
    assert "C18G1_2L1_0.tif has no labels of its name in" in one
    assert "other.tif has no image of its name in" in other


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            np.zeros((20, 22, 41), np.uint8),
            r"has the shape \(20, 22, 41\) but its image \(20, 22, 40\); give",
        ),
        (np.full((20, 22, 40), 0.5, np.float32), "has fractional values; give a label image"),
        (np.full((20, 22, 40), -1, np.int16), "has the negative label -1; give a label image"),
        (np.zeros((20, 22, 40), np.uint8), "has no labelled object; check"),
    ],
)
def test_labels_that_cannot_be_used(tmp_path, labels, message):
    image, _ = noisy_balls((20, 22, 40), seed=1, num=4)
    io.write(tmp_path / "a_image.tif", Volume(data=image, spacing=(2, 1, 1)))
    io.write(tmp_path / "a_labels.tif", Volume(data=labels, spacing=(2, 1, 1)))
    (dataset,) = discover(tmp_path)
    (finding,) = check_dataset(dataset)
    assert not finding.good
    assert re.search(message, finding.text), finding.text


def test_spacings_must_agree(tmp_path):
    image, labels = noisy_balls((20, 22, 40), seed=1, num=4)
    io.write(tmp_path / "a_image.tif", Volume(data=image, spacing=(2, 1, 1)))
    io.write(tmp_path / "a_labels.tif", Volume(data=labels, spacing=(3, 1, 1)))
    with pytest.raises(ValueError, match="has the voxel size 3 x 1 x 1 but its image 2 x 1 x 1; correct"):
        read_pair(discover(tmp_path)[0].test[0])


def test_numbers_beyond_int32_are_renumbered_and_gaps_are_said(tmp_path):
    image, labels = noisy_balls((20, 22, 40), seed=1, num=3)
    np.save(tmp_path / "a_image.npy", image)
    np.save(tmp_path / "a_labels.npy", labels.astype(np.uint64) * 2**33)
    (dataset,) = discover(tmp_path)
    np.testing.assert_array_equal(read_pair(dataset.test[0]).labels, labels)
    np.save(tmp_path / "a_labels.npy", labels * 7)
    (finding,) = check_dataset(dataset)
    assert finding.text.endswith("3 objects (numbers up to 21, with gaps)")


def test_parts_cover_the_longest_axis():
    assert part_box((7, 30, 9), (0.0, 0.5)) == (slice(0, 7), slice(0, 15), slice(0, 9))
    image, labels = "image", "labels"
    train, validation = hold_out([Item(name="a", image=image, labels=labels, part=(0.0, 0.5))])
    assert (train[0].part, validation[0].part) == ((0.0, 0.375), (0.375, 0.5))


def test_nothing_there(tmp_path):
    with pytest.raises(ValueError, match="holds no data set; expected images/ and labels/"):
        discover(tmp_path)
    with pytest.raises(ValueError, match="is not a folder; give"):
        discover(tmp_path / "no")
