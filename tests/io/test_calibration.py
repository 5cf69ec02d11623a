"""Which statements about the size of a voxel are believed, and what is said of those that are not."""

import itertools

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from anystar import io
from anystar.io.calibration import calibrate
from anystar.io.units import micrometres_per

DATA = np.random.default_rng(0).integers(0, 999, (6, 12, 14)).astype(np.uint16)
DOTS = [72, 96, 100, 120, 144, 150, 200, 300, 600, 1200]


def opened(path, **options):
    """The calibration and the notes of a file."""
    with io.open_image(path, **options) as image:
        np.testing.assert_array_equal(image.read(), DATA)
        return image.spacing, image.unit, image.plane, " ".join(image.notes)


def imagej(path, fields="", resolution=(1, 1), **options):
    """A stack as Fiji writes it."""
    text = f"ImageJ=1.54f\nimages=6\nslices=6\nloop=false\n{fields}"
    tifffile.imwrite(path, DATA, description=text, metadata=None, resolution=resolution, **options)


@pytest.mark.parametrize("dots", DOTS)
@pytest.mark.parametrize(
    ("unit", "per_inch"),
    [("inch", 1), ("inches", 1), ("cm", 2.54), ("mm", 25.4), ("um", 25_400), ("m", 0.0254)],
)
def test_a_print_resolution_is_no_voxel_size(tmp_path, dots, unit, per_inch):
    imagej(tmp_path / "a.tif", f"unit={unit}\n", (round(dots / per_inch, 6),) * 2)
    spacing, _, plane, notes = opened(tmp_path / "a.tif")
    assert (spacing, plane) == (None, None)
    assert f"{dots} dots per inch" in notes
    assert opened(tmp_path / "a.tif", spacing=(3, 2, 1)) == ((3, 2, 1), "um", None, "")


@pytest.mark.parametrize("rounded", [28.35, 37.8, 118.1, 28.346])
def test_print_resolutions_are_rounded_by_programs(tmp_path, rounded):
    imagej(tmp_path / "a.tif", "unit=cm\n", (rounded, rounded))
    assert opened(tmp_path / "a.tif")[0] is None


@pytest.mark.parametrize("z", [None, 1.0])
def test_a_print_resolution_that_became_micrometres(tmp_path, z):
    """As Bio-Formats converts it into OME-XML."""
    sizes = {f"PhysicalSize{a}": 25_400 / 96 for a in "XY"} | ({} if z is None else {"PhysicalSizeZ": z})
    tifffile.imwrite(tmp_path / "a.ome.tif", DATA, metadata={"axes": "ZYX", **sizes})
    assert opened(tmp_path / "a.ome.tif")[:3] == (None, "um", None)
    assert "96 dots per inch" in opened(tmp_path / "a.ome.tif")[3]


@pytest.mark.parametrize(
    ("fields", "resolution", "spacing"),
    [
        ("unit=inch\nspacing=0.01\n", (96, 96), (254, 264.583, 264.583)),  # a size along every axis
        ("unit=cm\nspacing=0.0005\n", (20_000, 20_000), (5, 0.5, 0.5)),
        ("unit=inch\n", (25_400, 50_800), (25_400, 0.5, 1)),  # not the same along Y and X
        ("unit=mm\nspacing=0.002\n", (2000, 2000), (2, 0.5, 0.5)),
    ],
)
def test_real_sizes_in_print_units_are_believed(tmp_path, fields, resolution, spacing):
    imagej(tmp_path / "a.tif", fields, resolution)
    assert opened(tmp_path / "a.tif")[0] == pytest.approx(spacing, rel=1e-4)


def test_a_distance_that_is_only_implied_is_said(tmp_path):
    imagej(tmp_path / "a.tif", "unit=um\n", (2, 2))
    spacing, unit, _, notes = opened(tmp_path / "a.tif")
    assert (spacing, unit) == ((1, 0.5, 0.5), "um")
    assert "no distance between planes, which stands for 1 um" in notes
    imagej(tmp_path / "a.tif", "unit=um\nspacing=1.0\n", (2, 2))
    assert opened(tmp_path / "a.tif") == ((1, 0.5, 0.5), "um", None, "")


ONES = {f"PhysicalSize{a}": 1.0 for a in "XYZ"}
UNITS = {f"PhysicalSize{a}Unit": "µm" for a in "XYZ"}


