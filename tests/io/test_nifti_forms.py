"""NIfTI whose statements about the voxel size disagree, or state none."""

import gzip

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from anystar import io

DATA = np.random.default_rng(0).integers(0, 200, (8, 7, 6)).astype(np.int16)  # XYZ
OBLIQUE = np.array([[0.8, -0.36, 0.48], [0.6, 0.48, -0.64], [0.0, 0.8, 0.6]])


def affine(sizes, turned=None, origin=(0, 0, 0)):
    return nib.affines.from_matvec((np.eye(3) if turned is None else turned) * sizes, origin)


def write(path, *, sform=None, qform=None, pixdim=None, unit="mm", codes=(2, 1)):
    """A file with two forms that need not agree."""
    made = nib.Nifti1Image(DATA, None)
    header = made.header
    header.set_xyzt_units(unit)
    if qform is not None:
        header.set_qform(qform, codes[1])
    if pixdim is not None:
        header["pixdim"][1:4] = pixdim
    if sform is not None:
        header.set_sform(sform, codes[0])
    raw = header.binaryblock + b"\0" * 4 + DATA.tobytes(order="F")
    patched = bytearray(raw)
    patched[108:112] = np.float32(352).tobytes()
    path.write_bytes(bytes(patched))


def found(path, **options):
    with io.open_image(path, **options) as image:
        np.testing.assert_array_equal(image.read(), DATA.T)
        return image.spacing, image.unit, " ".join(image.notes)


ZEROS = np.diag([0.0, 0.0, 0.0, 1.0])
IDENTITY = np.eye(4)
TURNED = affine((1.0, 1.0, 1.0), OBLIQUE)


@pytest.mark.parametrize(
    ("sform", "qform", "pixdim", "spacing", "note"),
    [
        (
            IDENTITY,
            affine((1, 1, 5)),
            None,
            (5, 1, 1),
            "in its sform but of 5 x 1 x 1 in its qform, which is used",
        ),
        (IDENTITY, None, (1, 1, 5), (5, 1, 1), "of 5 x 1 x 1 in its pixdim, which is used"),
        (TURNED, affine((0.5, 0.5, 2), OBLIQUE), None, (2, 0.5, 0.5), "in its qform, which is used"),
        (TURNED, None, (0.5, 0.5, 2), (2, 0.5, 0.5), "in its pixdim, which is used"),
        (affine((0.5, 0.5, 2)), IDENTITY, None, (2, 0.5, 0.5), "in its qform; the sform is used"),
        (affine((0.5, 0.5, 2)), None, (1, 1, 1), (2, 0.5, 0.5), ""),
        (
            ZEROS,
            affine((0.5, 0.5, 2), OBLIQUE),
            None,
            (2, 0.5, 0.5),
            "the sform is not usable; the qform is used",
        ),
        (ZEROS, None, (0.5, 0.5, 2), (2, 0.5, 0.5), "the sform is not usable; the pixdim is used"),
        (np.full((4, 4), np.nan), affine((1, 1, 5)), None, (5, 1, 1), "not usable"),
        (affine((0.5, 0.5, 2)), affine((0.5, 0.5, 2)), None, (2, 0.5, 0.5), ""),
        (affine((0.5, 0.5, 2), OBLIQUE), affine((0.5, 0.5, 2)), None, (2, 0.5, 0.5), ""),  # turned, as large
        (affine((0.5, 0.5, 2)), affine((0.501, 0.499, 2.004)), None, (2, 0.5, 0.5), ""),  # rounded
        (None, affine((0.5, 0.5, 2)), None, (2, 0.5, 0.5), ""),
        (None, None, (0.5, 0.5, 2), (2, 0.5, 0.5), ""),
        (IDENTITY, IDENTITY, None, (1, 1, 1), ""),
    ],
)
def test_the_plausible_one_is_used(tmp_path, sform, qform, pixdim, spacing, note):
    path = tmp_path / "a.nii"
    write(path, sform=sform, qform=qform, pixdim=pixdim)
    size, unit, notes = found(path)
    assert size == pytest.approx(np.array(spacing) * 1000, rel=1e-4)
    assert unit == "um"
    assert note in notes
    assert bool(note) == bool(notes)


@pytest.mark.parametrize("q", [{"qform": affine((1, 1, 5))}, {"pixdim": (1, 1, 5)}])
def test_two_real_sizes_that_disagree_are_refused(tmp_path, q):
    path = tmp_path / "a.nii"
    write(path, sform=affine((0.5, 0.5, 2)), **q)
    with pytest.raises(
        io.FileError,
        match=r"a voxel of 2 x 0.5 x 0.5 in its sform but of 5 x 1 x 1 in its (qform|pixdim) .*; give",
    ):
        io.read(path)
    assert found(path, spacing=(3, 2, 1))[0] == (3, 2, 1)
    assert found(path, sized=False)[0] is None


