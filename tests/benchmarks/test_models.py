from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from benchmarks.models import score, simulator, suite
from benchmarks.models.cache import cached_classical, cached_simulation
from benchmarks.models.score import Outcome, add_outcomes
from benchmarks.models.simulator.bodies import draw_bodies
from benchmarks.models.simulator.conditions import CONDITIONS, Condition
from benchmarks.models.simulator.simulate import simulate, typical_diameter
from benchmarks.models.tables import Row, labels_table

BY_NAME = {c.name: c for c in CONDITIONS}


def small(condition: Condition) -> Condition:
    """Return the condition in the smallest cube that holds a few whole objects."""
    crowd = condition.crowd
    filled = replace(crowd, fraction=max(crowd.fraction, 0.1)) if crowd.fraction else crowd
    optics, extent = condition.optics, int(max(40, 1.5 * crowd.diameter[1]))
    if optics.stored is not None:  # the middle of that cube
        num = optics.stored[1]
        optics = replace(optics, stored=((extent // optics.step - num) // 2, num))
    return replace(condition, extent=extent, crowd=filled, optics=optics)


def test_names_are_unique_and_volumes_stay_small():
    assert len(BY_NAME) == len(CONDITIONS) >= 20
    assert max(c.extent for c in CONDITIONS) <= 128


@pytest.mark.parametrize("name", ["bright", "spacing 5, low light", "chromatin", "empty, fibres"])
def test_a_volume_follows_from_condition_and_seed(name):
    condition = small(BY_NAME[name])
    first, again, other = (simulate(condition, seed=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(first.image.data, again.image.data)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert not np.array_equal(first.image.data, other.image.data)


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda c: c.name)
def test_truth_is_valid_on_the_stored_grid(condition):
    sample = simulate(small(condition), seed=0)
    depth, height, width = sample.image.data.shape
    assert sample.labels.shape == (depth, height, width)
    assert sample.labels.dtype == np.int32
    assert sample.image.data.dtype == np.uint16
    assert sample.image.data.max() < 2**16 - 1
    numbers = np.unique(sample.labels)
    np.testing.assert_array_equal(numbers, np.arange(len(numbers)))
    assert (len(numbers) == 1) == condition.is_empty
    ratio = sample.image.spacing[0] / sample.image.spacing[2]
    assert ratio == condition.optics.step
    if condition.is_thin:
        assert depth == condition.optics.stored[1] < height
    else:
        assert abs(depth * ratio - height) < ratio
    for number in numbers[1:]:
        assert ndimage.label(sample.labels == number, np.ones((3, 3, 3)))[1] == 1


@pytest.mark.parametrize("condition", [c for c in CONDITIONS if not c.is_empty], ids=lambda c: c.name)
def test_bodies_have_the_stated_sizes_and_fill(condition):
    crowd = condition.crowd
    bodies = draw_bodies(crowd, condition.extent, rng=np.random.default_rng(0))
    diameter = 2 * bodies.radius
    low, high = crowd.diameter
    assert diameter.min() >= low - 1e-9
    assert diameter.max() <= high + 1e-9
    room = (condition.extent + high) ** 3
    assert (np.pi / 6 * diameter**3).sum() / room > 0.75 * crowd.fraction


@pytest.mark.parametrize("name", ["bright", "small", "spacing 5", "elongated"])
def test_drawn_objects_have_the_stated_diameter(name):
    condition = BY_NAME[name]
    low, high = condition.crowd.diameter
    crowd = replace(condition.crowd, fraction=0.15, bumps=0.0, clearance=1.0)
    extent = int(3 * high)
    sample = simulate(replace(condition, crowd=crowd, extent=extent), seed=1)
    found = typical_diameter(sample.labels, sample.image.spacing) / condition.optics.lateral_um
    assert 0.95 * low <= found <= 1.05 * high
    assert sample.diameter == pytest.approx(found * condition.optics.lateral_um)


@pytest.mark.parametrize(("name", "dark"), [("bright", False), ("dark", True), ("small dark", True)])
def test_polarity_is_as_named(name, dark):
    sample = simulate(small(BY_NAME[name]), seed=0)
    inside = sample.labels > 0
    assert (sample.image.data[inside].mean() < sample.image.data[~inside].mean()) == dark


def test_typical_diameter_leaves_out_what_the_border_cuts():
    labels = np.zeros((9, 9, 9), int)
    labels[0:5, 0:5, 0:5] = 1
    assert typical_diameter(labels, None) == pytest.approx((6 / np.pi * 125) ** (1 / 3))
    labels[6:8, 6:8, 6:8] = 2
    assert typical_diameter(labels, (4.0, 1.0, 1.0)) == pytest.approx((6 / np.pi * 32) ** (1 / 3))
    assert typical_diameter(np.zeros((4, 4, 4), int), None) is None


def test_simulator_shares_no_code_with_the_generator():
    for folder in simulator.__path__:
        for path in Path(folder).glob("*.py"):
            source = path.read_text()
            assert not any(room in source for room in ("anystar.synth", "anystar.rng", "anystar.geometry"))


def test_cache_returns_what_was_simulated(tmp_path):
    condition = small(BY_NAME["spacing 3"])
    fresh, stored = (cached_simulation(tmp_path, condition, seed=0) for _ in range(2))
    assert len(list(tmp_path.iterdir())) == 1
    np.testing.assert_array_equal(fresh.image.data, stored.image.data)
    np.testing.assert_array_equal(fresh.labels, stored.labels)
    assert (fresh.image.spacing, fresh.diameter) == (stored.image.spacing, stored.diameter)
    cached_simulation(tmp_path, replace(condition, extent=44), seed=0)
    assert len(list(tmp_path.iterdir())) == 2


def test_classical_pipeline_runs_once_a_volume(tmp_path):
    sample = simulate(small(BY_NAME["empty"]), seed=0)
    assert cached_classical(tmp_path, sample, lambda: {"ran": 1}) == {"ran": 1}
    assert cached_classical(tmp_path, sample, lambda: {"ran": 2}) == {"ran": 1}


def test_classical_pipeline_finds_dark_objects(tmp_path):
    condition = small(BY_NAME["dark"])
    sample = simulate(replace(condition, crowd=replace(condition.crowd, clearance=3.0)), seed=0)
    task = suite.Task(group="simulated", name="dark", seed=0, sample=sample)
    _, smoothed = score.classical_outcomes(task, tmp_path)
    assert smoothed.half > 0.7


def outcome(num_true: int, num_pred: int, tp: int) -> Outcome:
    return Outcome(num_true=num_true, num_pred=num_pred, tp=(tp,) * 9, seconds=1.0)


def test_outcomes_add_up_by_objects():
    total = add_outcomes([outcome(4, 4, 4), outcome(2, 0, 0)])
    assert (total.num_true, total.num_pred, total.half) == (6, 4, 4 / 6)
    assert total.f1 == pytest.approx(0.8)
    assert outcome(0, 0, 0).mean == 1.0
    assert outcome(0, 3, 0).mean == 0.0


def test_table_shows_the_spread_over_seeds():
    rows = [
        Row(
            group="simulated",
            name="bright",
            seed=seed,
            model=outcome(4, 4, tp),
            classical=outcome(4, 4, 1),
            smoothed=outcome(4, 4, 2),
        )
        for seed, tp in ((0, 4), (1, 0))
    ]
    line = next(text for text in labels_table(rows).splitlines() if text.startswith("| bright"))
    assert "| 8 | 8 | 0.50 ± 0.71 | 0.50 ± 0.71 | 0.14 / 0.14 | 0.33 / 0.33 |" in line
