"""Examples in the plugin's docstrings are run where napari and a Qt binding are installed."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("napari") and find_spec("qtpy") else ["src/anystar/napari/*"]