def test_labels_keep_both_forms_and_lie_where_they_are(tmp_path):
    write(tmp_path / "a.nii", sform=ZEROS, qform=affine((0.5, 0.5, 2), OBLIQUE, (3, 4, 5)))
    volume = io.read(tmp_path / "a.nii")
    io.write(tmp_path / "l.nii", np.ones(volume.shape, np.int32), like=volume)
    one, two = nib.load(tmp_path / "a.nii").header, nib.load(tmp_path / "l.nii").header
    for key in (
        "sform_code",
        "qform_code",
        "srow_x",
        "srow_z",
        "quatern_b",
        "pixdim",
        "qoffset_x",
        "xyzt_units",
    ):
        np.testing.assert_array_equal(one[key], two[key], err_msg=key)
    io.write(tmp_path / "l.nrrd", np.ones(volume.shape, np.int32), like=volume)
    read = sitk.ReadImage(str(tmp_path / "l.nrrd"))
    at = read.TransformContinuousIndexToPhysicalPoint((2.0, 3.0, 4.0))
    wanted = affine((0.5, 0.5, 2), OBLIQUE, (3, 4, 5)) @ (2, 3, 4, 1)
    np.testing.assert_allclose(at, wanted[:3] * (-1, -1, 1), rtol=1e-5)


def test_ones_without_a_unit_stand_for_an_unknown_size(tmp_path):
    for name, made in (
        ("eye.nii.gz", nib.Nifti1Image(DATA, np.eye(4))),
        ("none.nii", nib.Nifti1Image(DATA, None)),
        ("two.nii", nib.Nifti2Image(DATA, np.eye(4))),
    ):
        nib.save(made, tmp_path / name)
        size, _, notes = found(tmp_path / name)
        assert size is None
        assert "1 x 1 x 1 without a unit" in notes


def test_ones_with_a_unit_or_a_place_are_believed(tmp_path):
    made = nib.Nifti1Image(DATA, np.eye(4))
    made.header.set_xyzt_units("mm")
    nib.save(made, tmp_path / "a.nii")
    assert found(tmp_path / "a.nii") == ((1000, 1000, 1000), "um", "")
    sitk.WriteImage(sitk.GetImageFromArray(DATA.T), str(tmp_path / "b.nii"))
    assert found(tmp_path / "b.nii") == ((1000, 1000, 1000), "um", "")
    nib.save(
        nib.Nifti1Image(DATA, affine((1, 1, 1), np.diag([-1, 1, 1]), (90, -126, -72))), tmp_path / "c.nii"
    )
    assert found(tmp_path / "c.nii") == ((1, 1, 1), "relative", "")


def test_an_impossible_size_is_refused(tmp_path):
    path = tmp_path / "a.nii"
    write(path, sform=ZEROS, pixdim=(1, 1, 1))
    with pytest.raises(io.FileError, match="states a voxel of 0 x 0 x 0 along Z, Y, X; give the right one"):
        io.read(path)
    assert found(path, spacing=(3, 2, 1))[0] == (3, 2, 1)


def test_axes_of_length_one(tmp_path):
    """A batch axis in front is none of space; a Z that was saved as time can be named."""
    path = tmp_path / "a.nii"
    nib.save(nib.Nifti1Image(DATA[None], np.eye(4)), path)
    assert found(path)[0] is None
    nib.save(nib.Nifti1Image(DATA[None, ..., None], np.eye(4)), path)
    assert found(path)[0] is None
    nib.save(nib.Nifti1Image(DATA[:, :, None], np.eye(4)), path)
    with pytest.raises(io.FileError, match=r"time series of 2D images .* give axes=XYZ"):
        io.read(path)
    assert found(path, axes="XYZ")[0] is None


def test_zeros_in_pixdim_stand_for_an_unknown_size(tmp_path, capfd):
    """nibabel puts 1 in their place, and says so on the terminal."""
    for place, unit, plane in ((3, "mm", (500, 500)), (1, "mm", None), (3, "unknown", None)):
        made = nib.Nifti1Image(DATA, None)
        made.header["pixdim"][1:4] = 0.5, 0.5, 2
        made.header.set_xyzt_units(unit)
        nib.save(made, tmp_path / "a.nii")
        content = bytearray((tmp_path / "a.nii").read_bytes())
        content[76 + 4 * place : 80 + 4 * place] = bytes(4)
        (tmp_path / "a.nii").write_bytes(content)
        (tmp_path / "b.nii.gz").write_bytes(gzip.compress(content))
        for name in ("a.nii", "b.nii.gz"):
            with io.open_image(tmp_path / name) as image:
                assert (image.spacing, image.plane) == (None, plane)
            assert found(tmp_path / name, spacing=(3, 2, 1))[0] == (3, 2, 1)
    made = nib.Nifti1Image(DATA, affine((0.5, 0.5, 2)))
    made.header.set_xyzt_units("mm")
    nib.save(made, tmp_path / "c.nii")
    content = bytearray((tmp_path / "c.nii").read_bytes())
    content[76 + 12 : 80 + 12] = bytes(4)  # beside an sform, which states the size
    (tmp_path / "c.nii").write_bytes(content)
    assert found(tmp_path / "c.nii") == ((2000, 500, 500), "um", "")
    assert capfd.readouterr().err == ""
