"""What the recipes make stays what it is: labels exactly, images to the eye (see ``golden.py``)."""

import numpy as np
import pytest

from tests.synth import golden


@pytest.mark.parametrize(("recipe", "index"), golden.SAMPLES)
def test_golden(recipe, index):
    image, labels = golden.sample(recipe, index)
    with np.load(golden.FILE) as kept:
        assert np.array_equal(labels, kept[f"{recipe}-{index}-labels"])
        change = np.abs(image - kept[f"{recipe}-{index}-image"] / 255)
    assert labels.max() > 0
    assert change.max() < 0.02
    assert change.mean() < 0.003
