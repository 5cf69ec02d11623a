"""The search as a whole, with a network."""

from dataclasses import replace

import numpy as np
import pytest

import anystar
from anystar.predict.scale_search.trial import Setting
from tests.predict.stub import stub_model
from tests.scenes import blobs, texture


def test_without_a_diameter_the_objects_are_found_and_their_size_is_reported():
    result = stub_model().segment(blobs((48, 48, 48), [(14, 14, 14), (34, 34, 30)], 5))
    assert result.diameter_vox is not None
    assert result.labels[14, 14, 14] > 0
    assert result.labels[34, 34, 30] > 0


def test_a_given_diameter_is_in_pixels(monkeypatch):
    """Where planes lie closer than pixels, the shortest edge is the distance between them."""
    image = texture(0, (32, 30, 28)).astype(np.float32)
    given = stub_model().segment(image, spacing=(1, 2, 2), diameter=16, prob_thresh=0.3)
    where = "anystar.predict.scale_search.search.search_aspect"
    monkeypatch.setattr(where, lambda score, config: score(Setting(aspect=(1.0, 2.0, 2.0))))
    found = stub_model().segment(image, diameter=8, prob_thresh=0.3)
    assert found.diameter_vox == given.diameter_vox == 16
    np.testing.assert_array_equal(found.labels, given.labels)


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
def test_the_default_model_finds_the_distance_between_planes(planes_apart):
    volume, number = balls(planes_apart)
    model = anystar.load_model(device="cpu")
    result = model.segment(volume)
    assert len(result.objects) == number
    assert result.voxel_size.unit == "relative"
    assert result.voxel_size.spacing == (pytest.approx(planes_apart, rel=0.35), 1, 1)
    assert any(note.kind == "aspect" for note in result.notes) == (planes_apart > 1)
    # The body is as long along Z as along X, in the unit of the shortest edge.
    assert np.median(result.table()["sphericity"]) > 0.9
    assert model.segment(volume, aspect=False, diameter=14).voxel_size.spacing == (1, 1, 1)


def test_automatic_steps_can_be_switched_off():
    """Dim, noisy blobs under uneven light, beside textured spots."""
    rng = np.random.default_rng(0)
    image = blobs((40, 64, 64), [(12, 20, 20), (28, 44, 40), (20, 20, 50)], 4) ** 2
    image = (image + rng.normal(0, 0.05, image.shape)) * np.linspace(1, 0.4, 64)
    model = stub_model()
    model = replace(model, search=replace(model.search, unsure=1.0, appearance_gain=-1.0, min_objects=0.0))
    kinds = {note.kind for note in model.segment(image).notes}
    assert "appearance" in kinds
    off = {"aspect": False, "appearance": False, "threshold": False, "illumination": False}
    result = model.segment(image, **off)
    assert not {note.kind for note in result.notes} & {"aspect", "appearance", "threshold"}
    settings = result.preprocessing
    assert (settings.illumination, settings.gamma, settings.sigma) == (None, 1, (0, 0, 0))
    assert model.segment(image, appearance=False).preprocessing.illumination is not None
    assert result.prob_thresh == model.defaults.prob_thresh
