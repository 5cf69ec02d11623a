"""The report without a browser: what is worst, what is listed, how large it is, which colours it has."""

import base64
import re
from importlib.resources import files

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anystar.evaluate import Interval, ap_curve, count_by_object
from anystar.report.html import Prediction, VolumeInput, draw, examine, worst_first
from anystar.report.html.charts import WIDTH, curve_chart, histogram
from anystar.report.html.examine import GROUND_TRUTH_COLOUR
from anystar.report.html.page import Run, render_report
from anystar.report.overview import outline
from anystar.rng import stream
from tests.report.scenes import GROUND_TRUTH, IMAGE, SHAPE, WRONG, subject, write


def pixels(text):
    return imagecodecs.webp_decode(base64.b64decode(text))


def test_findings_the_greatest_loss_first_and_each_once():
    first, exact = examine(subject()).run_reports
    assert [(f.kind, f.side, f.label) for f in first.findings] == [
        ("loose", "ground truth", 7),
        ("missed", "ground truth", 9),
        ("spurious", "prediction", 4),
    ]
    wrong = {kind: counts for kind, counts in first.errors.items() if any(counts)}
    assert wrong == {"found": (2, 2), "missed": (1, 0), "spurious": (0, 1), "loose": (1, 1)}
    assert "which is 0.2" in first.findings[0].text
    assert exact.findings == ()
    assert exact.severity == 0
    assert first.findings[1].position == (4, 32, 10)


