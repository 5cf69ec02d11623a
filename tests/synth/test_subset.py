"""A stage that some samples have changes those only."""

import torch

from anystar.synth.subset import Subset

BATCH = torch.arange(12.0).view(4, 3)


def test_some_samples_are_picked_replaced_and_added_to():
    some = Subset([0.0, 2.0, 0.0, 5.0], lambda d: d, device="cpu")
    assert (some.places, some.drawn, len(some)) == ([1, 3], [2.0, 5.0], 2)
    assert torch.equal(some.pick(BATCH), BATCH[[1, 3]])
    changed = some.replace(BATCH, torch.full((2, 3), -1.0))
    assert torch.equal(changed[[0, 2]], BATCH[[0, 2]])
    assert (changed[[1, 3]] == -1).all()
    total = BATCH.clone()
    some.add(total, some.column(lambda d: d, axes=1).expand(-1, 3))
    assert torch.equal(total - BATCH, torch.tensor([0.0, 2, 0, 5])[:, None].expand(-1, 3))


def test_all_and_none():
    every, none = Subset([1, 2, 3, 4], device="cpu"), Subset.of([1, 2], lambda d: None, device="cpu")
    assert every.pick(BATCH) is BATCH
    assert not none
    assert every.column(float).shape == (4, 1, 1, 1)


def test_a_part_of_the_parameters():
    some = Subset.of([("a", None), ("b", 7)], lambda d: d[1], device="cpu")
    assert (some.places, some.drawn) == ([1], [7])
