"""Changes of the robustness benchmark keep image and labels together; its table marks what is lost."""

import numpy as np
import pytest
from scipy import ndimage

import anystar
from anystar.arrays import Volume
from benchmarks.accuracy.volumes import Sample
from benchmarks.robustness.__main__ import Bench, Row, table
from benchmarks.robustness.changes import CHANGES
from benchmarks.robustness.margins import margins, measure
from tests.predict.stub import stub_model


def blobs(shape=(24, 40, 44)):
    """Bright balls with noise, and their labels."""
    rng = np.random.default_rng(0)
    image, labels = np.full(shape, 100.0), np.zeros(shape, np.int32)
    grid = np.stack(np.mgrid[tuple(slice(n) for n in shape)], -1)
    for number, centre in enumerate([(8, 10, 10), (14, 28, 12), (10, 12, 32), (15, 29, 33)], 1):
        away = np.linalg.norm(grid - np.array(centre), axis=-1)
        labels[away <= 5] = number
        image += 800 * (away <= 5)
    return (ndimage.gaussian_filter(image, 0.7) + rng.normal(0, 8, shape)).astype(np.uint16), labels


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_labels_stay_on_their_objects(change):
    image, labels = blobs()
    after, where = change.image(image), change.labels(labels)
    assert after.shape == where.shape
    assert set(np.unique(where)) == set(range(5))
    inside, outside = np.nanmedian(after[where > 0]), np.nanmedian(after[where == 0])
    assert (inside < outside) == (change.name == "inverted")
    assert change.spacing((3.0, 2.0, 1.0)) == tuple((3.0, 2.0, 1.0)[axis] for axis in change.axes)


def test_margins_change_nothing_for_a_network_that_sees_what_is_bright():
    image, labels = blobs()
    sample = Sample(
        name="blobs", image=Volume(data=image, spacing=(1, 1, 1)), labels=labels, centres=None, diameter=10.0
    )
    bench = Bench(stub_model(radius=4.0))
    padded = [c for c in CHANGES if c.name == "none" or ("around" in c.name and "turned" not in c.name)]
    plain, *rows = [bench.measure(sample, change) for change in padded]
    assert len(rows) == 3
    assert {(row.num_objects, row.ap) for row in rows} == {(plain.num_objects, plain.ap)}
    assert plain.num_objects >= 4
    assert all("constant margins" in row.notes[0] for row in rows)


@pytest.mark.slow
def test_margins_change_nothing_beyond_their_neighbourhood():
    image, labels = blobs((32, 56, 60))
    sample = Sample(
        name="blobs", image=Volume(data=image, spacing=(1, 1, 1)), labels=labels, centres=None, diameter=10.0
    )
    assert len(list(margins(image))) > 20
    for name, _count, _found, without, with_margin in measure(anystar.load_model(device="cpu"), sample):
        assert with_margin >= without - 0.02, name


def test_what_is_lost_without_a_note_is_bold():
    def row(change, ap, *notes):
        return Row(volume="a", change=change, num_objects=3, ap=ap, notes=notes)

    lines = table([row("none", 0.8, "old"), row("x", 0.7, "old"), row("y", 0.6, "why"), row("z", 0.76)])
    assert [line.split("|")[2].strip() for line in lines[2:6]] == [
        "3 (0.80)",
        "**3 (0.70)**",
        "3 (0.60)*",
        "3 (0.76)",
    ]
    assert lines[-1] == "- a, y: why"
