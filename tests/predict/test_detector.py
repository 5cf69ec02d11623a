"""The network over an image, tile by tile."""

import numpy as np
import pytest
import torch

from anystar.nn.model import NetworkConfig, StarNet
from anystar.predict.detector import Detector
from anystar.predict.tiling import TileConfig
from anystar.preprocess import Preprocessing
from tests.predict.stub import Stub

ONE = (1.0, 1.0, 1.0)


def detector(network, **more):
    return Detector(network=network, device=torch.device("cpu"), **more)


def test_tiled_equals_whole_where_the_halo_covers_the_field_of_view():
    """Away from the volume's border, tiles must not show in what the network says."""
    torch.manual_seed(0)
    network = StarNet(NetworkConfig(channels=(4, 8), grid=2, num_rays=32, head_channels=8)).eval()
    volume = Preprocessing().apply(np.random.default_rng(1).random((100, 40, 36)))
    whole = detector(network).detect(volume, ONE, floor=0.0)
    tiled = detector(network, tiling=TileConfig(max_points=24**3)).detect(volume, ONE, floor=0.0)
    assert len(whole) == len(tiled) == 50 * 20 * 18
    order = [np.lexsort(c.points.T[::-1]) for c in (whole, tiled)]
    assert np.array_equal(whole.points[order[0]], tiled.points[order[1]])
    assert np.allclose(whole.prob[order[0]], tiled.prob[order[1]], atol=1e-5)
    assert np.allclose(whole.distances[order[0]], tiled.distances[order[1]], atol=1e-4)


class Cramped(Stub):
    """A network on a device that holds no more than so many voxels."""

    def __init__(self, most):
        super().__init__()
        self.most = most

    def forward(self, image, part=None, **more):
        if image.numel() > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        assert not any(num % self.config.divisor for num in image.shape[2:]), "as pooling needs"
        return super().forward(image, part, **more)


def test_too_little_memory_means_smaller_tiles_the_same_result_and_one_note():
    image = Preprocessing().apply(np.random.default_rng(1).random((150, 90, 36)))
    whole = detector(Stub()).detect(image, ONE, floor=0.4)
    cramped = detector(Cramped(100 * 90 * 40)).detect(image, ONE, floor=0.4)
    (note,) = cramped.notes
    assert note.kind == "memory"
    assert "smaller tiles" in note.text
    assert whole.notes == ()
    order = [np.lexsort(c.points.T[::-1]) for c in (whole, cramped)]
    assert len(whole) > 1000
    np.testing.assert_array_equal(whole.points[order[0]], cramped.points[order[1]])
    np.testing.assert_allclose(whole.prob[order[0]], cramped.prob[order[1]], atol=1e-6)
    with pytest.raises(torch.OutOfMemoryError):
        detector(Cramped(10)).detect(image, ONE, floor=0.4)


def test_what_was_found_in_a_whole_image_is_remembered_for_the_same_arguments_only():
    found, image = detector(Stub()), Preprocessing().apply(np.random.default_rng(1).random((24, 24, 24)))
    runs = found.network.seen
    first = found.detect(image, ONE, floor=0.4, remember_as=image)
    assert len(runs) == 1
    assert found.detect(image, ONE, floor=0.4) is first
    others = (
        (image.crop((slice(0, 24),) * 3), ONE, {"floor": 0.4}),
        (image.adjusted(gamma=0.5), ONE, {"floor": 0.4, "measure": False}),
        (image, (0.5, 1.0, 1.0), {"floor": 0.4}),
        (image, ONE, {"floor": 0.3}),
    )
    for number, (other, zoom, more) in enumerate(others, start=2):
        found.detect(other, zoom, **more)
        assert len(runs) == number
    assert found.detect(image, ONE, floor=0.4, tta=True) is not first


@pytest.mark.parametrize("measure", [True, False])
def test_an_adjusted_image_proposes_and_the_plain_one_measures(measure):
    """A gamma changes the probabilities of the candidates; their distances only if nothing is measured."""

    class Wide(Stub):
        """Every distance is ten times the brightness there."""

        def distances(self, prob):
            return 10 * prob

    plain = Preprocessing().apply(np.full((24, 24, 24), 0.64) + 0.01 * np.eye(24))
    found = detector(Wide()).detect(plain.adjusted(gamma=0.5), ONE, floor=0.4, measure=measure)
    assert np.allclose(found.prob, 0.8, atol=0.01)
    assert np.allclose(found.distances, 6.4 if measure else 8.0, atol=0.1)
