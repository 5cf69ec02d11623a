"""How far apart planes lie, where nobody says."""

from types import SimpleNamespace

import numpy as np
import pytest

import anystar
from anystar.predict import scale
from anystar.predict.scale import _best_proportions


def attempts(confidence):
    """Return what attempts would find, and a list of those made."""
    made = []

    def attempt(voxel_size):
        made.append(voxel_size[0])
        evidence = SimpleNamespace(confidence=confidence(voxel_size[0]))
        return scale._Attempt(voxel_size, SimpleNamespace(evidence=evidence), None)

    return attempt, made


@pytest.mark.parametrize(
    ("true", "taken"),
    [(1, 1), (1.5, 1.5), (2, 2), (2.9, 3), (3.2, 3), (4, 4), (4.54, 4), (5.5, 6), (8, 8), (20, 8)],
)
def test_planes_lie_where_confidence_is_highest(true, taken):
    attempt, made = attempts(lambda apart: 0.9 - 0.2 * abs(np.log2(apart / true)))
    assert _best_proportions(attempt).voxel_size == (taken, 1, 1)
    assert len(made) == len(set(made)) <= 6


def test_cubic_voxels_cost_one_attempt_more():
    attempt, made = attempts(lambda apart: 0.9 - 0.1 * (apart - 1))
    assert _best_proportions(attempt).voxel_size == (1, 1, 1)
    assert sorted(made) == [1, 2]


def test_what_hardly_helps_is_not_taken():
    attempt, _ = attempts(lambda apart: 0.8 + 0.01 * (apart == 1.5))
    assert _best_proportions(attempt).voxel_size == (1, 1, 1)


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
