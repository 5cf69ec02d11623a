"""Where the user's data and what can be made again are."""

import sys

import pytest

from anystar.runtime.user_folders import cache_folder, data_folder


@pytest.mark.parametrize(
    ("folder", "variable", "linux", "mac"),
    [
        (data_folder, "XDG_DATA_HOME", ".local/share", "Library/Application Support"),
        (cache_folder, "XDG_CACHE_HOME", ".cache", "Library/Caches"),
    ],
)
def test_the_folder_follows_the_environment(monkeypatch, tmp_path, folder, variable, linux, mac):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv(variable, str(tmp_path))
    assert folder() == tmp_path / "anystar"
    monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folder() == tmp_path / linux / "anystar"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert folder() == tmp_path / mac / "anystar"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert folder() == tmp_path / "anystar"