def test_ones_without_a_unit_stand_for_an_unknown_size(tmp_path):
    imagej(tmp_path / "a.tif", "unit=pixel\nspacing=1.0\n")
    tifffile.imwrite(tmp_path / "a.ome.tif", DATA, metadata={"axes": "ZYX", **ONES})
    for name in ("a.tif", "a.ome.tif"):
        spacing, _, _, notes = opened(tmp_path / name)
        assert spacing is None
        assert "1 x 1 x 1 without a unit" in notes
    imagej(tmp_path / "b.tif", "unit=um\nspacing=1.0\n")
    tifffile.imwrite(tmp_path / "b.ome.tif", DATA, metadata={"axes": "ZYX", **ONES, **UNITS})
    for name in ("b.tif", "b.ome.tif"):
        assert opened(tmp_path / name) == ((1, 1, 1), "um", None, "")
    imagej(tmp_path / "c.tif", "unit=pixel\nspacing=3.0\n")
    assert opened(tmp_path / "c.tif") == ((3, 1, 1), "relative", None, "")


def test_only_the_distance_between_planes_is_unknown(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.ome.tif", DATA, metadata={"axes": "ZYX", "PhysicalSizeX": 0.2, "PhysicalSizeY": 0.3}
    )
    spacing, _, plane, notes = opened(tmp_path / "a.ome.tif")
    assert (spacing, plane) == (None, (0.3, 0.2))
    assert "no distance between planes" in notes
    assert opened(tmp_path / "a.ome.tif", spacing=(1, 2, 3))[2:] == (None, "")


@pytest.mark.parametrize("target", ["l.ome.tif", "l.zarr"])
def test_labels_keep_what_is_known_of_the_size(tmp_path, target):
    known = {"PhysicalSizeX": 0.2, "PhysicalSizeY": 0.3}
    tifffile.imwrite(tmp_path / "a.ome.tif", DATA, metadata={"axes": "ZYX", **known})
    volume = io.read(tmp_path / "a.ome.tif")
    io.write(tmp_path / target, (volume.data % 7).astype(np.int32), like=volume)
    with io.open_image(tmp_path / target) as image:
        np.testing.assert_array_equal(image.read(), DATA % 7)
        assert (image.spacing, image.plane) == (None, (0.3, 0.2))


SIZES = {"PhysicalSizeX": 0.2, "PhysicalSizeY": 0.2, "PhysicalSizeZ": 0.5} | UNITS


@pytest.mark.parametrize(
    ("heights", "unit", "note"),
    [
        ([5.0] * 6, "µm", ""),  # a piezo that the microscope does not know of
        ([0, 0.5, 1.02, 1.49, 2.0, 2.51], "µm", ""),
        ([2.5, 2.0, 1.5, 1.0, 0.5, 0.0], "µm", ""),
        ([0, 500, 1000, 1500, 2000, 2500], "nm", ""),
        ([0, 2, 4, 6, 8, 10], "µm", "2 µm apart, but the file states 0.5 µm"),
        ([0, 2, 4, 6, 8, 10], "reference frame", "2 reference frame apart, but the file states 0.5 µm"),
        ([10, 0, 8, 1, 7, 7], "µm", "positions of the planes along Z are irregular"),
    ],
)
def test_positions_of_the_stage_are_compared_with_the_stated_size(tmp_path, heights, unit, note):
    planes = {"PositionZ": [float(h) for h in heights], "PositionZUnit": [unit] * 6}
    tifffile.imwrite(tmp_path / "a.ome.tif", DATA, metadata={"axes": "ZYX", **SIZES, "Plane": planes})
    spacing, found, _, notes = opened(tmp_path / "a.ome.tif")
    assert (spacing, found) == ((0.5, 0.2, 0.2), "um")
    assert note in notes
    assert bool(note) == bool(notes)


def test_positions_say_the_distance_that_the_file_does_not(tmp_path):
    planes = {"PositionZ": [2.0 * n for n in range(6)], "PositionZUnit": ["µm"] * 6}
    known = {name: value for name, value in SIZES.items() if "SizeZ" not in name}
    tifffile.imwrite(tmp_path / "a.ome.tif", DATA, metadata={"axes": "ZYX", **known, "Plane": planes})
    spacing, _, _, notes = opened(tmp_path / "a.ome.tif")
    assert spacing == (2, 0.2, 0.2)
    assert "positions, 2 µm, is used" in notes


def test_fields_of_a_stack_that_tifffile_wrote_without_imagej(tmp_path):
    metadata = {"axes": "ZYX", "spacing": 2.0, "unit": "um"}
    tifffile.imwrite(tmp_path / "a.tif", DATA, photometric="minisblack", resolution=(5, 4), metadata=metadata)
    assert opened(tmp_path / "a.tif")[:2] == ((2, 0.25, 0.2), "um")


@given(
    st.lists(st.floats(1e-6, 1e6), min_size=3, max_size=3),
    st.lists(st.sampled_from(["nm", "um", "mm", "Å", "thou"]), min_size=3, max_size=3),
)
def test_a_size_with_units_is_what_it_says(sizes, units):
    found = calibrate(sizes, units)
    lengths = [s * micrometres_per(u) for s, u in zip(sizes, units, strict=True)]
    assert found.spacing == pytest.approx(lengths) or "dots per inch" in found.notes[0]