def test_without_ground_truth_outliers_come_first():
    labels = np.zeros((8, 30, 60), np.int32)
    for n in range(9):
        labels[2:6, 2 + 9 * (n // 3) : 8 + 9 * (n // 3), 4 + 9 * (n % 3) : 10 + 9 * (n % 3)] = n + 1
    labels[2:6, 2:26, 34:58] = 40
    odd = VolumeInput(
        name="a", predictions={"run": Prediction(labels=labels, probability=dict.fromkeys(range(50), 0.8))}
    )
    (run_report,) = examine(odd, most=3).run_reports
    assert (run_report.objects, run_report.outliers, run_report.more) == (10, 1, 7)
    assert run_report.findings[0].label == 40
    assert run_report.findings[0].kind == "outlier"
    assert "16 times the typical volume" in run_report.findings[0].text
    assert run_report.findings[1].kind == "ordinary"


def test_the_worst_volume_comes_first_and_those_without_ground_truth_last():
    good = VolumeInput(
        name="good", ground_truth=GROUND_TRUTH, predictions={"r": Prediction(labels=GROUND_TRUTH)}
    )
    bad = VolumeInput(name="bad", ground_truth=GROUND_TRUTH, predictions={"r": Prediction(labels=WRONG)})
    blind = VolumeInput(name="blind", predictions={"r": Prediction(labels=GROUND_TRUTH * 0)})
    order = worst_first([examine(s) for s in (blind, good, bad)])
    assert [e.name for e in order] == ["bad", "good", "blind"]


def test_slices_show_the_image_and_the_outlines_where_they_are():
    seen = subject()
    xy = draw(examine(seen), seen, most=4).planes[0]
    assert xy.index == (0, 3, 4, 5, 6, 9)  # four evenly, and those of what is listed
    at = xy.index.index(5)
    grey = pixels(xy.grey[at])[..., 0].astype(float)
    assert grey.shape == SHAPE[1:]
    assert np.corrcoef(grey.ravel(), IMAGE[5].ravel())[0, 1] > 0.95
    layer = pixels(xy.outlines[0][at])
    drawn = layer[..., 3] > 0
    assert drawn.shape == (320, 400)  # 8 pixels a voxel
    assert set(map(tuple, layer[drawn][:, :3])) == {GROUND_TRUTH_COLOUR}
    ground_truth = np.kron(GROUND_TRUTH[5], np.ones((8, 8), int))
    assert not (drawn & (ground_truth == 0)).any()
    # True object 3 was found, 7 is listed: thin and bold.
    ring = {n: np.count_nonzero(drawn & (ground_truth == n)) for n in (3, 7)}
    thin = {n: np.count_nonzero(outline(np.where(ground_truth == n, n, 0))) for n in (3, 7)}
    assert 1.5 * thin[3] < ring[3] < 2 * thin[3]
    assert ring[7] > 3 * thin[7]


def test_the_size_is_bounded_by_slices_not_by_voxels(tmp_path):
    small = write(tmp_path / "a.html", subject())
    large = np.kron(GROUND_TRUTH, np.ones((1, 12, 12), np.int32))
    one = VolumeInput(
        name="l",
        image=np.kron(IMAGE, np.ones((1, 12, 12), np.float32)),
        predictions={"first": Prediction(labels=large)},
    )
    assert large.size == 144 * GROUND_TRUTH.size
    assert write(tmp_path / "b.html", one) < 10 * small


def test_histograms_count_every_finite_value_once():
    chart = histogram(
        "Size",
        {"a": np.array([1.0, 2, 2, np.nan, 9]), "ground truth": np.array([5.0])},
        x_label="x",
        ground_truth="ground truth",
    )
    counts = {line.name: sum(map(int, line.values)) for line in chart.lines}
    assert counts == {"a": 4, "ground truth": 1}
    assert [line.style for line in chart.lines] == [0, -1]
    assert histogram("Size", {"a": np.array([np.nan])}, x_label="x") is None


def test_curves_lie_where_their_values_say():
    values = [Interval(value=v, low=a, high=b) for v, a, b in ((1, 1, 1), (0.5, 0, 0.75), (0, 0, 0.5))]
    chart = curve_chart("A", [0.1, 0.5, 0.9], {"r": values}, x_label="x", y_label="y")
    left, top, right, bottom = chart.box
    (line,) = chart.lines
    points = [tuple(map(float, p.split())) for p in line.path[1:].split("L")]
    centre = (left + right) / 2
    assert points == [(left, top), (centre, (top + bottom) / 2), (right, bottom)]
    assert line.band[0] + line.band[-1] == "MZ"
    band = [tuple(map(float, p.split())) for p in line.band[1:-1].split("L")]
    assert band[:3] == [(left, top), (centre, bottom), (right, bottom)]
    assert band[3:] == [(right, (top + bottom) / 2), (centre, top + (bottom - top) / 4), (left, top)]
    assert line.values[1] == "0.500 (0.000 to 0.750)"


def test_scores_stand_with_the_interval_of_the_bootstrap():
    """Over the volumes with a ground truth; the same for the same runs, whatever they are called."""
    volumes = [examine(subject(name)) for name in "ab"] + [examine(subject("blind", ground_truth=None))]
    page = render_report([Run(name="first"), Run(name="exact")], volumes)
    rows = [count_by_object(GROUND_TRUTH, WRONG)] * 2
    curve = ap_curve(rows, rng=stream(0, "report", "bootstrap"))
    assert curve.at(0.5).high - curve.at(0.5).low > 0.2
    for found in (curve.mean_ap, curve.at(0.5), curve.quality_at(0.5)):
        spoken = f'<span class="spoken">95% interval </span>{found.low:.3f} to {found.high:.3f}</span>'
        assert f'<td>{found.value:.3f} <span class="interval">{spoken}</td>' in page
    assert page.count("95% interval </span>1.000 to 1.000") == 3
    assert page.count('<path class="band') == 2
    table = page.split('id="table-ap"')[1].split("</table>")[0]
    assert all(f"({a.low:.3f} to {a.high:.3f})" in table for a in curve.ap)
    blind = render_report([Run(name="first"), Run(name="exact")], volumes[-1:])
    assert "95% interval </span>" not in blind
    assert '<path class="band' not in blind


def luminance(colour):
    digits = colour.lstrip("#")
    digits = "".join(2 * c for c in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return np.dot(linear, (0.2126, 0.7152, 0.0722))


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast_reaches_wcag_aa(scheme):
    css = (files("anystar.report.html") / "templates" / "style.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([\w-]+): (#\w+)", re.findall(r":root \{(.*?)\}", css, re.S)[scheme]))
    for ground in ("paper", "panel", "notice"):
        for text in ("ink", "link") if ground == "notice" else ("ink", "quiet", "link"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for sign in (
        "ground-truth",
        "s0",
        "s1",
        "s2",
        "s3",
        "s4",
        "found",
        "missed",
        "spurious",
        "merged",
        "split",
        "loose",
    ):
        assert contrast(colours[sign], colours["paper"]) >= 3, sign


def test_outlines_of_one_run_are_whole_and_touching_objects_differ_in_colour():
    labels = np.zeros(SHAPE, np.int32)
    labels[2:8, 10:30, 5:20], labels[2:8, 10:30, 20:40] = 1000, 70_000
    volume = VolumeInput(name="a", predictions={"r": Prediction(labels=labels)})
    xy = draw(examine(volume), volume, most=3).planes[0]
    layer = pixels(xy.outlines[0][xy.first])
    drawn = layer[..., 3] > 0
    fine = np.kron(labels[xy.index[xy.first]], np.ones((8, 8), int))
    assert not (outline(fine) & ~drawn).any()
    colours = [set(map(tuple, layer[drawn & (fine == n)][:, :3])) for n in (1000, 70_000)]
    assert [len(c) for c in colours] == [1, 1]
    assert colours[0] != colours[1]


def test_the_viewer_opens_at_the_fullest_slice():
    labels = np.zeros(SHAPE, np.int32)
    labels[7:9, 30:36, 4:44] = 1
    labels[8, 4:30, 30:40] = 2
    volume = VolumeInput(name="a", predictions={"r": Prediction(labels=labels)})
    planes = draw(examine(volume), volume, most=50).planes
    for axis, plane in enumerate(planes):
        filled = np.count_nonzero(labels, axis=tuple(a for a in range(3) if a != axis))
        assert filled[plane.index[plane.first]] == filled.max()


def test_what_differs_between_runs_is_listed():
    seen = subject(ground_truth=None)
    (difference,) = examine(seen).differences
    assert (difference.runs, difference.agree) == (("first", "exact"), 2)
    assert {(f.side, f.label, f.kind) for f in difference.findings} == {
        ("first", 2, "other outline"),
        ("exact", 9, "only here"),
        ("first", 4, "only here"),
    }
    page = render_report([Run(name="first"), Run(name="exact")], [draw(examine(seen), seen, most=3)])
    assert "first and exact: objects that differ" in page
    assert 'aria-label="Show exact 9, only here"' in page
    merged = np.where(np.isin(GROUND_TRUTH, (3, 7)), 3, GROUND_TRUTH)
    both = VolumeInput(
        name="m", predictions={"a": Prediction(labels=GROUND_TRUTH), "b": Prediction(labels=merged)}
    )
    (difference,) = examine(both).differences
    assert ("a", 3, "merged") in [(f.side, f.label, f.kind) for f in difference.findings]
    same = VolumeInput(name="s", predictions=dict.fromkeys("ab", Prediction(labels=GROUND_TRUTH)))
    assert examine(same).differences[0].findings == ()


def test_the_page_has_no_columns_without_values():
    runs = [
        Run(name="first", facts={"Probability threshold": "0.3", "Model": "m"}),
        Run(name="exact", facts={"Probability threshold": "0.5", "Model": "m"}),
    ]
    with_truth = render_report(runs, [examine(subject())])
    blind = render_report(runs, [examine(subject(ground_truth=None))])
    for text in ("Mean AP", ">True<", "Missed", "95% interval", "Loose boundary"):
        assert text in with_truth
        assert text not in blind
    for page in (with_truth, blind):
        assert "The worst comes first" not in page
        head, first = page.split("<tbody>")[0], page.split("<tbody>")[1].split("</tr>")[0]
        assert '<th scope="col">Probability threshold</th>' in head
        assert '<th scope="col">Model</th>' not in head
        assert "<td>0.3</td>" in first
    assert "The worst comes first" in render_report(runs, [examine(subject(n)) for n in "ab"])


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=9), st.sampled_from([1e-6, 1e-3, 1.0, 1e3]))
def test_tick_labels_are_short_and_inside(values, scale):
    chart = histogram("Size", {"a": np.array(values) * scale}, x_label="x")
    for _, text in (*chart.x_ticks, *chart.y_ticks):
        assert len(text) <= 7, text
    for at, text in chart.x_ticks:
        assert at - 3.5 * len(text) >= 0
        assert at + 3.5 * len(text) <= WIDTH, "cut at the right"
    assert len(chart.x_ticks) >= 2
