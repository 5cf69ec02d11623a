"""Files that should make their reader take all memory, all time, or what lies elsewhere."""

import bz2
import gzip
import os
import tempfile
from pathlib import Path

import h5py
import nibabel as nib
import nrrd
import numpy as np
import pytest
import tifffile

from anystar import io
from anystar.arrays import Volume
from anystar.errors import InputError
from anystar.outputs import refuse_outputs
from anystar.workflow.evaluating import evaluate_files

SHAPE = (5, 6, 7)
DATA = np.random.default_rng(0).integers(0, 2**16, SHAPE).astype(np.uint16)
SECRET = "outside its own folder; copy that file beside it, or set ANYSTAR_FOLLOW_FILES=1"


@pytest.fixture
def folder(tmp_path):
    """A folder of files to read, with one beside it that is nobody's business."""
    DATA.tofile(tmp_path / "secret.raw")
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["a"] = DATA
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def detached(path, name, extra=""):
    """Write an NRRD header whose voxels lie in another file."""
    fields = f"type: uint16\ndimension: 3\nsizes: 7 6 5\nencoding: raw\nendian: little\n{extra}"
    path.write_text(f"NRRD0004\n{fields}data file: {name}\n")


@pytest.mark.parametrize("name", ["../secret.raw", "{}/../secret.raw", "{}/../../etc/passwd"])
@pytest.mark.parametrize("ending", ["nhdr", "nrrd"])
def test_nrrd_data_file_elsewhere(folder, name, ending, monkeypatch):
    detached(folder / f"a.{ending}", name.format(folder))
    with pytest.raises(io.FileError, match=SECRET):
        io.open_image(folder / f"a.{ending}")
    if name.endswith("secret.raw"):
        monkeypatch.setenv("ANYSTAR_FOLLOW_FILES", "1")
        np.testing.assert_array_equal(io.read(folder / f"a.{ending}").data, DATA)


@pytest.mark.parametrize("name", ["a.raw", "sub/a.raw", "{}/a.raw", "sub/../a.raw"])
def test_nrrd_data_file_in_its_folder(folder, name):
    (folder / "sub").mkdir()
    for place in (folder, folder / "sub"):
        DATA.tofile(place / "a.raw")
    detached(folder / "a.nhdr", name.format(folder))
    np.testing.assert_array_equal(io.read(folder / "a.nhdr").data, DATA)


def test_nrrd_skips(folder):
    """Lines before the voxels, bytes before them, and as many bytes as they are from the end."""
    for name, before, extra in (
        ("lines", b"one\ntwo\n", "line skip: 2\n"),
        ("bytes", b"12345", "byte skip: 5\n"),
        ("both", b"one\n12345", "line skip: 1\nbyte skip: 5\n"),
        ("end", b"whatever", "byte skip: -1\n"),
    ):
        (folder / f"{name}.raw").write_bytes(before + DATA.tobytes())
        detached(folder / f"{name}.nhdr", f"{name}.raw", extra)
        np.testing.assert_array_equal(io.read(folder / f"{name}.nhdr").data, DATA)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("line skip: 1000000000000\n", "states a line skip of 1000000000000, more than it has lines"),
        ("line skip: -1\n", "states a line skip of -1"),
        ("byte skip: -2\n", "states a byte skip of -2"),
        ("byte skip: 1000000000000\n", "ends before its 420 bytes of voxels do"),
    ],
)
def test_nrrd_skips_that_cannot_be(folder, extra, message):
    DATA.tofile(folder / "a.raw")
    detached(folder / "a.nhdr", "a.raw", extra)
    with pytest.raises(io.FileError, match=message):
        io.open_image(folder / "a.nhdr")


@pytest.mark.parametrize("name", ["LIST", "a%03d.raw 1 5 1", "missing.raw"])
def test_nrrd_other_data_files(folder, name):
    detached(folder / "a.nhdr", name)
    with pytest.raises(
        io.FileError, match=r"several files; save it as one|missing.raw, which does not exist"
    ):
        io.open_image(folder / "a.nhdr")


def test_nrrd_as_text(folder):
    nrrd.write(str(folder / "a.nrrd"), DATA.T, {"encoding": "ascii"})
    np.testing.assert_array_equal(io.read(folder / "a.nrrd").data, DATA)


