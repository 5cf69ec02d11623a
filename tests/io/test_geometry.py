"""Labels lie on the image, to the voxel, when another library opens both."""

import itertools

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from anystar import io
from anystar.arrays import Volume

SHAPE = (7, 9, 8)  # ZYX
SPACING = (0.8, 0.3, 0.5)  # XYZ, millimetres
ORIGIN = (-12.5, 33.0, 4.25)
OBLIQUE = [0.8, -0.36, 0.48, 0.6, 0.48, -0.64, 0.0, 0.8, 0.6]
DIRECTIONS = {
    "straight": [1, 0, 0, 0, 1, 0, 0, 0, 1],
    "flipped": [-1, 0, 0, 0, 1, 0, 0, 0, -1],
    "left-handed": [1, 0, 0, 0, -1, 0, 0, 0, 1],
    "turned": [0, 0, 1, 1, 0, 0, 0, 1, 0],
    "oblique": OBLIQUE,
}


def image(direction):
    """An image in the world, of which no two voxels are alike in a symmetry."""
    data = np.random.default_rng(0).integers(0, 1000, SHAPE).astype(np.int16)
    made = sitk.GetImageFromArray(data)
    made.SetSpacing(SPACING)
    made.SetOrigin(ORIGIN)
    made.SetDirection([float(d) for d in direction])
    return made, data


def points(read, indices):
    """Physical positions of voxels that are given as Z, Y, X."""
    return np.array([read.TransformIndexToPhysicalPoint([int(i) for i in zyx[::-1]]) for zyx in indices])


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(
    ("source", "target"),
    list(itertools.product(["a.nii", "a.nii.gz", "a.nrrd", "a.nhdr"], ["l.nii.gz", "l.nrrd"])),
)
def test_simpleitk_sees_labels_where_the_image_is(tmp_path, direction, source, target):
    made, data = image(DIRECTIONS[direction])
    sitk.WriteImage(made, str(tmp_path / source))
    volume = io.read(tmp_path / source)
    np.testing.assert_array_equal(volume.data, data)
    assert volume.unit == "um"
    assert volume.spacing == pytest.approx(tuple(s * 1000 for s in SPACING[::-1]), rel=1e-5)
    labels = np.where(volume.data > 700, np.arange(data.size).reshape(SHAPE) + 70_000, 0)
    io.write(tmp_path / target, labels, like=volume)
    read = sitk.ReadImage(str(tmp_path / target))
    where = np.argwhere(data > 700)
    there = sitk.GetArrayFromImage(read)
    np.testing.assert_array_equal(np.argwhere(there), where)
    np.testing.assert_array_equal(there, labels)
    np.testing.assert_allclose(points(read, where), points(made, where), atol=2e-4)
    # Resampling the labels onto the image, as a viewer does, changes nothing
    on_image = sitk.Resample(read, made, sitk.Transform(), sitk.sitkNearestNeighbor)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(on_image), labels)


@pytest.mark.parametrize("unit", ["mm", "micron", "meter", "unknown"])
@pytest.mark.parametrize(("sform", "qform"), [(1, 0), (0, 1), (2, 3), (4, 4), (0, 0)])
def test_nibabel_sees_the_same_header(tmp_path, unit, sform, qform):
    rotation = np.array(OBLIQUE).reshape(3, 3)
    affine = np.eye(4)
    affine[:3, :3] = rotation @ np.diag([-0.8, 0.3, 0.5])  # one axis flipped
    affine[:3, 3] = ORIGIN
    made = nib.Nifti1Image(np.arange(504, dtype=np.int16).reshape(SHAPE[::-1]), affine)
    made.set_sform(affine, sform)
    made.set_qform(affine, qform)
    made.header.set_xyzt_units(unit)
    made.header.set_dim_info(1, 0, 2)
    nib.save(made, tmp_path / "a.nii.gz")
    volume = io.read(tmp_path / "a.nii.gz")
    factor = {"mm": 1e3, "micron": 1, "meter": 1e6, "unknown": 1}[unit]
    assert volume.spacing == pytest.approx(np.array([0.5, 0.3, 0.8]) * factor, rel=1e-5)
    assert volume.unit == ("relative" if unit == "unknown" else "um")
    io.write(tmp_path / "l.nii.gz", (volume.data % 7).astype(np.int32), like=volume)
    before, after = nib.load(tmp_path / "a.nii.gz"), nib.load(tmp_path / "l.nii.gz")
    np.testing.assert_array_equal(after.affine, before.affine)
    for form in ("get_sform", "get_qform"):
        for old, new in zip(getattr(before, form)(coded=True), getattr(after, form)(coded=True), strict=True):
            np.testing.assert_array_equal(new, old)
    assert after.header.get_xyzt_units() == before.header.get_xyzt_units()
    assert after.header.get_dim_info() == (1, 0, 2)
    np.testing.assert_array_equal(after.get_fdata(), np.asarray(before.dataobj) % 7)


def test_units_other_than_millimetres_cross_formats(tmp_path):
    """A NIfTI in micrometres becomes an NRRD in millimetres at the same place."""
    affine = np.diag([-2.0, 3.0, 4.0, 1.0])
    affine[:3, 3] = 10, 20, 30
    made = nib.Nifti1Image(np.zeros(SHAPE[::-1], np.uint8), affine)
    made.header.set_xyzt_units("micron")
    nib.save(made, tmp_path / "a.nii")
    volume = io.read(tmp_path / "a.nii")
    assert volume.spacing == pytest.approx((4, 3, 2))
    io.write(tmp_path / "l.nrrd", np.ones(SHAPE, np.int32), like=volume)
    read = sitk.ReadImage(str(tmp_path / "l.nrrd"))
    # LPS and millimetres, voxel (1, 1, 1): RAS micrometres (8, 23, 34)
    np.testing.assert_allclose(
        read.TransformIndexToPhysicalPoint((1, 1, 1)), [-0.008, -0.023, 0.034], atol=1e-9
    )
    assert io.read(tmp_path / "l.nrrd").spacing == pytest.approx((4, 3, 2))


@pytest.mark.parametrize("target", ["l.nii.gz", "l.nrrd"])
def test_simpleitk_sees_the_spacing_of_microscopy(tmp_path, target):
    io.write(tmp_path / target, Volume(data=np.ones(SHAPE, np.uint16), spacing=(2, 0.5, 0.25)))
    read = sitk.ReadImage(str(tmp_path / target))
    np.testing.assert_allclose(read.GetSpacing(), [0.00025, 0.0005, 0.002], rtol=1e-6)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read), 1)


def test_simpleitk_reads_our_tiff(tmp_path):
    data = np.random.default_rng(1).integers(0, 999, SHAPE).astype(np.uint16)
    for name in ("a.tif", "a.ome.tif"):
        io.write(tmp_path / name, Volume(data=data, spacing=(2, 0.5, 0.25)))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / name))), data)
