"""How far apart planes lie, where nobody says; and what is seen of a hidden contrast."""

from types import SimpleNamespace

import numpy as np
import pytest

import anystar
from anystar.predict import scale
from anystar.predict.scale import _best_proportions, _best_view
from anystar.preprocess import Preprocessing
from tests.blocks.conftest import texture
from tests.predict.stub import stub_model


def attempts(confidence):
    """Return what attempts would find, at a magnification of a half along X, and a list of those made."""
    made = []

    def attempt(voxel_size, near=None):
        sure = [confidence(apart) >= 0.55 for apart in made]
        assert near == (0.5 if any(sure) else None)
        made.append(voxel_size[0] / voxel_size[2])
        evidence = SimpleNamespace(confidence=confidence(made[-1]))
        level = SimpleNamespace(evidence=evidence, factor=0.5 / voxel_size[2])
        return scale._Attempt(voxel_size, None, level, None)

    return attempt, made


def apart(attempt):
    z, _, x = _best_proportions(attempt).voxel_size
    assert min(z, x) == 1
    return z / x


@pytest.mark.parametrize(
    ("true", "taken"),
    [
        (0.3, 0.5),
        (0.5, 0.5),
        (0.7, 0.75),
        (1.5, 1.5),
        (2, 2),
        (2.9, 3),
        (3.2, 3),
        (4.54, 4),
        (5.5, 6),
        (20, 8),
    ],
)
def test_planes_lie_where_confidence_is_highest(true, taken):
    attempt, made = attempts(lambda apart: 0.79 - 0.1 * abs(np.log2(apart / true)))
    assert apart(attempt) == pytest.approx(taken)
    assert len(made) == len(set(made)) <= 7


@pytest.mark.parametrize(("surest", "most"), [(0.9, 1), (0.77, 3)])
def test_cubic_voxels_cost_no_attempt_more_where_objects_are_clear(surest, most):
    attempt, made = attempts(lambda apart: surest - 0.1 * abs(np.log2(apart)))
    assert apart(attempt) == 1
    assert len(made) == most


def test_what_hardly_helps_is_not_taken():
    attempt, _ = attempts(lambda apart: 0.78 + 0.01 * (apart == 1.5))
    assert apart(attempt) == 1


def test_where_cubes_show_nothing_noise_does_not_lead_astray():
    """In a light-sheet volume 2 was a little better than 1, and 0.5 alone showed the nuclei."""
    shown = {0.5: 0.55, 0.75: 0.54, 1: 0.36, 1.5: 0.45, 2: 0.4, 3: 0.3, 4: 0.32}
    attempt, made = attempts(shown.__getitem__)
    assert apart(attempt) == 0.5
    assert len(made) <= 5


def test_a_told_diameter_is_in_pixels():
    """Where planes lie closer than pixels, the unit is the distance between them."""
    image = texture(0, (32, 30, 28)).astype(np.float32)
    told = stub_model().segment(image, spacing=(1, 2, 2), diameter=16, prob_thresh=0.3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scale, "_best_proportions", lambda attempt: attempt((1.0, 2.0, 2.0)))
        found = stub_model().segment(image, diameter=8, prob_thresh=0.3)
    assert found.diameter_vox == told.diameter_vox == 16
    np.testing.assert_array_equal(found.labels, told.labels)


def balls(planes_apart, shape=(60, 60, 60), radius=7.0):
    """Return noisy bright balls of which every n-th plane was taken, and how many there are."""
    rng = np.random.default_rng(0)
    zyx = np.moveaxis(np.indices(shape), 0, -1).astype(float)
    volume = np.zeros(shape)
    centres = [np.array(c) for c in np.ndindex(3, 3, 3)]
    for centre in centres:
        at = 10 + 20 * centre + rng.uniform(-1.5, 1.5, 3)
        volume = np.maximum(volume, 1 / (1 + np.exp(np.linalg.norm(zyx - at, axis=-1) - radius)))
    return (volume + rng.normal(0, 0.05, shape))[::planes_apart], len(centres)


@pytest.mark.parametrize("planes_apart", [1, 3])
def test_the_default_model_sees_how_far_planes_lie_apart(planes_apart):
    volume, number = balls(planes_apart)
    result = anystar.load_model(device="cpu").segment(volume)
    assert len(result.objects) == number
    assert result.voxel_size == (pytest.approx(planes_apart, rel=0.35), 1, 1)
    assert any("planes are taken to lie" in note for note in result.notes) == (planes_apart > 1)
    # The body is as long along Z as along X, in the unit of the shortest edge.
    assert np.median(result.table()["sphericity"]) > 0.9


@pytest.mark.parametrize(("best", "taken"), [(1.0, 1.0), (0.5, 0.5), (0.25, 0.25), (2.0, 2.0), (0.9, 1.0)])
@pytest.mark.parametrize("smooth", [0.0, 0.05])
@pytest.mark.parametrize("objects", [2, 10])
def test_the_view_is_the_one_with_the_highest_confidence_in_several_objects(best, taken, smooth, objects):
    def attempt(voxel_size, *, seen):
        gain = smooth if any(seen.settings.sigma) else 0.0
        confidence = 0.6 + gain - 0.1 * abs(np.log2(seen.settings.gamma / best))
        evidence = SimpleNamespace(confidence=confidence, score=3.0 * objects)
        return scale._Attempt(voxel_size, seen, SimpleNamespace(evidence=evidence, heaviest=3.0), None)

    plain = attempt((2.0, 1.0, 1.0), seen=Preprocessing().apply(np.zeros((4, 4, 4))))
    seen = _best_view(plain, attempt).scene
    if objects < 4:
        assert seen is plain.scene
    elif seen.settings.gamma == 1 and smooth:
        assert seen.settings.sigma == pytest.approx((0.6, 1.2, 1.2))
    else:
        assert (seen.settings.gamma, seen.settings.sigma) == (taken, (0, 0, 0))