@pytest.mark.parametrize("encoding", ["gzip", "bzip2"])
def test_a_compressed_nrrd_that_holds_more_than_it_declares(folder, encoding):
    """Only as much is unpacked as is declared: 200 MB of zeros behind 420 bytes are not."""
    header = f"NRRD0004\ntype: uint16\ndimension: 3\nsizes: 7 6 5\nendian: little\nencoding: {encoding}\n\n"
    packed = gzip.compress(bytes(200 << 20), 1) if encoding == "gzip" else bz2.compress(bytes(20 << 20))
    (folder / "a.nrrd").write_bytes(header.encode() + packed)
    with (
        io.open_image(folder / "a.nrrd") as image,
        pytest.raises(io.FileError, match="more than the 420 bytes"),
    ):
        image.read()


def test_a_compressed_nifti_with_much_behind_it(folder, monkeypatch):
    """What is declared is read; of the rest no more than the temporary folder can spare."""
    nib.save(nib.Nifti1Image(DATA.T, np.eye(4)), folder / "a.nii")
    content = (folder / "a.nii").read_bytes()
    (folder / "a.nii.gz").write_bytes(gzip.compress(content + bytes(200 << 20), 1))
    unpacked = []
    original = tempfile.TemporaryFile

    def watched(*args, **options):
        unpacked.append(original(*args, **options))
        return unpacked[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", watched)
    with io.open_image(folder / "a.nii.gz") as image:
        sizes = []
        np.testing.assert_array_equal(image.read(), DATA)
        sizes = [os.path.getsize(f"/proc/self/fd/{f.fileno()}") for f in unpacked if not f.closed]
    assert all(size <= len(content) for size in sizes)


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nrrd"])
def test_more_declared_than_so_few_bytes_can_hold(folder, name):
    if name == "a.nrrd":
        header = (
            "NRRD0004\ntype: uint16\ndimension: 3\nsizes: 7000 6000 5000\nendian: little\nencoding: gzip\n\n"
        )
        (folder / name).write_bytes(header.encode() + gzip.compress(DATA.tobytes()))
    else:
        header = nib.Nifti1Header()
        header.set_data_dtype(np.uint16)
        header.set_data_shape((7000, 6000, 5000))
        header["vox_offset"], header["magic"] = 352, b"n+1\0"
        (folder / name).write_bytes(gzip.compress(header.binaryblock + bytes(4) + DATA.tobytes()))
    with pytest.raises(io.FileError, match="compressed bytes cannot hold; it is cut off"):
        io.open_image(folder / name)


def test_a_temporary_folder_that_is_too_small(folder, monkeypatch):
    io.write(folder / "a.nii.gz", Volume(data=DATA))
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 100}))
    with (
        io.open_image(folder / "a.nii.gz") as image,
        pytest.raises(io.FileError, match="set TMPDIR to a larger"),
    ):
        image.read()


@pytest.mark.parametrize("kind", ["link", "soft link to a link", "group", "storage", "virtual", "nested"])
def test_hdf5_that_points_elsewhere(folder, kind, monkeypatch):
    name = "b" if kind == "soft link to a link" else "group/a" if kind == "group" else "a"
    with h5py.File(folder / "a.h5", "w") as file:
        if kind in ("link", "soft link to a link"):
            file["a"] = h5py.ExternalLink("../secret.h5", "/a")
            file["b"] = h5py.SoftLink("/a")
        elif kind == "group":
            file["group"] = h5py.ExternalLink("../secret.h5", "/")
        elif kind == "storage":
            file.create_dataset("a", SHAPE, "u2", external=[(str(folder / ".." / "secret.raw"), 0, 420)])
        elif kind == "virtual":
            layout = h5py.VirtualLayout(SHAPE, "u2")
            layout[:] = h5py.VirtualSource("../secret.h5", "a", SHAPE)
            file.create_virtual_dataset("a", layout)
        else:
            file["a"] = h5py.ExternalLink("b.h5", "/c")
    if kind == "nested":
        with h5py.File(folder / "b.h5", "w") as file:
            file["c"] = h5py.ExternalLink("../secret.h5", "/a")
    with pytest.raises(io.FileError, match=SECRET):
        io.open_image(f"{folder / 'a.h5'}:/{name}")
    monkeypatch.setenv("ANYSTAR_FOLLOW_FILES", "1")
    np.testing.assert_array_equal(io.read(f"{folder / 'a.h5'}:/{name}").data, DATA)


def test_hdf5_that_points_into_its_folder(folder):
    with h5py.File(folder / "b.h5", "w") as file:
        file["x"] = DATA
    with h5py.File(folder / "a.h5", "w") as file:
        file["link"] = h5py.ExternalLink("b.h5", "/x")
        layout = h5py.VirtualLayout(SHAPE, "u2")
        layout[:] = h5py.VirtualSource("b.h5", "x", SHAPE)
        file.create_virtual_dataset("virtual", layout)
    for name in ("link", "virtual"):
        np.testing.assert_array_equal(io.read(f"{folder / 'a.h5'}:/{name}").data, DATA)
    (folder / "b.h5").unlink()
    for name in ("link", "virtual"):  # HDF5 would read zeros
        with pytest.raises(io.FileError, match=r"b\.h5"):
            io.open_image(f"{folder / 'a.h5'}:/{name}")


