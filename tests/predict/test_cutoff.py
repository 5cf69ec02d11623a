import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anystar.predict.cutoff import cutoff
from tests.predict.stub import stub_model


def draw(seed, *groups):
    """Numbers around centres, ``(how many, centre, standard deviation)`` each."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(centre, width, num) for num, centre, width in groups]).clip(0.2, 0.95)


@pytest.mark.parametrize("seed", range(5))
def test_the_valley_between_a_crowd_and_a_crest_is_found(seed):
    prob = draw(seed, (150, 0.4, 0.07), (60, 0.75, 0.04))
    found = cutoff(prob, 0.45)
    assert 0.53 < found < 0.69
    assert (prob[:150] < found).mean() > 0.95
    assert (prob[150:] >= found).mean() > 0.9


@pytest.mark.parametrize(
    ("why", "groups"),
    [
        ("nothing at all", [(0, 0.5, 0.1)]),
        ("no crowd", [(80, 0.7, 0.06)]),
        ("a tail of dim objects", [(80, 0.7, 0.06), (30, 0.5, 0.08)]),
        ("too few for a crowd", [(8, 0.35, 0.02), (3, 0.7, 0.02)]),
        ("no crest", [(100, 0.42, 0.05)]),
    ],
)
def test_the_models_own_threshold_stays(why, groups):
    assert cutoff(draw(0, *groups), 0.45) == 0.45, why


@given(st.lists(st.floats(0, 1), max_size=60), st.floats(0, 1))
def test_it_is_never_less_than_the_models_own_nor_moves_for_another_order(prob, threshold):
    prob = np.array(prob)
    found = cutoff(prob, threshold)
    assert threshold <= found <= max(threshold, 0.76)
    assert cutoff(prob[::-1], threshold) == found


def grainy():
    """20 objects, and 12 + 40 spots that the stub takes for objects with less and less certainty."""
    image = np.zeros((40, 56, 72), np.float32)
    centres = [(z, y, x) for z in (8, 20, 32) for y in range(6, 56, 10) for x in range(6, 72, 12)]
    order = np.random.default_rng(0).permutation(len(centres))
    at = np.stack(np.meshgrid(*map(np.arange, image.shape), indexing="ij"), axis=-1)
    levels = [1.0] + [0.95] * 19 + [0.65] * 12 + [0.53] * 40
    for row, level in zip(order, levels, strict=False):
        np.maximum(image, level * np.exp(-((at - centres[row]) ** 2).sum(-1) / 9), out=image)
    return image


def test_grain_is_dropped_unless_a_threshold_is_given():
    image, told = grainy(), {"diameter": 8.0}
    plain = stub_model().segment(image, prob_thresh=0.5, **told)
    assert len(plain.objects) > 30
    assert (plain.prob_thresh, plain.notes) == (0.5, ())
    result = stub_model().segment(image, **told)
    assert len(result.objects) == 20
    assert 0.53 < result.prob_thresh < 0.9
    assert f"{result.prob_thresh:.2f} are kept, not 0.5 as usual" in result.notes[0]
    assert len(result.rethreshold(prob=0.5).objects) == len(plain.objects)
    estimated = stub_model().segment(image)
    assert len(estimated.objects) == 20
