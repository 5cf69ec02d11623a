"""The notebook of examples/ runs from start to end; its outputs are in the file."""

import json
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "examples" / "embryo.ipynb"
CODE = [
    cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"
]


@pytest.mark.slow
@pytest.mark.costly
def test_the_notebook_runs():
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    pytest.importorskip("pandas")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": NOTEBOOK.parent}}
    ).execute()
    ran = [cell for cell in notebook.cells if cell.cell_type == "code"]
    kinds = [{kind for out in cell.outputs for kind in out.get("data", {})} for cell in ran]
    assert "text/html" in kinds[1]
    assert "Result: 8 objects" in ran[1].outputs[-1].data["text/html"]
    assert any("image/png" in kind for kind in kinds)
    assert [out.output_type for cell in ran for out in cell.outputs if out.output_type == "error"] == []


def test_the_outputs_are_in_the_file():
    assert all(cell["outputs"] or "plt.show" in "".join(cell["source"]) for cell in CODE)
    assert NOTEBOOK.stat().st_size < 600_000
    assert not any(out["output_type"] in ("error", "stream") for cell in CODE for out in cell["outputs"])