def test_hdf5_links_in_a_circle(folder):
    with h5py.File(folder / "a.h5", "w") as file:
        file["a"], file["b"] = h5py.SoftLink("/b"), h5py.SoftLink("/a")
        file["real"] = DATA
    with pytest.raises(io.FileError, match=r"links at .* that lead in a circle"):
        io.open_image(f"{folder / 'a.h5'}:/a")


@pytest.mark.parametrize("description", ["ImageJ=1.54f\nimages=5\nslices=5\n", ""])
@pytest.mark.parametrize("big", [False, True])
def test_tiff_directories_in_a_circle(folder, description, big):
    path = folder / "a.tif"
    with tifffile.TiffWriter(path, bigtiff=big) as writer:
        for plane in DATA:
            writer.write(plane, contiguous=False, description=description, metadata=None)
    with tifffile.TiffFile(path) as file:
        first, last, tiff = file.pages[0].offset, file.pages[-1].offset, file.tiff
        count = len(file.pages[-1].tags)
    content = bytearray(path.read_bytes())
    at = last + tiff.tagnosize + count * tiff.tagsize
    content[at : at + tiff.offsetsize] = first.to_bytes(tiff.offsetsize, "little")
    path.write_bytes(content)
    with pytest.raises(io.FileError, match=r"chain of directories that does not end \(after 5\)"):
        io.open_image(path)


def test_ome_tiff_that_names_a_file_elsewhere(folder, monkeypatch):
    tifffile.imwrite(folder / "a.ome.tif", DATA, metadata={"axes": "ZYX"})
    xml = tifffile.tiffcomment(folder / "a.ome.tif")
    secret = folder.parent / "b.ome.tif"
    tifffile.imwrite(secret, DATA, metadata={"axes": "ZYX"})
    uuid = "urn:uuid:00000000-0000-0000-0000-000000000001"
    start = xml.index("<TiffData")
    named = f'<TiffData IFD="0" PlaneCount="5"><UUID FileName="../{secret.name}">{uuid}</UUID></TiffData>'
    tifffile.tiffcomment(folder / "a.ome.tif", (xml[:start] + named + xml[xml.index("</Pixels>") :]).encode())
    with pytest.raises(io.FileError, match=SECRET):
        io.open_image(folder / "a.ome.tif")


@pytest.mark.parametrize("name", ["a.tif", "a.nii", "a.nii.gz", "a.nrrd", "a.h5", "a.npy"])
def test_a_pipe_is_no_file(folder, name):
    """Opening it would wait for ever for somebody who writes."""
    os.mkfifo(folder / name)
    with pytest.raises(io.FileError, match="is a pipe or a device, not a file"):
        io.open_image(folder / name)
    os.mkfifo(folder / "voxels.raw")
    detached(folder / "b.nhdr", "voxels.raw")
    with pytest.raises(io.FileError, match=r"voxels.raw, which is not a regular file"):
        io.open_image(folder / "b.nhdr")


@pytest.mark.parametrize("given", [{"channel": 1.5}, {"time": "0"}, {"level": "1"}, {"channel": True}])
def test_a_wrong_argument_is_no_damage(folder, given):
    io.write(folder / "a.tif", Volume(data=DATA))
    with pytest.raises(TypeError, match=f"{next(iter(given))} must be a whole number"):
        io.open_image(folder / "a.tif", **given)


@pytest.mark.parametrize(
    "path", ["https://x.org/a.zarr", "https:/x.org/a.tif", "s3://bucket/a.ome.zarr", "gs:/bucket/a.nii.gz"]
)
def test_an_address_is_no_file(path, tmp_path):
    with pytest.raises(io.FileError, match=r"://.* is an address, not a file; download it first"):
        io.open_image(path)
    with pytest.raises(io.FileError, match=r"://.* is an address, not a file; download it first"):
        evaluate_files(Path(path), tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"://.* is an address, to which nothing is written; give the table"):
        refuse_outputs([("the table", Path(path))], overwrite=True)
    with pytest.raises(
        io.FileError, match=r"file:///data/a\.tif is an address, not a file; give /data/a\.tif"
    ):
        io.open_image("file:///data/a.tif")
