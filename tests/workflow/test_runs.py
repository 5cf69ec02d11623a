"""What runs are called, and which files are of one volume."""

from pathlib import Path

import numpy as np
import pytest

from anystar import io
from anystar.arrays import Volume
from anystar.workflow.reporting import report_runs
from anystar.workflow.runs import FoundRun, find_run, name_runs
from tests.scenes import balls


@pytest.mark.parametrize(
    ("places", "names"),
    [
        (["labels/a_p0.3.tif", "labels/a_p0.5.tif"], ["p0.3", "p0.5"]),
        (["ours/a.tif", "other/a.tif"], ["ours", "other"]),
        (["x/p0.3.csv", "x/d10.csv", "x/p0.5.csv"], ["p0.3", "d10", "p0.5"]),
        (["embryo.csv", "embryo_low.csv"], ["embryo", "embryo_low"]),
        (["r/1/labels", "r/2/labels"], ["1", "2"]),
        (["a_p0.30_labels.tif", "a_p0.50_labels.tif"], ["p0.30", "p0.50"]),
        (["a.tif", "a.tif"], ["a", "a (2)"]),
        (["only.tif"], ["volume"]),
    ],
)
def test_runs_are_named_by_what_differs(places, names):
    runs = [FoundRun(name="volume", sources={}, place=Path(place)) for place in places]
    assert [run.name for run in name_runs(runs)] == names
    given = FoundRun(name="mine", sources={})
    assert next(run.name for run in name_runs([given, *runs])) == "mine"


def test_label_files_of_one_volume_are_compared(tmp_path):
    labels = balls((8, 20, 20), (1, (4, 6, 6), 3), (2, (4, 14, 14), 3))
    for name, data in (("a_p0.3", labels), ("a_p0.5", np.where(labels == 2, 0, labels)), ("b", labels)):
        io.write(tmp_path / f"{name}.tif", Volume(data=data))
    files = [str(tmp_path / f"{name}.tif") for name in ("a_p0.3", "a_p0.5", "b")]
    done = report_runs(files[:2], tmp_path / "r.html", slices=2)
    assert (done.num_runs, done.num_volumes) == (2, 1)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "p0.3 and p0.5: objects that differ" in page
    assert 'aria-label="Show p0.3 2, only here"' in page
    assert report_runs(files, tmp_path / "s.html", slices=2).num_volumes == 3
    assert find_run(f"x={files[0]}").place is None
