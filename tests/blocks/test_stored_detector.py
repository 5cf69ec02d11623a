"""What the network finds is kept, tile by tile."""

import numpy as np
import torch

from anystar.blocks.stored_detector import StoredDetector
from anystar.predict.tiling import iter_tiles
from anystar.preprocess import Preprocessing
from anystar.preprocess.resample import ResampledImage
from tests.blocks.conftest import SMALL_TILES
from tests.predict.stub import stub_model
from tests.scenes import texture


def test_a_tile_is_seen_once_unless_less_probable_candidates_are_wanted(tmp_path):
    model = stub_model(radius=4.0, tiling=SMALL_TILES)
    inner = model.detector()
    stored = StoredDetector(detector=inner, folder=tmp_path / "kept")
    data = texture(0, (24, 40, 36))
    image = ResampledImage(
        prepared=Preprocessing.fit(data).apply(data), zoom=(1.0, 1.0, 1.0), device=torch.device("cpu")
    )
    tiles = list(iter_tiles(stored.tiles(image.shape)))
    assert len(tiles) > 1
    assert stored.num_rays == inner.num_rays
    for floor, runs in ((0.4, True), (0.6, False), (0.4, False), (0.3, True)):
        expected = [inner.detect_tile(image, tile, floor=floor, tta=False) for tile in tiles]
        model.network.seen.clear()
        found = [stored.detect_tile(image, tile, floor=floor, tta=False) for tile in tiles]
        assert bool(model.network.seen) == runs
        for one, other in zip(found, expected, strict=True):
            assert one.floor == floor
            for name in ("points", "distances", "prob"):
                np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-6)
        assert sum(map(len, found)) > 0
    for path in (tmp_path / "kept").rglob("*.npz"):  # as by a crash of the machine
        path.write_bytes(path.read_bytes()[:100])
    again = stored.detect_tile(image, tiles[0], floor=0.3, tta=False)
    np.testing.assert_array_equal(again.points, found[0].points)
