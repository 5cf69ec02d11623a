"""The objects of a batch as a function of space."""

import pytest
import torch

from anystar.synth.fields import lattice
from anystar.synth.object_field import ObjectField
from anystar.synth.recipes import get_recipe
from anystar.synth.streams import Streams

SHAPE = (16, 20, 24)


@pytest.mark.parametrize("name", ["as-mix", "wide"])
def test_points_have_the_same_owner_alone_as_together(name):
    recipe = get_recipe(name)
    streams = Streams(3, [0, 1])
    field = ObjectField.draw(recipe, streams, SHAPE)
    points = lattice(SHAPE, streams.device).expand(2, -1, -1, -1, -1)
    key, owner, scaled = field.own(points)
    assert key.shape == owner.index_BZYX.shape == (2, *SHAPE)
    assert scaled.shape == points.shape
    assert (key > 0).any()
    assert ((key > 0) <= (owner.index_BZYX >= 0)).all()
    part = field.own(points[:, 5:9])
    assert torch.equal(part[0], key[:, 5:9])
    for row, num in enumerate(field.num_keys):
        assert key[row].max() < num


def test_the_parameters_of_a_sample_are_listed_by_stage():
    recipe = get_recipe("as-mix")
    field = ObjectField.draw(recipe, Streams(0, [0]), SHAPE)
    assert list(field.drawn(0)) == ["world", "layout"]
    assert field.extent == recipe.world.size
    flat = ObjectField.draw(get_recipe("wide"), Streams(0, [0]), SHAPE)
    assert list(flat.drawn(0)) == ["layout"]
    assert flat.extent == max(SHAPE)
