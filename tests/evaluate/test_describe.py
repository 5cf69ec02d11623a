"""Properties of objects against regionprops of scikit-image."""

import numpy as np
import pytest
from skimage.measure import regionprops

from anystar.evaluate import describe
from tests.scenes import ellipsoids


def test_properties_are_those_of_scikit_image():
    rng = np.random.default_rng(0)
    labels = ellipsoids(rng) * 3  # with gaps between the labels
    image = rng.random(labels.shape)
    found = describe(labels, image)
    for row, one in enumerate(regionprops(labels, image)):
        assert (found.label[row], found.volume_vox[row]) == (one.label, one.area)
        assert found.centroid[row] == pytest.approx(one.centroid)
        assert found.intensity[row] == pytest.approx(one.intensity_mean)
        assert (*found.start[row], *found.stop[row]) == one.bbox
        assert found.border[row] == ((0 in one.bbox[:3]) or any(np.equal(one.bbox[3:], labels.shape)))
    assert len(found) == len(np.unique(labels)) - 1


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="three axes"):
        describe(np.zeros((3, 3), int))
    with pytest.raises(ValueError, match="differ in shape"):
        describe(np.zeros((2, 3, 3), int), np.zeros((3, 3, 3)))
