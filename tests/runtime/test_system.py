"""The description of software and machine names what is missing, and nothing private."""

from pathlib import Path

from anystar.runtime.system import describe_system


def test_settings_of_ours_are_listed(monkeypatch):
    monkeypatch.setenv("ANYSTAR_DEBUG", "1")
    monkeypatch.setenv("SOME_PASSWORD", "secret")
    settings = describe_system()["settings"]
    assert "ANYSTAR_DEBUG=1" in settings
    assert "secret" not in settings


def test_no_private_path_is_listed():
    assert str(Path.home()) not in "".join(describe_system().values())
