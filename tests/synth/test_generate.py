import numpy as np
import pytest
import torch
from scipy.ndimage import label as components

from anystar.config import ConfigError
from anystar.synth.generate import generate
from anystar.synth.recipes import get_recipe, recipe_names

SHAPE = (32, 32, 32)


@pytest.mark.parametrize("name", recipe_names())
def test_a_sample_does_not_depend_on_its_batch(name):
    recipe = get_recipe(name)
    together = generate(recipe, seed=3, indices=[4, 9, 0], shape=SHAPE)
    for row, index in enumerate([4, 9, 0]):
        alone = generate(recipe, seed=3, indices=[index], shape=SHAPE)
        assert torch.equal(alone.labels[0], together.labels[row])
        assert torch.allclose(alone.image[0], together.image[row], atol=1e-5)
        assert set(alone.drawn[0]) == set(together.drawn[row])


@pytest.mark.parametrize("name", recipe_names())
def test_samples_are_images_in_range_with_clean_labels(name):
    batch = generate(get_recipe(name), seed=0, indices=range(6), shape=SHAPE)
    assert batch.image.shape == (6, 1, *SHAPE)
    assert batch.image.dtype == torch.float32
    assert batch.image.isfinite().all()
    assert float(batch.image.min()) >= 0
    assert float(batch.image.max()) <= 1 + 1e-6
    assert batch.labels.dtype == torch.int32
    assert batch.labels.max() > 0
    for labels in batch.labels.numpy():
        sizes = np.bincount(labels.ravel())[1:]
        assert (sizes >= 20).all()
        for number in range(1, labels.max() + 1):
            assert components(labels == number, np.ones((3, 3, 3)))[1] == 1


def test_different_indices_and_seeds_differ():
    recipe = get_recipe("as-mix")
    batch = generate(recipe, seed=0, indices=[0, 1], shape=SHAPE)
    other = generate(recipe, seed=1, indices=[0], shape=SHAPE)
    assert not torch.equal(batch.labels[0], batch.labels[1])
    assert not torch.equal(batch.labels[0], other.labels[0])


@pytest.mark.parametrize("name", ["as-mix", "wide"])
@pytest.mark.parametrize("shape", [(16, 64, 32), (144, 16, 16), (8, 8, 8), (17, 33, 50)])
def test_any_shape(name, shape):
    batch = generate(get_recipe(name), seed=0, indices=[0, 1], shape=shape)
    assert batch.image.shape[2:] == shape
    assert batch.labels.shape[1:] == shape
    assert batch.image.isfinite().all()


def test_axes_of_different_length_are_not_swapped():
    """A quarter turn of a flat volume would leave most of it blank."""
    batch = generate(get_recipe("as-mix"), seed=1, indices=range(8), shape=(12, 40, 40))
    for d in batch.drawn:
        bend = d["bend"]
        assert bend.turns in (0, 2) or bend.plane == (1, 2)


def test_every_stage_can_be_watched():
    seen = {}
    recipe = get_recipe("as-mix")
    batch = generate(
        recipe, seed=0, indices=[3], shape=SHAPE, observe=lambda name, image, key: seen.update({name: image})
    )
    assert list(seen) == [name for name in batch.drawn[0] if name not in ("world", "layout")]
    assert torch.equal(list(seen.values())[-1], batch.image)


def test_plain_backgrounds_are_darker_than_all_objects():
    recipe = get_recipe("as-brightfg-plainbg")
    drawn = generate(recipe, seed=0, indices=range(3), shape=SHAPE).drawn
    assert all(d["image"].kind == "plain" and 0 <= d["image"].background_mean[0] <= 1 for d in drawn)


def test_as_mix_draws_all_three_backgrounds():
    kinds = {
        d["image"].kind for d in generate(get_recipe("as-mix"), seed=0, indices=range(12), shape=SHAPE).drawn
    }
    assert kinds == {"plain", "random", "perlin"}


@pytest.mark.parametrize("shape", [(64, 64), (7, 64, 64), (64, 64, 0)])
def test_impossible_shapes_are_refused(shape):
    with pytest.raises(ConfigError, match=r"shape must be three numbers, .*; give at least 8"):
        generate(get_recipe("as-mix"), seed=0, indices=[0], shape=shape)
