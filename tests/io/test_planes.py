"""One volume over several files: folders of 2D images, OME-TIFF sets, companion files."""

import itertools
import pickle
from xml.sax.saxutils import quoteattr

import numpy as np
import pytest
import tifffile

from anystar import io
from anystar.arrays import Volume
from anystar.io.planes import list_volumes

DATA = np.random.default_rng(0).integers(0, 999, (12, 14, 16)).astype(np.uint16)
BOX = (slice(2, 11), slice(3, 9), slice(4, 16))


def planes(folder, name="img_{:03d}.tif", data=DATA, start=1, **options):
    folder.mkdir(exist_ok=True)
    for number, plane in enumerate(data, start):
        tifffile.imwrite(folder / name.format(number), plane, photometric="minisblack", **options)
    return folder


@pytest.mark.parametrize(
    "name", ["img_{:03d}.tif", "{}.tif", "a2_z{:02d}_x5.tif", "img-{}-DAPI.tif", "t{:04d}.tif", "s{}.ome.tif"]
)
def test_a_folder_of_planes_is_a_stack(tmp_path, name):
    folder = planes(tmp_path / "stack", name)
    assert list_volumes(folder) == [folder]
    with io.open_image(folder) as image:
        assert (image.shape, image.spacing) == (DATA.shape, None)
        np.testing.assert_array_equal(image.read(), DATA)
        np.testing.assert_array_equal(image.read(BOX), DATA[BOX])
        assert image.read((slice(3, 3), slice(0, 4), slice(None))).shape == (0, 4, 16)
        assert image.notes[0].startswith("the folder's 12 planes, ")
        again = pickle.loads(pickle.dumps(image))
    np.testing.assert_array_equal(again.read(BOX), DATA[BOX])


def test_numbers_that_begin_anywhere_and_step(tmp_path):
    folder = planes(tmp_path / "stack", data=DATA[::-1], start=95)
    np.testing.assert_array_equal(io.read(folder).data, DATA[::-1])  # 99 before 100
    stepped = tmp_path / "stepped"
    stepped.mkdir()
    for number in range(4):
        np.save(stepped / f"p{number * 5}.npy", DATA[number])
    np.testing.assert_array_equal(io.read(stepped).data, DATA[:4])


def test_the_size_that_planes_state(tmp_path):
    fields = {"imagej": True, "resolution": (2, 4), "metadata": {"axes": "YX", "unit": "um"}}
    folder = tmp_path / "stack"
    folder.mkdir()
    for number, plane in enumerate(DATA):
        tifffile.imwrite(folder / f"{number}.tif", plane, **fields)
    with io.open_image(folder) as image:
        assert (image.spacing, image.plane) == (None, (0.25, 0.5))
        assert "no distance between planes" in " ".join(image.notes)
    assert io.read(folder, spacing=(3, 2, 1)).spacing == (3, 2, 1)


def test_colour_planes(tmp_path):
    data = np.random.default_rng(1).integers(0, 255, (6, 12, 13, 3)).astype(np.uint8)
    folder = tmp_path / "stack"
    folder.mkdir()
    for number, plane in enumerate(data):
        tifffile.imwrite(folder / f"{number}.tif", plane, photometric="rgb")
    np.testing.assert_array_equal(io.read(folder, channel=1).data, data[..., 1])


NAMES = {
    "letters": "img_t{t:02d}_z{z:03d}_c{c}.tif",
    "Micro-Manager": "img_channel{c:03d}_position000_time{t:09d}_z{z:03d}.tif",
    "words": "scan_Time{t}_Slice{z:02d}_ch{c}.tif",
    "one without": "a_c{c}_t{t}_{z}.tif",
}


def grid(folder, name, data, leave_out=()):
    folder.mkdir()
    for t, c, z in itertools.product(*map(range, data.shape[:3])):
        if (t, c, z) not in leave_out:
            text = name.format(t=t, c=c, z=z, word=("DAPI", "GFP")[c % 2])
            tifffile.imwrite(folder / text, data[t, c, z], photometric="minisblack")
    return folder


FIVE = np.random.default_rng(2).integers(0, 99, (3, 2, 5, 12, 13)).astype(np.uint8)


@pytest.mark.parametrize("case", NAMES)
def test_channels_and_times_by_the_names_of_files(tmp_path, case):
    folder = grid(tmp_path / "a", NAMES[case], FIVE)
    with io.open_image(folder, time=2, channel=1) as image:
        assert (image.num_times, image.num_channels) == (3, 2)
        np.testing.assert_array_equal(image.read(), FIVE[2, 1])


def test_channels_by_words(tmp_path):
    folder = grid(tmp_path / "a", "img_{word}_{z:03d}.tif", FIVE[:1])
    np.testing.assert_array_equal(io.read(folder, channel="GFP").data, FIVE[0, 1])
    with pytest.raises(io.FileError, match=r"2 channels: 0 \(DAPI\), 1 \(GFP\)"):
        io.read(folder)


