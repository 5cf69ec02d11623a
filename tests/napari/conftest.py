"""Tests of the plugin: skipped where napari or a Qt binding is not installed."""

import pytest

pytest.importorskip("napari")
pytest.importorskip("pytestqt")
