"""Names of files become places on a grid."""

from pathlib import Path

import pytest

from anystar.errors import FileError
from anystar.io.plane_names import grid_of


def files(*names):
    return [Path(name) for name in names]


def test_one_number_that_varies_is_the_plane():
    grid = grid_of(files("a_7_010.tif", "a_7_012.tif", "a_7_014.tif"))
    assert (grid.axes, grid.shape) == ("Z", (3,))
    assert grid.files[(1,)].name == "a_7_012.tif"


def test_letters_say_what_several_numbers_count_and_words_are_channels():
    grid = grid_of(
        files(*(f"img_t{t}_z{z:03d}_{c}.tif" for t in (1, 2) for z in (5, 6, 7) for c in ("DAPI", "GFP")))
    )
    assert (grid.axes, grid.shape, grid.channels) == ("TCZ", (2, 2, 3), ("DAPI", "GFP"))
    assert grid.files[(1, 0, 2)].name == "img_t2_z007_DAPI.tif"


def test_time_points_at_the_end_may_lack_planes():
    grid = grid_of(files("t1_z1.tif", "t1_z2.tif", "t2_z1.tif", "t2_z2.tif", "t3_z1.tif"))
    assert (grid.shape, grid.incomplete) == ((3, 2), (2,))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a.tif", "b.tif"), "of which a.tif has no number"),
        (("a_1.tif", "a_2.tif", "a_4.tif"), "3 missing; copy what is missing"),
        (("pos1_z1.tif", "pos2_z1.tif"), "of several positions; put each position into a folder"),
        (("1_1.tif", "1_2.tif", "2_1.tif", "2_2.tif"), "whose names count in several places"),
        (("a_1.tif", "a_01.tif", "a_2.tif"), "which are the same plane; remove one"),
    ],
)
def test_names_that_do_not_count_up_are_refused(names, message):
    with pytest.raises(FileError) as refused:
        grid_of(files(*names))
    assert message in str(refused.value)
