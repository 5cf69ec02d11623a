"""The benchmark of calibration finds what it was made from, and long tables are made in pieces."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from anystar.arrays import Volume
from anystar.predict.calibration import Calibration
from benchmarks.accuracy.volumes import Sample
from benchmarks.calibration.__main__ import calibration_error, curve_table, volume_table
from benchmarks.calibration.fit import fit
from benchmarks.calibration.objects import FoundObjects, measure, pool
from benchmarks.calibration.plot import plot
from benchmarks.models.suite import Task
from benchmarks.pieces import Pieces
from tests.predict.stub import stub_model
from tests.scenes import balls, blobs


def drawn(seed, num=4000, thresh=0.4):
    """Objects whose chances and errors are known."""
    rng = np.random.default_rng(seed)
    known = Calibration(offset=(-0.75, 0, 2), real=(0.05, 0.6, 0.95), volume_floor=0.05, volume_factor=1.2)
    prob, spread = rng.uniform(0.2, 0.9, num), rng.uniform(0, 0.3, num)
    real = rng.random(num) < known.at(thresh).chances(prob)
    error = np.where(real, rng.normal(0, known.uncertainties(spread)), np.nan)
    lists = {"probability": prob, "real": real.astype(int), "spread": spread, "error": error}
    lists = {name: values.tolist() for name, values in lists.items()}
    return FoundObjects(group="simulated", volume="a", seed=seed, prob_thresh=thresh, **lists), known


def test_a_calibration_is_found_again(tmp_path):
    (one, known), (two, _) = drawn(0), drawn(1, thresh=0.6)
    found = fit([one, two])
    prob = np.linspace(0.2, 0.9, 8)
    np.testing.assert_allclose(found.at(0.4).chances(prob), known.at(0.4).chances(prob), atol=0.06)
    assert found.volume_floor == pytest.approx(0.05, abs=0.02)
    assert found.volume_factor == pytest.approx(1.2, abs=0.1)
    other, _ = drawn(2)
    chances = known.at(0.4).chances(np.array(other.probability))
    assert calibration_error(np.array(other.real), chances) < 0.03
    assert calibration_error(np.array(other.real), np.sqrt(chances)) > 0.1
    assert "| 0.5 to 0.7 |" in curve_table([other], found)
    last = volume_table([other], found).splitlines()[-1]
    assert "| all |" in last
    assert abs(int(last.split("|")[-3].strip(" %")) - 68) <= 4
    plot(tmp_path / "a.png", pool([one, other]), found)
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_objects_are_compared_with_the_truth_down_to_the_lowest_threshold():
    image = blobs((32, 60, 60), [(16, 12, 12), (16, 28, 28)], 5) + 0.4 * blobs(
        (32, 60, 60), [(16, 46, 46)], 5
    )
    labels = balls(image.shape, (1, (16, 12, 12), 4), (2, (16, 28, 28), 4))
    sample = Sample(name="a", image=Volume(data=image), labels=labels, centres=None, diameter=8.0)
    task = Task(group="simulated", name="a", seed=0, sample=sample)
    found = measure(stub_model(), task, true_diameter=True)
    assert found.real == [1, 1, 0]
    assert found.probability[2] < found.prob_thresh < min(found.probability[:2])
    assert np.isfinite(found.error).tolist() == [True, True, False]
    assert pool([found, found]).take(np.array([0, 3])).real.tolist() == [1, 1]


@dataclass(frozen=True, kw_only=True)
class Row:
    name: str
    values: list[float]


def test_rows_are_kept_for_a_later_call(tmp_path):
    first = Pieces(Row, tmp_path / "new" / "rows.jsonl")
    rows = [Row(name="a", values=[1.0, 2.5]), Row(name="b", values=[])]
    first.add(rows[:1])
    first.add(rows[1:])
    assert first.rows == Pieces(Row, tmp_path / "new" / "rows.jsonl").rows == rows
    assert Pieces(Row, None).rows == []
    assert replace(rows[0], name="b") != rows[0]
