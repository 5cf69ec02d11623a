import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anystar.preprocess import Preprocessing
from anystar.preprocess import subsample as settings
from anystar.preprocess.illumination import CorrectedImage, estimate_illumination
from anystar.preprocess.intensity import intensity_limits, rescale
from tests.scenes import Counted, lit


def test_even_light_leaves_the_image_as_it_is():
    image = lit((48, 96, 96), 1.0)
    assert Preprocessing.fit(image).apply(image).image is image


def test_uneven_light_is_evened_out():
    image = lit((32, 96, 144), np.linspace(1.0, 0.5, 144))
    prepared = Preprocessing.fit(image).apply(image)
    assert isinstance(prepared.image, CorrectedImage)
    part = rescale(prepared.image[:, :, :], prepared.settings.limits)
    spots = [np.percentile(part[..., k * 48 : (k + 1) * 48], 99) for k in range(3)]
    assert max(spots) / min(spots) < 1.2
    before = [np.percentile(image[..., k * 48 : (k + 1) * 48], 99) for k in range(3)]
    assert max(before) / min(before) > 1.4


@pytest.mark.parametrize("most", [settings.MAX_VOXELS, 60_000])
@pytest.mark.parametrize("dimmest", [1.0, 0.5])
def test_the_image_is_sampled_once(monkeypatch, most, dimmest):
    monkeypatch.setattr(settings, "MAX_VOXELS", most)
    image = Counted(lit((32, 96, 144), np.linspace(1.0, dimmest, 144)))
    prepared = Preprocessing.fit(image).apply(image)
    step = 1 if most > image.data.size else 2
    middle = 0 if step == 1 else 32 * 64 * 64 + 8  # of every plane, to tell blank ones; and the corners
    assert image.voxels == image.data[::step, ::step, ::step].size + middle
    # and as if the limits were found on their own
    assert prepared.settings.limits == intensity_limits(prepared.image)
    assert isinstance(prepared.image, CorrectedImage) == (dimmest < 1)


def test_a_blank_region_is_not_blown_up():
    image = lit((32, 96, 144), 1.0)
    image[..., 96:] = 0.1 + 0.01 * np.random.default_rng(1).normal(size=(32, 96, 48))
    light = estimate_illumination(image)
    assert min(light.range) > 0.9 * max(light.range)


def test_amplification_is_bounded():
    image = lit((32, 96, 144), np.array([1.0, 1.0, 0.5])[np.arange(144) // 48])
    light = estimate_illumination(image)
    assert max(light.range) / min(light.range) < 1 / 0.45 + 1e-6


@given(
    box=st.tuples(*[st.tuples(st.integers(0, 30), st.integers(31, 60)) for _ in range(3)]),
    step=st.integers(1, 3),
)
def test_a_part_is_the_same_as_cut_from_the_whole(box, step):
    image = np.random.default_rng(3).random((60, 72, 96))
    image[..., 48:] *= 0.5
    seen = CorrectedImage(image, estimate_illumination(image))
    part = tuple(slice(a, b, step) for a, b in box)
    assert np.array_equal(seen[part], seen[:, :, :][part])


def test_a_large_volume_is_sampled():
    image = np.broadcast_to(np.linspace(0, 1, 400, dtype=np.float32), (200, 300, 400))
    light = estimate_illumination(image[::2, ::2, ::2])
    ground, reach = light.at((np.arange(1), np.arange(1), np.arange(400)), image.shape)
    assert ground.shape == (1, 1, 400)
    assert ground[0, 0, -1] - ground[0, 0, 0] == pytest.approx(0.5, abs=0.2)
    assert (reach > 0).all()
