"""NRRD headers of which a field cannot be parsed."""

import numpy as np
import pytest

from anystar import io


@pytest.mark.parametrize(
    ("fields", "known"),
    [
        ("spacings: 0,5 0,5 2,0", False),
        ("spacings: a b c", False),
        ("space: lps\nspace directions: (a,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)", False),
        ("space: lps\nspace directions: (0.5,0) (0,0.5) (0,2)\nspace origin: (0,0,0)", False),
        ("space: lps\nspace directions: (5e-4,0,0) (0,5e-4,0) (0,0,2e-3)\nspace origin: (x,0,0)", True),
        ("spacings: 0.5 0.5 2\nunits: 'um' 'um' 'um'\nno field at all", True),
        ("spacings: 0.5 0.5 2\nunits: '\N{MICRO SIGN}m' '\N{MICRO SIGN}m' '\N{MICRO SIGN}m'", True),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_nrrd_fields_that_cannot_be_parsed(tmp_path, fields, known, encoding):
    """The voxels are read. A sign for micro is not left out, which would make metres of micrometres."""
    path, data = tmp_path / "a.nrrd", np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
    head = "NRRD0005\ntype: uint8\ndimension: 3\nsizes: 6 5 4\nencoding: raw\n"
    path.write_bytes((head + fields + "\n\n").encode(encoding) + data.tobytes())
    with io.open_image(path) as image:
        np.testing.assert_array_equal(image.read(), data)
        assert (image.spacing is not None) == known
        if known:
            assert image.spacing == pytest.approx((2, 0.5, 0.5))
            assert image.unit == "um"
        assert known or any("give spacing=" in note for note in image.notes)
    assert io.read(path, spacing=(3, 2, 1)).spacing == (3, 2, 1)
    labels = io.read(path)
    io.write(tmp_path / "l.nrrd", labels.data.astype(np.int32), like=labels)
    assert io.read(tmp_path / "l.nrrd").spacing == labels.spacing


@pytest.mark.parametrize("line", ["sizes: 6 5 x", "type: words", "encoding: magic", "byte skip: two"])
def test_nrrd_fields_without_which_nothing_can_be_read(tmp_path, line):
    head = "NRRD0005\ntype: uint8\ndimension: 3\nsizes: 6 5 4\nencoding: raw\n"
    name = line.partition(":")[0]
    kept = "".join(f"{each}\n" for each in head.splitlines() if not each.startswith(name))
    (tmp_path / "a.nrrd").write_bytes(f"{kept}{line}\n\n".encode() + bytes(120))
    with pytest.raises(io.FileError, match=r"a\.nrrd .*; (export|save) it"):
        io.read(tmp_path / "a.nrrd")
    (tmp_path / "a.nrrd").write_bytes(b"NRRD0005\ntype: uint8\n\n")
    with pytest.raises(io.FileError, match="lacks the field dimension of its header; export it again"):
        io.read(tmp_path / "a.nrrd")
    for magic in (b"NRRD0009\n", b"NRRD000\xff\n", b"nothing\n"):
        (tmp_path / "a.nrrd").write_bytes(magic + head.encode().partition(b"\n")[2] + b"\n" + bytes(120))
        with pytest.raises(io.FileError, match="does not begin as an NRRD file of version 1 to 5; copy"):
            io.read(tmp_path / "a.nrrd")


@pytest.mark.parametrize(
    ("line", "right"), [("endian: big\n", True), ("endian: litt\xc1e\n", False), ("", False)]
)
def test_the_order_of_bytes_is_not_guessed(tmp_path, line, right):
    data = np.arange(120, dtype=">u2").reshape(4, 5, 6)
    head = f"NRRD0005\ntype: uint16\ndimension: 3\nsizes: 6 5 4\nencoding: raw\n{line}\n"
    (tmp_path / "a.nrrd").write_bytes(head.encode("latin-1") + data.tobytes())
    if right:
        np.testing.assert_array_equal(io.read(tmp_path / "a.nrrd").data, data)
    else:
        with pytest.raises(io.FileError, match="neither little nor big; export it again"):
            io.read(tmp_path / "a.nrrd")
