"""Settings of the documentation site; built by ``python -m sphinx -W -n docs build/site``."""

import os
import sys
from pathlib import Path

os.environ.setdefault("NUMBA_DISABLE_JIT", "1")  # nothing is computed here

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs" / "_extensions"))

import reference_pages  # noqa: E402

reference_pages.write_pages(ROOT / "docs" / "reference" / "generated")

project = "AnyStar"
author = "The AnyStar developers"
copyright = "The AnyStar developers"
release = version = (ROOT / "src" / "anystar" / "_version.py").read_text().split('"')[1]

extensions = [
    "reference_pages",
    "myst_parser",
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["models", "_extensions", "reference/generated/*.md"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 4

# Types stand in the docstrings, in words.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
toc_object_entries = False  # each object has a heading of its own
numpydoc_show_class_members = False
python_use_unqualified_type_names = True

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = f"AnyStar {version}"
html_static_path: list[str] = []
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "header_links_before_dropdown": 7,
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