def test_an_acquisition_of_planes_that_stopped_early(tmp_path):
    missing = [(2, 1, z) for z in (3, 4)] + [(2, 0, 4)]
    folder = grid(tmp_path / "a", NAMES["letters"], FIVE, missing)
    with io.open_image(folder, time=1, channel=0) as image:
        assert image.num_times == 2
        assert "cannot be used: 2" in " ".join(image.notes)
        np.testing.assert_array_equal(image.read(), FIVE[1, 0])
    gap = grid(tmp_path / "b", NAMES["letters"], FIVE, [(1, 0, 2)])
    np.testing.assert_array_equal(io.read(gap, time=2, channel=1).data, FIVE[2, 1])
    with pytest.raises(io.FileError, match=r"has no file for T 1, C 0, Z 2; choose another time="):
        io.read(gap, time=1, channel=0)


def spoil_gap(folder):
    (folder / "img_005.tif").unlink()


def spoil_shape(folder):
    tifffile.imwrite(folder / "img_005.tif", DATA[0, :5])


def spoil_name(folder):
    tifffile.imwrite(folder / "average.tif", DATA[0])


def spoil_copy(folder):
    tifffile.imwrite(folder / "img_5.tif", DATA[0])


def spoil_words(folder):
    tifffile.imwrite(folder / "mip_1.tif", DATA[0])


def spoil_positions(folder):
    for n in (1, 2):
        planes(folder, f"pos{n}_{{:02d}}.tif", DATA[:3])
    for path in folder.glob("img*"):
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_gap, "numbers do not count up: 5 missing; copy what"),
        (spoil_shape, r"2D images that differ: img_005.tif has the shape \(5, 16\)"),
        (spoil_name, r"average.tif has no number; number them"),
        (spoil_copy, "holds img_005.tif and img_5.tif, which are the same plane; remove one"),
        (spoil_words, "holds 1?[0-9] of the 24 planes|different kinds of names"),
        (spoil_positions, "several positions; put each position into a folder"),
    ],
)
def test_a_folder_that_is_no_stack_is_refused_in_one_line(tmp_path, spoil, message):
    folder = planes(tmp_path / "stack")
    spoil(folder)
    with pytest.raises(io.FileError, match=message) as error:
        io.read(folder)
    assert str(error.value).startswith(f"{folder} ")
    assert "\n" not in str(error.value)


def test_folders_of_volumes_are_as_before(tmp_path):
    for name in ("a1.tif", "a2.tif"):
        io.write(tmp_path / name, Volume(data=DATA))
    tifffile.imwrite(tmp_path / "a0.tif", DATA[0])  # a thumbnail
    assert [p.name for p in list_volumes(tmp_path)] == ["a0.tif", "a1.tif", "a2.tif"]
    with pytest.raises(io.FileError, match=r"is a folder of 3 images; give one of them, a0\.tif for example"):
        io.read(tmp_path)


def ome_set(folder, data, axes, split, *, companion=None, leave_out=(), bare=False):
    """An OME-TIFF with a file for each index of the axes that ``split`` names, as bfconvert writes them."""
    folder.mkdir(exist_ok=True)
    lengths = dict(zip(axes, data.shape, strict=True))
    size = {f"Size{a}": lengths.get(a, 1) for a in "XYZCT"}
    size |= {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 2.0}
    blocks, files = [], {}
    outer = axes[:-2]
    for place in itertools.product(*(range(lengths[a]) for a in outer)):
        at = dict(zip(outer, place, strict=True))
        name = "img" + "".join(f"_{a}{at[a]}" for a in outer if a in split) + ".ome.tif"
        pages = files.setdefault(name, [])
        first = " ".join(f'First{a}="{at.get(a, 0)}"' for a in "ZCT")
        uuid = f"<UUID FileName={quoteattr(name)}>urn:uuid:{name}</UUID>"
        blocks.append(f'<TiffData {first} IFD="{len(pages)}" PlaneCount="1">{uuid}</TiffData>')
        pages.append(data[place])
    attributes = " ".join(f'{k}="{v}"' for k, v in size.items())
    channels = "".join(f'<Channel ID="C:{c}" Name="ch{c}"/>' for c in range(size["SizeC"]))
    body = (
        f'<Image ID="Image:0"><Pixels ID="P:0" DimensionOrder="XYZCT" Type="uint16" {attributes}>'
        f"{channels}{''.join(blocks)}</Pixels></Image>"
    )
    space = 'xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'
    for name, pages in files.items():
        text = f'<?xml version="1.0"?><OME {space} UUID="urn:uuid:{name}">{body}</OME>'
        if companion:
            (folder / companion).write_text(f'<?xml version="1.0"?><OME {space} UUID="urn:c">{body}</OME>')
            text = (
                f'<?xml version="1.0"?><OME {space} UUID="urn:uuid:{name}">'
                f'<BinaryOnly MetadataFile="{companion}" UUID="urn:c"/></OME>'
            )
        if name not in leave_out:
            with tifffile.TiffWriter(folder / name) as writer:
                for number, page in enumerate(pages):
                    writer.write(page, metadata=None, description=text if number == 0 else None)
    return [folder / name for name in files]


