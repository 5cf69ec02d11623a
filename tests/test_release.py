"""What a release consists of agrees: versions, dependencies, their oldest versions, the recipe for conda."""

import re
import tomllib
from pathlib import Path

import anystar

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CONDA = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
"""Packages that have another name there."""


def lower_bounds():
    return dict(re.fullmatch(r"([\w-]+)>=([\w.]+)", line).groups() for line in PROJECT["dependencies"])


def version_of(text):
    return tuple(int(part) for part in text.split("."))


def test_every_place_has_the_version():
    version = anystar.__version__
    assert f'version: "{version}"' in (ROOT / "packaging/conda/recipe/recipe.yaml").read_text("utf-8")
    assert f"version: {version}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"## {version} " in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_recipe_has_the_dependencies():
    recipe = (ROOT / "packaging/conda/recipe/recipe.yaml").read_text("utf-8")
    run = recipe.partition("  run:\n")[2].partition("\ntests:")[0]
    found = dict(re.findall(r"^    - ([\w-]+) >=([\d.]+)$", run, re.M))
    assert found == {CONDA.get(name, name): version for name, version in lower_bounds().items()}


def test_the_oldest_versions_are_the_lower_bounds():
    lines = (ROOT / "constraints-oldest.txt").read_text("utf-8").splitlines()
    oldest = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    bounds = {name: version for name, version in lower_bounds().items() if name != "torch"}
    assert oldest.keys() == bounds.keys()
    for name, version in bounds.items():
        wanted = version_of(version)
        assert version_of(oldest[name])[: len(wanted)] == wanted, name


def test_every_python_of_the_classifiers_is_tested():
    stated = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    workflow = (ROOT / ".github/workflows/tests.yml").read_text("utf-8")
    assert re.search(r"python: \[(.*)\]", workflow)[1] == ", ".join(f'"{v}"' for v in stated)
    assert PROJECT["requires-python"] == f">={stated[0]}"
