"""``anystar report``: runs, ground truth and images in, one page out."""

import re

import numpy as np
import pytest
import tifffile

from anystar import io
from anystar.arrays import Volume
from anystar.errors import InputError
from anystar.report.table import read_table
from anystar.workflow.runs import find_run
from tests.scenes import balls

RNG = np.random.default_rng(0)
SPACING = (2.0, 0.5, 0.5)


SHAPE = (12, 40, 40)
GROUND_TRUTH = balls(SHAPE, (3, (6, 8, 8), 4), (7, (6, 20, 20), 5), (9, (5, 32, 10), 4))
PRED = balls(SHAPE, (1, (6, 8, 8), 4), (2, (6, 20, 20), 3), (4, (6, 32, 32), 4))


@pytest.fixture
def project(tmp_path):
    """Two volumes with images; two runs, one with tables, one of one volume; a ground truth of one volume."""
    image = (10 + 100 * (GROUND_TRUTH > 0) + RNG.normal(0, 3, GROUND_TRUTH.shape)).astype(np.float32)
    for folder, name, data in (
        ("images", "a", image),
        ("images", "b", image[:, ::-1].copy()),
        ("ground_truth", "a_labels", GROUND_TRUTH),
        ("first", "a", PRED),
        ("first", "b", PRED[:, ::-1].copy()),
        ("second", "a", GROUND_TRUTH),
    ):
        io.write(tmp_path / folder / f"{name}.tif", Volume(data=data, spacing=SPACING))
    table = "label,probability\n1,0.9\n2,0.8\n4,0.7\n"
    (tmp_path / "first" / "a.csv").write_text(table)
    (tmp_path / "first" / "b.csv").write_text(table)
    return tmp_path


def test_runs_side_by_side(project, run):
    out = project / "report.html"
    options = (
        "--images",
        project / "images",
        "--ground-truth",
        project / "ground_truth",
        "-o",
        out,
        "--slices",
        3,
    )
    result = run("report", project / "first", f"other={project / 'second'}", *options)
    assert result.exit_code == 0, result.output
    assert "2 runs, 2 volumes, 2 of them in slices" in result.stdout
    page = out.read_text(encoding="utf-8")
    text = " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<(script|style).*?</\1>", "", page, flags=re.S)).split())
    # The first finds one of three, one too small, misses one, invents one; the other is the ground truth.
    assert "first 3 1 1 0 0 1" in text
    assert "other 3 3 0 0 0 0" in text
    assert "missed ground truth 9" in text
    assert "spurious prediction 4" in text
    assert "loose ground truth 7" in text
    assert "first: objects to look at first" in text  # volume b has no ground truth
    assert page.index(">a</h3>") < page.index(">b</h3>")


def test_the_page_needs_nothing_else(project, run):
    out = project / "report.html"
    name = project / '<img src=x onerror="alert(1)">&'
    (project / "first").rename(name)
    assert run("report", name, "--images", project / "images", "-o", out).exit_code == 0
    page = out.read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert "://" not in page
    assert "url(" not in page
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(sources) >= 20
    assert all(s.startswith(("data:", "#")) for s in sources), sources
    assert "default-src 'none'" in page


def test_what_evaluate_wrote_is_a_run(project, run):
    pair = (project / "first" / "a.tif", project / "ground_truth" / "a_labels.tif")
    assert run("evaluate", *pair, "--json", project / "scores" / "s.json").exit_code == 0
    out = project / "report.html"
    result = run("report", project / "scores" / "s.json", "-o", out)
    assert result.exit_code == 0, result.output
    assert "The image was not given: only outlines are shown." in out.read_text(encoding="utf-8")


@pytest.mark.parametrize("ending", ["csv", "parquet", "toml"])
def test_what_segment_wrote_is_a_run(project, run, model, ending):
    made, wrote = project / "made", project / "made" / f"a.{ending}"
    option = "--provenance" if ending == "toml" else "--table"
    assert run("segment", project / "images" / "a.tif", "-o", made / "l.tif", option, wrote).exit_code == 0
    moved = project / "moved"
    made.rename(moved)  # the image is where it was, all else beside the record
    for given in (moved / wrote.name, moved / "l.tif", moved):
        out = project / "report.html"
        result = run("report", given, "-o", out, "--slices", 1, "--overwrite")
        assert result.exit_code == 0, result.output
        page = out.read_text(encoding="utf-8")
        if given.suffix != ".tif" and not given.is_dir():
            assert "<dt>Probability threshold</dt>" in page
            assert "The image was not given" not in page
        assert ("Confidence" in page) == (given == moved / wrote.name and ending != "toml")


def test_tables_of_two_channels_of_one_image_are_two_volumes(project, run, model):
    data = io.read(project / "images" / "a.tif").data
    tifffile.imwrite(project / "two.tif", np.stack([data] * 2, 1), imagej=True, metadata={"axes": "ZCYX"})
    out = ("-o", project / "labels" / "l.tif", "--table", project / "tables", "--channel", "all")
    assert run("segment", project / "two.tif", *out).exit_code == 0
    assert sorted(find_run(str(project / "tables")).sources) == ["l_c0", "l_c1"]


