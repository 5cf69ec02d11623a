"""NIfTI: labels lie exactly on the image, units and affine go in and come back."""

import contextlib

import nibabel as nib
import numpy as np
import pytest

from anystar import io
from anystar.arrays import Volume

AFFINE = np.array([[0, -0.2, 0, 7.5], [0.2, 0, 0, -3.0], [0, 0, 0.5, 11.0], [0, 0, 0, 1]])


def image(shape=(9, 8, 5), dtype=np.int16, kind=nib.Nifti1Image, unit="mm", affine=AFFINE):
    data = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    made = kind(data, affine)
    made.header.set_xyzt_units(unit)
    return made, data


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize(("sform", "qform"), [(1, 0), (0, 1), (2, 3)])
def test_labels_lie_on_the_image(tmp_path, name, kind, sform, qform):
    made, data = image(kind=kind)
    made.set_sform(AFFINE, sform)
    made.set_qform(AFFINE, qform)
    made.header["descrip"] = b"keep me"
    nib.save(made, tmp_path / name)
    volume = io.read(tmp_path / name)
    np.testing.assert_array_equal(volume.data, data.T)
    assert volume.spacing == pytest.approx((500, 200, 200))

    labels = (volume.data > 100).astype(np.int32) * 70_000
    io.write(tmp_path / f"labels_{name}", labels, like=volume)
    before, after = nib.load(tmp_path / name), nib.load(tmp_path / f"labels_{name}")
    assert isinstance(after, kind)
    np.testing.assert_array_equal(np.asanyarray(after.dataobj), labels.T)
    np.testing.assert_array_equal(after.affine, before.affine)
    for key in ("sform_code", "qform_code", "quatern_b", "pixdim", "xyzt_units", "descrip"):
        np.testing.assert_array_equal(after.header[key], before.header[key], err_msg=key)
    assert after.get_data_dtype() == np.int32


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1e3), ("micron", 1), ("meter", 1e6)])
def test_units(tmp_path, unit, factor):
    made, _ = image(unit=unit)
    nib.save(made, tmp_path / "a.nii")
    volume = io.read(tmp_path / "a.nii")
    assert volume.spacing == pytest.approx(np.array([0.5, 0.2, 0.2]) * factor)
    assert volume.unit == "um"


def test_an_unknown_unit_is_relative(tmp_path):
    made, _ = image(unit="unknown")
    nib.save(made, tmp_path / "a.nii")
    volume = io.read(tmp_path / "a.nii")
    assert volume.spacing == pytest.approx((0.5, 0.2, 0.2))
    assert volume.unit == "relative"


def test_a_volume_from_elsewhere_gets_an_affine_in_millimetres(tmp_path):
    io.write(tmp_path / "a.nii.gz", Volume(data=np.zeros((3, 4, 5), np.uint8), spacing=(2, 0.5, 0.25)))
    made = nib.load(tmp_path / "a.nii.gz")
    assert made.shape == (5, 4, 3)
    np.testing.assert_allclose(np.diag(made.affine), [0.00025, 0.0005, 0.002, 1])
    assert made.header.get_xyzt_units()[0] == "mm"
    assert io.read(tmp_path / "a.nii.gz").spacing == pytest.approx((2, 0.5, 0.25))


def test_scaled_values_become_floats(tmp_path):
    data = np.arange(60, dtype=np.int16).reshape(5, 4, 3)
    made = nib.Nifti1Image(data, np.eye(4))
    made.header.set_slope_inter(0.5, 10)
    nib.save(made, tmp_path / "a.nii")
    stored = nib.load(tmp_path / "a.nii")
    volume = io.read(tmp_path / "a.nii")
    assert volume.data.dtype == np.float32
    np.testing.assert_allclose(volume.data, stored.get_fdata().T, rtol=1e-6)
    io.write(tmp_path / "b.nii", np.full(volume.shape, 3, np.int32), like=volume)
    labels = nib.load(tmp_path / "b.nii")
    np.testing.assert_array_equal(labels.get_fdata(), 3)
    assert labels.get_data_dtype() == np.uint16


def test_axes_beyond_three(tmp_path):
    path = tmp_path / "a.nii"
    for shape, message in (
        ((9, 8, 5, 4), "4 time points; choose one with time=0 to time=3"),
        ((9, 8, 5, 1, 3), "3 channels; choose one with channel=0 to channel=2"),
        ((9, 8), "2D image"),
        ((9, 8, 1), "2D image"),
    ):
        nib.save(image(shape)[0], path)
        with pytest.raises(io.FileError, match=message):
            io.read(path)
    made, data = image((9, 8, 5, 1, 3))
    nib.save(made, path)
    np.testing.assert_array_equal(io.read(path, channel=2).data, data[..., 0, 2].T)
    with pytest.raises(io.FileError, match="not channel 3"):
        io.read(path, channel=3)
    made, data = image((9, 8, 5, 1))
    nib.save(made, path)
    assert io.read(path).shape == (5, 8, 9)


def test_colour_is_refused(tmp_path):
    rgb = np.zeros((5, 4, 3), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    nib.save(nib.Nifti1Image(rgb, np.eye(4)), tmp_path / "a.nii")
    with pytest.raises(io.FileError, match="colour"):
        io.read(tmp_path / "a.nii")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_truncated_file_is_refused(tmp_path, name, capfd):
    made, data = image((20, 21, 9))
    nib.save(made, tmp_path / name)
    content = (tmp_path / name).read_bytes()
    cut = tmp_path / f"cut_{name}"
    for keep in np.linspace(0, len(content) - 1, 30).astype(int):
        cut.write_bytes(content[:keep])
        with contextlib.suppress(io.FileError):  # else only the checksum behind the data is gone
            np.testing.assert_array_equal(io.read(cut).data, data.T)
    cut.write_bytes(content[: len(content) // 2])
    with pytest.raises(io.FileError, match=r"ends before its|cannot be (read|opened)"):
        io.read(cut)
    assert capfd.readouterr().err == ""
