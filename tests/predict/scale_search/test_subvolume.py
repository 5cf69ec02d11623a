"""The part of an image that is searched."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from anystar.predict.scale_search.config import SearchConfig
from anystar.predict.scale_search.subvolume import _sides, choose_subvolume, narrow
from anystar.preprocess import Preprocessing
from anystar.preprocess.arrays import whole_box
from anystar.preprocess.illumination import Illumination
from tests.predict.scale_search.made import scale_at

CONFIG, CUBIC = SearchConfig(), (1.0, 1.0, 1.0)


def prepared(image):
    return Preprocessing().apply(image)


@given(st.tuples(*[st.integers(4, 400)] * 3), st.floats(1, 100), st.floats(0.1, 2))
def test_a_part_fits_the_voxels_that_are_allowed_whatever_the_aspect_ratio(shape, ratio, factor):
    size = np.array([ratio, 1, 1]) * factor
    side = _sides(np.array(shape), size, CONFIG.scale_voxels)
    assert (side >= 4).all()
    assert (side <= shape).all()
    assert (side * size).prod() <= 1.3 * CONFIG.scale_voxels


def test_a_large_volume_is_searched_where_its_structure_is_strongest():
    image = np.zeros((200, 400, 300), np.float32)
    image[150:190, 330:390, 200:280] = np.random.default_rng(0).random((40, 60, 80))
    part = image[choose_subvolume(prepared(image), CUBIC, CONFIG)]
    assert part.size <= 160**3 * 1.01
    assert part.sum() > 0.5 * image.sum()
    small = image[:50, :100, :100]
    assert small[choose_subvolume(prepared(small), CUBIC, CONFIG)].shape == (50, 100, 100)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_the_region_is_that_of_the_corrected_image_though_few_voxels_are_corrected(seed):
    rng = np.random.default_rng(seed)
    image = rng.random((40, 60, 50), np.float32) * np.linspace(0.2, 1, 50, dtype=np.float32)
    light = Illumination((1, 1, 3), (0.0, 0.1, 0.2), (0.5, 1.0, 1.5))
    config = replace(CONFIG, part_voxels=20**3)
    corrected = light.correct(image, [np.arange(num) for num in image.shape], image.shape)
    lazy = Preprocessing(illumination=light).apply(image)
    assert choose_subvolume(lazy, CUBIC, config) == choose_subvolume(prepared(corrected), CUBIC, config)


def test_a_fine_scale_is_tried_where_the_best_so_far_has_most_evidence():
    image = np.random.default_rng(0).random((200, 200, 200), np.float32)
    cluster = np.random.default_rng(1).uniform(120, 180, (30, 3))
    best = scale_at(0.7, [*cluster, (20, 20, 20), (60, 20, 20)], 1.0, image.shape)
    box = narrow(prepared(image), whole_box(image.shape), CUBIC, 1.0, best, CONFIG)
    low, high = np.array([(s.start, s.stop) for s in box]).T
    assert np.prod(high - low) <= 88**3
    assert ((cluster >= low) & (cluster < high)).all()
    assert narrow(prepared(image), box, CUBIC, 1.0, best, CONFIG) == box


@given(
    shape=st.tuples(st.integers(4, 60), st.integers(4, 400), st.integers(4, 400)),
    z=st.sampled_from([1.0, 2.5, 5.0]),
    factor=st.sampled_from([0.5, 1.0, 2.0]),
)
def test_a_narrowed_box_lies_in_the_box_and_is_not_too_large(shape, z, factor):
    image = np.broadcast_to(np.float32(0), shape)
    box = narrow(prepared(image), whole_box(shape), (z, 1.0, 1.0), factor, None, CONFIG)
    sides = [s.stop - s.start for s in box]
    assert all(0 <= s.start < s.stop <= n for s, n in zip(box, shape, strict=True))
    assert np.prod(sides) * z * factor**3 <= 2 * 88**3 or min(sides) <= 4


def test_objects_next_to_a_cut_do_not_decide_where_a_fine_scale_is_tried():
    """Objects there do not count: a box with all objects at its edges would have no evidence."""
    image = np.random.default_rng(0).random((300, 300, 300), np.float32)
    star = 100 + 41 * np.array([[0, 0, 0], [0, 0, 1], [0, 0, -1], [0, 1, 0], [0, -1, 0], [1, 0, 0]])
    best = scale_at(0.7, [*star, (240, 240, 240), (243, 240, 240), (240, 243, 240)], 1.0, image.shape)
    box = narrow(prepared(image), whole_box(image.shape), CUBIC, 1.0, best, CONFIG)
    low, high = np.array([(s.start, s.stop) for s in box]).T
    inner = (best.points >= low + 6) & (best.points < high - 6)
    assert inner.all(1).sum() >= 3
