"""The fake model and the image of the command line's tests."""

from tests.cli.conftest import cells, model

__all__ = ["cells", "model"]