def test_a_table_of_several_images_is_no_run(project, run, model):
    out = ("-o", project / "labels", "--table", project / "joined.csv")
    assert run("segment", project / "images", *out).exit_code == 0
    with pytest.raises(InputError, match=r"joined\.csv joins the tables of several images; give table=DIR/"):
        find_run(str(project / "joined.csv"))


def test_what_filter_left_is_what_is_reported_and_not_what_is_repeated(project, run, model):
    made = project / "made"
    image, table, less = project / "images" / "a.tif", made / "t.csv", made / "less.csv"
    assert run("segment", image, "-o", made / "l.tif", "--table", table).exit_code == 0
    largest = max(read_table(table)[0]["volume_vox"])
    options = ("-o", made / "less.tif", "--table", less, "--min-volume", largest)
    result = run("filter", made / "l.tif", table, *options)
    assert result.exit_code == 0, result.output
    assert [line.split()[-1] for line in result.stdout.splitlines()[1:]] == [
        str(made / name) for name in ("less.tif", "less.csv", "less.csv.toml")
    ]
    (source,) = find_run(str(less)).sources.values()
    assert (source.labels, source.table) == (made / "less.tif", less)
    again = run("segment", "--from-provenance", less, "-o", made / "again.tif")
    assert again.exit_code == 0, again.output
    assert "filtered afterwards" in again.output


def test_one_file_a_side_needs_no_matching_names(project, run):
    (project / "images" / "a.tif").rename(project / "x.tif")
    (project / "ground_truth" / "a_labels.tif").rename(project / "y.tif")
    options = ("--images", project / "x.tif", "--ground-truth", project / "y.tif", "-o", project / "r.html")
    result = run("report", project / "first" / "a.tif", *options)
    assert result.exit_code == 0, result.output
    assert "Where errors come from" in (project / "r.html").read_text(encoding="utf-8")


def empty_truth(project):
    io.write(project / "ground_truth" / "a_labels.tif", Volume(data=GROUND_TRUTH * 0, spacing=SPACING))


def empty_prediction(project):
    io.write(project / "first" / "a.tif", Volume(data=PRED * 0, spacing=SPACING))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (empty_truth, "The ground truth is empty: whatever was found is spurious."),
        (empty_prediction, "first found nothing."),
    ],
)
def test_nothing_on_one_side_is_said(project, run, change, said):
    change(project)
    out = project / "report.html"
    result = run(
        "report", project / "first", "--ground-truth", project / "ground_truth", "-o", out, "--volumes", 0
    )
    assert result.exit_code == 0, result.output
    assert said in out.read_text(encoding="utf-8")


def other_shape(project):
    io.write(project / "first" / "b.tif", Volume(data=PRED[:, :30].copy(), spacing=SPACING))


def other_spacing(project):
    io.write(project / "first" / "b.tif", Volume(data=PRED, spacing=(1.0, 0.5, 0.5)))


def fractions(project):
    io.write(project / "first" / "b.tif", Volume(data=PRED * np.float32(0.5), spacing=SPACING))


def negative(project):
    io.write(project / "first" / "b.npy", Volume(data=-PRED))
    (project / "first" / "b.tif").unlink()


def broken_table(project):
    (project / "first" / "b.csv").write_text("label,probability\n1,high\n")


LEFT_OUT = {
    "other shape": (other_shape, r"b\.tif has the shape \(12, 30, 40\) but .*b\.tif \(12, 40, 40\); give"),
    "other spacing": (
        other_spacing,
        r"has the voxel size 1 x 0\.5 x 0\.5 but .* 2 x 0\.5 x 0\.5; correct the one",
    ),
    "fractions": (fractions, r"b\.tif has fractional values; give a label image"),
    "negative": (negative, r"b\.npy has the negative label -1; give a label image"),
    "broken table": (broken_table, r"b\.csv is no table of numbers .*; give one"),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_a_volume_that_cannot_be_used_is_left_out(project, run, case):
    change, message = LEFT_OUT[case]
    change(project)
    out = project / "report.html"
    result = run("report", project / "first", "--images", project / "images", "-o", out, "--volumes", 0)
    assert result.exit_code == 1, result.output
    (line,) = result.stderr.splitlines()
    assert re.search(message, line), line
    assert "1 left out" in result.stdout
    assert ">Left out</h2>" in out.read_text(encoding="utf-8")


def test_bad_calls(project, refused):
    out = project / "report.html"
    images = ("--images", project / "images")
    assert "must end in .html" in refused(
        "report", project / "first", "-o", project / "r.txt", folder=project
    )
    assert "does not exist" in refused("report", project / "third", "-o", out, folder=project)
    (project / "s.json").write_text('{"files": {"a": {}}}')
    line = refused("report", project / "s.json", "-o", out, folder=project)
    assert "does not say which files were compared; give what 'anystar evaluate --json'" in line
    (project / "images" / "b.tif").rename(project / "images" / "c.tif")
    (project / "images" / "a.tif").rename(project / "images" / "d.tif")
    line = refused("report", project / "first", *images, "-o", out, folder=project)
    assert "have no volume of the same name (c, d and a, b); rename them" in line
    out.write_text("mine")
    line = refused("report", project / "first", "-o", out, folder=project)
    assert "exists already; add --overwrite" in line
    assert out.read_text() == "mine"
    line = refused("report", project, "-o", project / "first" / "a.csv", "--overwrite", folder=project)
    assert "--output must end in .html or .htm, got" in line
