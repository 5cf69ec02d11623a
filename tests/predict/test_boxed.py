"""A box of a volume is segmented as it is in the whole volume."""

import numpy as np
import pytest

from anystar import io
from anystar.arrays import Volume
from anystar.box import Box
from anystar.errors import InputError
from tests.predict.stub import stub_model
from tests.scenes import Counted, blobs

SHAPE = (40, 64, 64)
FIXED = {"diameter": 8.0, "prob_thresh": 0.5, "appearance": False, "illumination": False}


def scene(shape=SHAPE, step=16):
    """Blobs on a lattice: any part of some size has the same range of intensities."""
    centres = np.ndindex(*[n // step + 1 for n in shape])
    return blobs(shape, [np.array(p) * step + 4 for p in centres], 3.0).astype(np.float32)


def share_that_differs(one, other):
    """The share of voxels in which two label images differ in more than the numbers."""
    matched = np.zeros_like(other)
    for label in np.unique(one[one > 0]):
        inside = other[one == label]
        matched[one == label] = np.bincount(inside).argmax() if inside.any() else -1
    return (matched != other).mean()


@pytest.mark.parametrize(
    "box",
    [
        (slice(10, 30), slice(20, 50), slice(0, 40)),
        (slice(18, 22), slice(30, 38), slice(33, 37)),  # through single blobs
        (slice(4, 5), slice(None), slice(None)),  # a single plane
    ],
)
def test_labels_in_a_box_are_those_of_the_whole(box):
    model, image = stub_model(radius=4.0), Volume(data=scene())
    whole = model.segment(image, **FIXED)
    part = model.segment(image, box=box, **FIXED)
    assert part.labels.shape == part.box.shape
    assert len(np.unique(part.labels)) == len(np.unique(whole.labels[box]))
    assert share_that_differs(part.labels, whole.labels[box]) < 0.1  # intensity limits are those of the part
    assert part.objects.label.tolist() == list(range(1, part.labels.max() + 1))
    np.testing.assert_array_equal(np.bincount(part.labels.ravel())[1:], part.objects.volume_vox)
    assert "only the box" in str(part.notes[-1])


def test_other_thresholds_and_tables_are_those_of_the_box():
    model, image = stub_model(radius=4.0), Volume(data=scene(), spacing=(2.0, 1.0, 1.0))
    box = (slice(5, 30), slice(20, 50), slice(10, 40))
    options = {**FIXED, "diameter": 10.0}
    lower = model.segment(image, box=box, **options | {"prob_thresh": 0.3})
    again = model.segment(image, box=box, **options).rethreshold(0.3)
    np.testing.assert_array_equal(again.labels, lower.labels)
    table = again.table(intensities={"twice": 2 * image.data[box]})
    np.testing.assert_allclose(table["intensity_mean_twice"], 2 * table["intensity_mean"], rtol=1e-6)
    own = again.table(image.data[box])
    np.testing.assert_allclose(own["intensity_mean"], table["intensity_mean"], rtol=1e-6)
    for row in range(len(table)):
        mine = again.labels == table["label"][row]
        np.testing.assert_allclose(table["intensity_mean"][row], image.data[box][mine].mean(), rtol=1e-5)
        inside = [s.start for s in box] + np.argwhere(mine).mean(axis=0)
        moved = table.moved([s.start for s in box], (2.0, 1.0, 1.0))
        assert [moved[f"{a}_vox"][row] for a in "zyx"] == pytest.approx(inside)
        assert moved["z_um"][row] == pytest.approx(2 * inside[0])
    filtered = again.filter(drop_border=True)
    faces = [again.labels.take(i, axis) for axis in range(3) for i in (0, -1)]
    cut = np.unique(np.concatenate([face.ravel() for face in faces]))
    assert not np.isin(filtered.objects.label, cut).any()
    assert 0 < len(filtered.objects) < len(again.objects)


def test_larger_objects_take_more_surroundings():
    image = Volume(data=scene((96, 96, 96), step=48))
    model = stub_model(radius=4.0)
    found = model.segment(image, box=(slice(40, 60),) * 3, diameter=None, appearance=False)
    halo = found.inside.start[0]
    assert found.diameter_vox is not None
    assert halo == min(40, max(32, int(np.ceil(2 * found.diameter_vox)))), (halo, found.diameter_vox)


def test_only_the_box_and_its_surroundings_are_read(tmp_path):
    io.write(tmp_path / "i.tif", Volume(data=scene((40, 200, 64)), spacing=(1.0, 1.0, 1.0)))
    with io.open_image(tmp_path / "i.tif") as image:
        counted = Counted(image.read())
        read = []

        class Watched:
            shape, spacing, unit, header = image.shape, image.spacing, image.unit, {}

            def crop(self, box):
                part = image.crop(box)
                read.append(counted[Box.of(box, self.shape).slices].size)
                return part

        found = stub_model().segment(Watched(), box=":,100:110,:", **FIXED)
        direct = stub_model().segment(image, box=":,100:110um,:", **FIXED)
    assert sum(read) == 40 * (10 + 2 * 16) * 64
    np.testing.assert_array_equal(found.labels, direct.labels)


def test_a_result_of_a_box_lies_at_its_place(tmp_path):
    model = stub_model()
    image = Volume(data=scene(), spacing=(2.0, 0.5, 0.25))
    found = model.segment(image, box="10:20,20:30,30:60", **FIXED | {"diameter": 4.0})
    io.write(tmp_path / "l.nii", found)
    written = io.read(tmp_path / "l.nii")
    assert written.header["world"][:3, 3] == pytest.approx([30 * 0.25e-3, 20 * 0.5e-3, 10 * 2e-3])
    assert "the box Z 10:20, Y 20:30, X 30:60" in repr(found)


def test_a_box_outside_of_the_image_is_refused():
    with pytest.raises(InputError, match="box ends at voxel 41 along Z"):
        stub_model().segment(scene(), box=":41,:,:")
