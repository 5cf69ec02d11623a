"""Sample data; needs no window."""

import numpy as np

from anystar.napari.samples import embryo, embryo_file, synthetic


def test_the_embryo_is_there_with_its_voxel_size():
    assert embryo_file().exists()
    ((data, kwargs, kind),) = embryo()
    assert (data.shape, kind) == ((51, 120, 122), "image")
    np.testing.assert_allclose(kwargs["scale"], (1.75, 0.8, 0.8))
    assert kwargs["units"] == ("um",) * 3


def test_the_synthetic_volume_has_its_labels():
    (image, _, _), (labels, kwargs, kind) = synthetic()
    assert image.shape == labels.shape
    assert kind == "labels"
    assert not kwargs["visible"]
    assert len(np.unique(labels)) > 5
