"""The benchmarks of scales, sizes and automatic steps compare and count rightly."""

from dataclasses import replace

import numpy as np
import pytest

import anystar
from anystar.arrays import Volume
from benchmarks.accuracy.volumes import Sample
from benchmarks.models.suite import Task
from benchmarks.rules.__main__ import measure as measure_step
from benchmarks.rules.__main__ import table as steps_table
from benchmarks.rules.__main__ import volumes_table
from benchmarks.rules.shared import SharedModel
from benchmarks.rules.switches import SWITCHES
from benchmarks.sizes.__main__ import covered, measure, table, volume_ratios
from benchmarks.sizes.half_maximum import compare
from benchmarks.sizes.volumes import QUICK, Condition, make
from benchmarks.specimens.__main__ import judge
from benchmarks.specimens.volumes import SPECIMENS, TWO_SIZES
from benchmarks.specimens.volumes import make as make_specimen
from tests.predict.stub import stub_model
from tests.scenes import balls, blobs


def test_ratios_are_of_the_objects_that_the_border_does_not_cut():
    truth = balls((40, 40, 60), (1, (20, 20, 15), 6), (2, (20, 20, 40), 8), (3, (0, 0, 0), 5))
    found = balls((40, 40, 60), (7, (20, 20, 15), 7), (4, (20, 20, 41), 8), (5, (30, 30, 5), 3))
    number, ratios, labels = volume_ratios(truth, found)
    assert (number, labels.tolist()) == (2, [7, 4])
    np.testing.assert_allclose(ratios, [(found == 7).sum() / (truth == 1).sum(), 1.0])
    assert volume_ratios(truth, np.zeros_like(truth)).ratios.size == 0
    assert covered(np.array([0.8, 1.0, 1.25]), np.array([0.2, 0.1, 0.2]), 1) == pytest.approx(2 / 3)


def test_the_sizes_of_a_condition_are_a_row():
    row = measure(stub_model(), Condition(diameter=8, blur=0.1), 0, appearance=False)
    assert row.num_true > 10
    assert table([row]).count("\n") == 3
    assert len(QUICK) == 3
    image, labels = make(QUICK[0], seed=1)
    assert (image == make(QUICK[0], seed=1)[0]).all()
    volumes = np.bincount(labels.ravel())[1:]
    assert (6 / np.pi * np.median(volumes)) ** (1 / 3) == pytest.approx(8, rel=0.1)


def test_peaks_are_compared_with_what_is_above_half_of_their_maximum():
    centres = [(15, 20, 20), (15, 20, 45), (15, 45, 20), (15, 45, 45)]
    image = 20 + 500 * blobs((30, 64, 64), centres[:3], 3.0)
    labels = balls(image.shape, (4, centres[0], 3.5), (7, centres[1], 5.0))
    found = compare(image, labels, 3)
    assert (found.num_peaks, found.num_found) == (3, 2)
    half, own = found.volumes.T
    radius = ((3**2 / 2 + 0.7**2) * 2 * np.log(2)) ** 0.5  # of a Gaussian at half of its maximum
    np.testing.assert_allclose(half, 4 / 3 * np.pi * radius**3, rtol=0.2)
    assert own.tolist() == [(labels == 4).sum(), (labels == 7).sum()]


KINDS = [s for s in (*SPECIMENS, *TWO_SIZES) if s.name in ("organ", "core, dark pores", "two sizes, ratio 4")]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_specimens_hold_their_objects(kind):
    sample = make_specimen(kind, seed=0)
    labels = sample.labels
    assert labels.max() == (1 if kind.whole else len(np.unique(labels)) - 1)
    assert labels.max() > 20 or kind.whole
    if kind.body is not None:
        corner, middle = sample.image.data[:6, :6, :6].mean(), sample.image.data[50:60, 50:60, 50:60].mean()
        assert middle > 2 * corner


def test_the_two_sizes_are_counted_apart():
    sample = make_specimen(TWO_SIZES[2], seed=0)
    perfect = anystar.load_model(device="cpu").segment(np.zeros((8, 8, 8)))
    row = judge(sample, replace(perfect, labels=sample.labels), seed=0, seconds=0)
    assert row.large[0] == row.large[1] > 3
    assert row.small[0] == row.small[1] > 20
    assert row.ap == 1


def test_a_step_is_off_only_while_it_is_measured():
    image = (1000 * blobs((32, 40, 40), [(16, 12, 12), (16, 28, 28)], 5)).astype(np.uint16)
    labels = balls(image.shape, (1, (16, 12, 12), 4), (2, (16, 28, 28), 4))
    sample = Sample(name="a", image=Volume(data=image), labels=labels, centres=None, diameter=8.0)
    task = Task(group="simulated", name="a", seed=0, sample=sample)
    before = stub_model().segment(image)
    model = SharedModel.of(stub_model())
    cells = [measure_step(model, step, task) for step in SWITCHES]
    assert cells == [measure_step(stub_model(), step, task) for step in SWITCHES]
    assert steps_table(cells).count("\n") == len(SWITCHES) + 1
    assert volumes_table(cells).count("\n") >= 1
    np.testing.assert_array_equal(stub_model().segment(image).labels, before.labels)
    assert len({step.name for step in SWITCHES}) == len(SWITCHES)