@pytest.mark.parametrize("companion", [None, "img.companion.ome"])
@pytest.mark.parametrize("split", ["Z", "C", "T", "CT", "ZCT"])
def test_an_ome_tiff_over_several_files(tmp_path, split, companion):
    """Each file reads as the whole, and a folder of them is one volume, once."""
    data = np.random.default_rng(3).integers(0, 999, (3, 2, 4, 12, 14)).astype(np.uint16)
    files = ome_set(tmp_path, data, "TCZYX", split, companion=companion)
    assert list_volumes(tmp_path) == [files[0]]
    for path in (files[0], files[-1], tmp_path):
        with io.open_image(path, time=2, channel="ch1") as image:
            assert (image.num_times, image.num_channels, image.spacing) == (3, 2, (2, 0.5, 0.5))
            np.testing.assert_array_equal(image.read(), data[2, 1])
            np.testing.assert_array_equal(
                image.read((slice(1, 3), slice(2, 5), slice(4, 9))), data[2, 1, 1:3, 2:5, 4:9]
            )


def test_a_companion_that_is_missing(tmp_path):
    files = ome_set(tmp_path, DATA, "ZYX", "", companion="img.companion.ome")
    assert io.read(files[0]).spacing == (2, 0.5, 0.5)
    (tmp_path / "img.companion.ome").unlink()
    with io.open_image(files[0]) as image:
        np.testing.assert_array_equal(image.read(), DATA)
        assert image.spacing is None
        assert "metadata lie in img.companion.ome, which is missing" in image.notes[0]


def test_an_acquisition_of_ome_tiff_that_stopped_early(tmp_path):
    data = np.random.default_rng(3).integers(0, 999, (4, 3, 12, 14)).astype(np.uint16)
    files = ome_set(tmp_path, data, "TZYX", "T", leave_out=["img_T3.ome.tif"])
    with io.open_image(files[0], time=2) as image:
        assert image.num_times == 3
        assert "1 of 4 time points are incomplete and cannot be used: 3" in image.notes[0]
        np.testing.assert_array_equal(image.read(), data[2])
    files[1].unlink()
    np.testing.assert_array_equal(io.read(files[0], time=2).data, data[2])
    with pytest.raises(io.FileError, match="time point 1 is incomplete; choose another time="):
        io.read(files[0], time=1)
    planes_only = ome_set(tmp_path / "z", DATA, "ZYX", "Z", leave_out=["img_Z5.ome.tif"])
    with pytest.raises(io.FileError, match="lacks plane 5 of 12"):
        io.read(planes_only[0])


def test_what_a_file_gives_does_not_depend_on_files_that_it_does_not_name(tmp_path):
    files = ome_set(tmp_path, DATA, "ZYX", "")
    alone = io.read(files[0])
    planes(tmp_path, "img_{:03d}.ome.tif")
    ome_set(tmp_path, DATA[::-1], "ZYX", "Z")
    beside = io.read(files[0])
    np.testing.assert_array_equal(alone.data, beside.data)
    assert alone.spacing == beside.spacing


def test_a_file_for_each_field_of_view(tmp_path):
    """Every file names all of them, and is its own."""
    space = 'xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'
    names = ["a_Pos0.ome.tif", "a_Pos1.ome.tif"]
    images = "".join(
        f'<Image ID="Image:{i}"><Pixels ID="P:{i}" DimensionOrder="XYZCT" Type="uint16" SizeX="16" SizeY="14"'
        ' SizeZ="12" SizeC="1" SizeT="1"><TiffData PlaneCount="12" IFD="0">'
        f'<UUID FileName="{name}">urn:{i}</UUID></TiffData></Pixels></Image>'
        for i, name in enumerate(names)
    )
    for number, name in enumerate(names):
        text = f'<?xml version="1.0"?><OME {space} UUID="urn:{number}">{images}</OME>'
        with tifffile.TiffWriter(tmp_path / name) as writer:
            for z in range(12):
                writer.write(DATA[z] + number, metadata=None, description=text if z == 0 else None)
    assert [p.name for p in list_volumes(tmp_path)] == names
    for number, name in enumerate(names):
        np.testing.assert_array_equal(io.read(tmp_path / name).data, DATA + number)


def test_a_companion_itself_is_no_image(tmp_path):
    for name in ("a.companion.ome", "a.ome.xml"):
        (tmp_path / name).write_text("<OME/>")
        with pytest.raises(io.FileError, match="holds metadata only; give a TIFF file that it describes"):
            io.read(tmp_path / name)
