import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from anystar.predict.adaptive_threshold import choose_threshold, fit_mixture, threshold_notes
from tests.predict.stub import stub_model
from tests.scenes import objects_on_texture, spots


def draw(seed, *groups):
    """Probabilities whose logits lie around centres, ``(how many, centre, standard deviation)`` each."""
    rng = np.random.default_rng(seed)
    return expit(np.concatenate([rng.normal(centre, width, num) for num, centre, width in groups]))


def adaptive_threshold(prob, threshold):
    """The threshold after a single trial."""
    return choose_threshold([prob], threshold)


TEXTURE, OBJECTS = (-1.2, 0.6), (0.9, 0.45)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("grains", "objects"), [(300, 60), (3000, 60), (400, 200), (1000, 12)])
def test_objects_are_separated_from_texture(seed, grains, objects):
    prob = draw(seed, (grains, *TEXTURE), (objects, *OBJECTS))
    found = adaptive_threshold(prob, 0.45)
    assert 0.45 <= found <= 0.7
    true, false = (prob[grains:] >= found).sum(), (prob[:grains] >= found).sum()
    assert true / (objects + false) > (0.7 if grains < 1000 else 0.4)
    mixture = fit_mixture(prob, 0.45)
    assert mixture.num_objects == pytest.approx(objects, rel=0.35, abs=15)
    assert mixture.chances(np.array([0.3, 0.8])) == pytest.approx([0.0, 1.0], abs=0.2)


@pytest.mark.parametrize(
    ("why", "groups"),
    [
        ("nothing at all", [(0, 0, 1)]),
        ("objects that are too few to tell", [(5, *OBJECTS)]),
        ("a few, and few spots", [(5, *OBJECTS), (1, -0.5, 0.1)]),
        ("more spots than objects", [(20, *OBJECTS), (30, -0.5, 0.1)]),
        ("some spots, most of them faint", [(60, *OBJECTS), (2, -0.5, 0.1), (40, -1.15, 0.1)]),
        ("too few for a mixture", [(8, -1.0, 0.1), (3, *OBJECTS)]),
        ("no objects", [(400, *TEXTURE)]),
    ],
)
def test_the_models_own_threshold_stays(why, groups):
    assert adaptive_threshold(draw(0, *groups), 0.45) == pytest.approx(0.45, abs=0.01), why


@pytest.mark.parametrize(
    ("why", "groups"),
    [
        ("objects", [(80, *OBJECTS)]),
        ("a tail of dim objects", [(80, *OBJECTS), (30, 0.0, 0.3)]),
        ("a third as many spots as objects", [(60, *OBJECTS), (20, -0.5, 0.1)]),
        ("a few faint spots", [(60, *OBJECTS), (2, -0.5, 0.1), (7, -1.1, 0.1)]),
    ],
)
def test_the_tail_of_objects_is_kept_where_there_is_no_texture(why, groups):
    prob = draw(0, *groups)
    assert adaptive_threshold(prob, 0.45) == pytest.approx(0.3, abs=0.005), why
    assert adaptive_threshold(prob, 0.24) == pytest.approx(0.2), "candidates below are not known"
    assert adaptive_threshold(prob, 0.1) == 0.1


@pytest.mark.parametrize("seed", range(5))
def test_texture_alone_is_no_evidence(seed):
    prob = draw(seed, (1000, *TEXTURE))
    assert not fit_mixture(prob, 0.45).chances(prob).any()


@given(st.lists(st.floats(0, 1), max_size=60), st.floats(0, 1))
def test_it_stays_within_its_range_and_does_not_move_for_another_order(prob, threshold):
    prob = np.array(prob)
    found = adaptive_threshold(prob, threshold)
    lowest, highest = min(threshold, max(0.2, threshold * 2 / 3)), max(threshold, 0.7)
    assert lowest - 1e-9 <= found <= highest + 1e-9
    assert adaptive_threshold(prob[::-1], threshold) == pytest.approx(found, abs=1e-6)


@pytest.mark.parametrize("spots", [0, 6, 12, 20, 30, 45, 80])
@pytest.mark.parametrize("seed", range(3))
def test_a_few_candidates_more_or_less_change_it_little(spots, seed):
    prob = draw(seed, (40, *OBJECTS), (spots, *TEXTURE), (8, 0.0, 0.3))
    found = adaptive_threshold(prob, 0.45)
    rng = np.random.default_rng(seed)
    others = [np.delete(prob, rng.integers(len(prob), size=3)) for _ in range(6)]
    others += [np.append(prob, [p, p]) for p in (0.22, 0.29, 0.31, 0.44, 0.46)]
    others += [expit(np.log(prob / (1 - prob)) + rng.normal(0, 0.05, len(prob))) for _ in range(6)]
    for other in others:
        assert adaptive_threshold(other, 0.45) == pytest.approx(found, abs=0.06)


def test_texture_is_dropped_unless_a_threshold_is_given():
    image, how = objects_on_texture(), {"diameter": 8.0, "spacing": (1, 1, 1)}
    plain = stub_model().segment(image, prob_thresh=0.5, **how)
    assert len(plain.objects) > 25
    assert (plain.prob_thresh, plain.notes) == (0.5, ())
    result = stub_model().segment(image, **how)
    assert len(result.objects) == 20
    assert 0.53 < result.prob_thresh <= 0.7
    assert f"{result.prob_thresh:.2f} are kept, not 0.5 as usual" in str(result.notes[0])
    assert len(result.rethreshold(prob_thresh=0.5).objects) == len(plain.objects)
    estimated = stub_model().segment(image, spacing=(1, 1, 1))
    assert len(estimated.objects) == 20


def test_dim_objects_are_kept_where_there_is_nothing_else():
    image = spots([1.0] * 20 + [0.5, 0.5])
    for size in ({"diameter": 8.0}, {}):
        result = stub_model().segment(image, spacing=(1, 1, 1), **size)
        assert result.prob_thresh == pytest.approx(1 / 3)
        assert len(result.objects) == 22
        (note,) = result.notes
        assert "a probability of 0.33 and more are kept, not 0.5 as usual (about" in str(note)
    assert len(stub_model().segment(spots([1.0] * 8 + [0.5]), spacing=(1, 1, 1)).objects) == 8
    assert len(result.rethreshold(prob_thresh=0.5).objects) == 20


def test_the_first_trial_that_raises_the_threshold_decides():
    plain, texture = draw(0, (80, *OBJECTS)), draw(0, (300, *TEXTURE), (60, *OBJECTS))
    raised = adaptive_threshold(texture, 0.45)
    assert raised > 0.45
    for sets in ([texture, plain], [plain, texture]):
        assert choose_threshold(sets, 0.45) == pytest.approx(raised)
    assert choose_threshold([texture[:0], plain], 0.45) == adaptive_threshold(plain, 0.45) < 0.45
    assert choose_threshold([plain, plain[:0]], 0.45) == choose_threshold([], 0.45) == 0.45


@pytest.mark.parametrize(
    ("why", "groups", "kinds"),
    [
        ("clear objects", [(80, *OBJECTS)], []),
        ("a tail of dim objects", [(80, *OBJECTS), (25, -0.6, 0.3)], ["threshold", "unsure"]),
        ("texture", [(80, *OBJECTS), (400, *TEXTURE)], ["threshold", "unsure"]),
        ("nothing", [(0, 0, 1)], []),
    ],
)
def test_what_is_said_of_the_threshold(why, groups, kinds):
    prob = draw(0, *groups)
    notes = threshold_notes(adaptive_threshold(prob, 0.45), 0.45, prob)
    assert [note.kind for note in notes] == kinds, why
