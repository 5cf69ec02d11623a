"""Probabilities and spreads to chances and uncertainties, by what the card of a model states."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

import anystar
from anystar.errors import ConfigError
from anystar.nn.checkpoint import load_tensors, save_tensors
from anystar.predict.calibration import Calibration
from anystar.predict.registry import model_path
from tests.predict.stub import stub_model
from tests.scenes import blobs, objects_on_texture

KNOWN = Calibration(offset=(-1.0, 0.0, 2.0), real=(0.1, 0.5, 0.9), volume_floor=0.1, volume_factor=2.0)


def test_chances_follow_the_offset_from_the_threshold_and_never_fall():
    for threshold in (0.3, 0.45, 0.7):
        known, centre = KNOWN.at(threshold), np.log(threshold / (1 - threshold))
        offsets = np.array([-9, -1, -0.5, 0, 1, 2, 9])
        chances = known.chances(expit(centre + offsets))
        np.testing.assert_allclose(chances, [0.1, 0.1, 0.3, 0.5, 0.7, 0.9, 0.9], atol=1e-5)
    assert (np.diff(known.chances(np.linspace(0, 1, 101))) >= 0).all()
    assert known.chances(np.array([0.0, 1.0])).tolist() == pytest.approx([0.1, 0.9])
    assert known.chances(np.zeros(0)).dtype == np.float32


def test_floor_and_spread_add_in_squares():
    np.testing.assert_allclose(
        KNOWN.uncertainties(np.array([0, 0.05, 1], "f")), [0.1, 0.1 * 2**0.5, 4.01**0.5]
    )


CARD = {"offset": [-1, 0, 2], "real": [0.1, 0.5, 0.9], "volume_floor": 0.1, "volume_factor": 2}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"real": [0.5, 0.4, 0.9]}, "real must be ascending and within"),
        ({"real": [0.1, 0.5, 1.5]}, "real must be ascending and within"),
        ({"real": [0.1, 0.5]}, "must have the same number of values"),
        ({"offset": [], "real": []}, "must have the same number of values"),
        ({"offset": [0, 1, float("nan")]}, "must be a number, got nan"),
        ({"volume_floor": -1}, "must be finite and not negative"),
        ({"shape": 1}, "unknown key 'calibration.shape'"),
    ],
)
def test_a_wrong_calibration_is_refused(wrong, message):
    assert Calibration.of_card({"calibration": CARD}) == KNOWN
    with pytest.raises(ConfigError, match=message):
        Calibration.of_card({"calibration": CARD | wrong})


def test_a_model_file_with_a_wrong_calibration_is_refused(tmp_path):
    tensors, header = load_tensors(model_path("grain-small"))
    header["card"]["calibration"]["real"] = [0.5]
    save_tensors(tmp_path / "a.safetensors", tensors, header)
    with pytest.raises(ConfigError, match=r"calibration\.offset and real must have"):
        anystar.load_model(tmp_path / "a.safetensors")


def test_a_table_states_both_and_a_model_without_calibration_neither():
    image = blobs((32, 48, 48), [(16, 12, 12), (16, 28, 28), (14, 30, 8)], 5)
    model = stub_model()
    table = model.segment(image, diameter=8.0).table()
    assert len(table) == 3
    known = model.defaults.calibration.at(0.5)
    np.testing.assert_allclose(
        table["calibrated_probability"], known.chances(table["probability"]), atol=1e-5
    )
    assert (table["volume_uncertainty"] >= known.volume_floor - 1e-6).all()
    plain = replace(model, card={"defaults": model.card["defaults"]}).segment(image, diameter=8.0).table()
    for name in ("calibrated_probability", "volume_uncertainty"):
        assert np.isnan(plain[name]).all()
        assert np.isnan(anystar.measure(plain["label"][:, None, None].astype(int))[name]).all()


def test_chances_are_relative_to_the_adaptive_threshold_even_where_another_is_given():
    image = objects_on_texture()
    adapted = stub_model().segment(image, diameter=8.0)
    assert adapted.prob_thresh > 0.53
    given = stub_model().segment(image, diameter=8.0, prob_thresh=0.5)
    assert given.prob_thresh == 0.5
    assert (
        given.calibration == adapted.calibration == stub_model().defaults.calibration.at(adapted.prob_thresh)
    )
    again = given.rethreshold(adapted.prob_thresh)
    np.testing.assert_array_equal(
        again.objects.calibrated_probability, adapted.objects.calibrated_probability
    )
    assert adapted.objects.calibrated_probability.min() >= 0.5