@given(
    st.lists(st.one_of(st.none(), st.floats(), st.just(1.0)), min_size=3, max_size=3),
    st.lists(st.sampled_from(["", "um", "pixel", "inch", None, "parsec"]), min_size=3, max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_nothing_is_left_unsaid(sizes, units, implied, placed):
    """Sizes along every axis are used, or a fault or a note says why they are not."""
    found = calibrate(sizes, units, implied=implied, placed=placed)
    if found.spacing is not None:
        assert all(np.isfinite(s) and s > 0 for s in found.spacing)
        assert not found.fault
    elif None not in sizes:
        assert found.fault or found.notes


LENGTHS = "Ym Zm Em Pm Tm Gm Mm km hm dam m dm cm mm µm nm pm fm am zm ym Å thou li in ft yd mi ua ly pc pt"


def test_the_lengths_of_ome():
    """Values from the UnitsLength of the OME schema, in metres."""
    metres = [10.0**e for e in (24, 21, 18, 15, 12, 9, 6, 3, 2, 1, 0, -1, -2, -3, -6, -9, -12, -15, -18, -21)]
    metres += [1e-24, 1e-10, 2.54e-5, 0.0254 / 12, 0.0254, 0.3048, 0.9144, 1609.344]
    metres += [149_597_870_700, 9.4607304725808e15, 3.0856775814913674e16, 0.0254 / 72]
    assert [micrometres_per(u) for u in LENGTHS.split()] == pytest.approx([m * 1e6 for m in metres], rel=1e-9)
    assert micrometres_per("pixel") is micrometres_per("reference frame") is micrometres_per("") is None


@pytest.mark.parametrize(
    ("names", "value"),
    [
        (["um", "UM", "µm", "μm", "\\u00B5m", "micron", "Microns", "micrometer", "Micrometres"], 1),
        (["mm", "MM", "millimeter", "millimetres"], 1e3),
        (["nm", "NM", "nanometer", "nanometers"], 1e-3),
        (["inch", "inches", "in", "Inch"], 25_400),
        (["foot", "feet", "ft"], 304_800),
        (["angstrom", "Angstroms", "Å", "\N{ANGSTROM SIGN}"], 1e-4),
        (["decimeter", "dm"], 1e5),
        (["yoctometer"], 1e-18),
        (["pixel", "pixels", "voxel", "sec", "none", "None", "", "micro", "s"], None),
    ],
)
def test_spellings_of_units(names, value):
    assert [micrometres_per(n) for n in names] == pytest.approx([value] * len(names))


@pytest.mark.parametrize("pair", list(itertools.combinations("ZYX", 2)))
def test_each_axis_has_a_unit_of_its_own_in_ome(tmp_path, pair):
    units = {f"PhysicalSize{a}Unit": "nm" if a in pair else "mm" for a in "XYZ"}
    tifffile.imwrite(tmp_path / "a.ome.tif", DATA, metadata={"axes": "ZYX", **SIZES, **units})
    values = zip("ZYX", (0.5, 0.2, 0.2), strict=True)
    wanted = tuple(s * (1e-3 if a in pair else 1e3) for a, s in values)
    assert opened(tmp_path / "a.ome.tif")[0] == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("unit", "resolution"), [("cm", 72), ("cm", 300), ("inch", 254), ("pixel", 72), ("", 300)]
)
@pytest.mark.parametrize("spacing", ["", "spacing=1.0\n"])
def test_print_resolutions_in_another_unit(tmp_path, unit, resolution, spacing):
    """Counted per centimetre instead of per inch, or without a unit beside a distance of 1."""
    imagej(tmp_path / "a.tif", (f"unit={unit}\n" if unit else "") + spacing, (resolution, resolution))
    found, _, plane, notes = opened(tmp_path / "a.tif")
    assert (found, plane) == (None, None)
    assert ("dots per" in notes) == bool(spacing or unit in ("cm", "inch"))


def test_ones_in_the_plane_alone_and_positions_that_are_no_numbers(tmp_path):
    meta = {"axes": "ZYX", "PhysicalSizeX": 1.0, "PhysicalSizeY": 1.0}
    tifffile.imwrite(tmp_path / "a.ome.tif", DATA, metadata=meta)
    assert opened(tmp_path / "a.ome.tif")[:3] == (None, "um", None)
    meta |= {"PhysicalSizeX": 0.2, "PhysicalSizeY": 0.2, "Plane": {"PositionZ": ["nan"] * len(DATA)}}
    tifffile.imwrite(tmp_path / "b.ome.tif", DATA, metadata=meta)
    assert opened(tmp_path / "b.ome.tif")[:3] == (None, "um", (0.2, 0.2))
