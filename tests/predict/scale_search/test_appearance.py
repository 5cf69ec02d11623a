"""Smoothing and gamma, where objects are not clear."""

import numpy as np
import pytest

from anystar.predict.scale_search.appearance import search_appearance
from anystar.predict.scale_search.config import SearchConfig
from anystar.predict.scale_search.trial import Setting
from tests.predict.scale_search.made import trial


@pytest.mark.parametrize(("best", "taken"), [(1.0, 1.0), (0.5, 0.5), (0.25, 0.25), (2.0, 2.0), (0.9, 1.0)])
@pytest.mark.parametrize("smooth", [0.0, 0.05])
@pytest.mark.parametrize("objects", [2, 10])
def test_the_appearance_with_the_highest_confidence_in_several_objects_is_taken(best, taken, smooth, objects):
    def score(setting):
        gain = smooth if setting.sigma else 0.0
        return trial(setting, 0.6 + gain - 0.1 * abs(np.log2(setting.gamma / best)), num=objects)

    plain = score(Setting(aspect=(2.0, 1.0, 1.0), near=0.5))
    found = search_appearance(plain, score, SearchConfig())
    if objects < 4:
        assert found is plain
    elif found.setting.gamma == 1 and smooth:
        assert found.setting == Setting(aspect=(2.0, 1.0, 1.0), sigma=1.2)
    else:
        assert (found.setting.gamma, found.setting.sigma) == (taken, 0)
