import numpy as np
import tomlkit
import torch

from anystar.synth.explain import explain, parameters
from anystar.synth.generate import generate
from anystar.synth.recipes import get_recipe

SHAPE = (16, 16, 16)


def test_explaining_changes_nothing_and_names_every_stage():
    for name in ("as-mix", "wide"):
        recipe = get_recipe(name)
        batch, steps = explain(recipe, seed=2, index=5, shape=SHAPE)
        plain = generate(recipe, seed=2, indices=[5], shape=SHAPE)
        assert torch.equal(batch.image, plain.image)
        assert torch.equal(batch.labels, plain.labels)
        assert [s.name for s in steps] == [n for n in plain.drawn[0] if n not in ("world", "layout")]
        assert all(s.drawn is batch.drawn[0][s.name] for s in steps)
        assert np.array_equal(steps[-1].labels, plain.labels[0].numpy())


def test_parameters_become_toml():
    drawn = generate(get_recipe("wide"), seed=0, indices=[1], shape=SHAPE).drawn[0]
    short, full = parameters(drawn, arrays=False), parameters(drawn, arrays=True)
    assert tomlkit.parse(tomlkit.dumps(full)).unwrap() == full
    assert "centre" not in short["layout"]
    assert len(full["layout"]["centre"]) == full["layout"]["num_objects"] == short["layout"]["num_objects"]
