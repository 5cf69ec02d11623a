"""A file may name others in its own folder only."""

import pytest

from anystar.errors import FileError
from anystar.io.outside import VARIABLE, companion


@pytest.mark.parametrize("name", ["../secret.raw", "/etc/hostname", "voxels/../../secret.raw"])
def test_other_folders_are_refused_unless_the_user_allows_them(tmp_path, monkeypatch, name):
    header = tmp_path / "in" / "a.nhdr"
    header.parent.mkdir()
    with pytest.raises(FileError, match="a file outside its own folder; copy that file beside it"):
        companion(header, name)
    monkeypatch.setenv(VARIABLE, "1")
    assert companion(header, name).is_absolute()


def test_a_folder_below_is_its_own_and_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "voxels").mkdir()
    assert companion(tmp_path / "a.nhdr", "voxels/a.raw") == tmp_path / "voxels" / "a.raw"
    for name, message in (
        ("voxels", "is not a regular file"),
        ("", "a file without a name"),
        ("a\0b", "a name"),
    ):
        with pytest.raises(FileError, match=message):
            companion(tmp_path / "a.nhdr", name)
