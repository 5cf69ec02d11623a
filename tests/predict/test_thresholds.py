"""A file of thresholds is checked when it is read."""

import pytest

from anystar.config import ConfigError, dump_toml, load_toml
from anystar.predict.thresholds import Thresholds


def test_thresholds_come_back_from_toml(tmp_path):
    wanted = Thresholds(model="m", prob_thresh=0.4, nms_thresh=0.2, diameter=7.5, iou=(0.3, 0.5))
    (tmp_path / "a.toml").write_text(dump_toml(wanted))
    assert load_toml(Thresholds, tmp_path / "a.toml") == wanted


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"prob_thresh": 0.4}, "prob_thresh and nms_thresh must both be given"),
        ({"prob_thresh": 1.4, "nms_thresh": 0.2}, r"prob_thresh must be within \[0, 1\], got 1.4"),
        ({"diameter": 0.0}, "diameter must be positive, got 0.0"),
    ],
)
def test_values_that_cannot_be_used_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        Thresholds(**values)
