"""A draw depends on seed, index and stage only."""

import torch

from anystar.synth.streams import Streams


def test_a_sample_draws_the_same_in_any_batch():
    alone, batch = Streams(3, [7]), Streams(3, [5, 7])
    assert torch.equal(alone.normal("noise", (4, 5))[0], batch.normal("noise", (4, 5))[1])
    assert torch.equal(batch.uniform("noise", (6,), rows=[1])[0], alone.uniform("noise", (6,))[0])
    assert alone.scalars("size")[0].random() == batch.scalars("size")[1].random()


def test_stages_indices_and_seeds_draw_otherwise():
    fields = [
        Streams(seed, [index]).normal(stage, (8,))
        for seed, index, stage in ((0, 0, "a"), (1, 0, "a"), (0, 1, "a"), (0, 0, "b"))
    ]
    assert len({tuple(field[0].tolist()) for field in fields}) == 4


def test_shapes_of_their_own():
    first, second = Streams(0, [1, 2]).normals("a", [(3,), (5, 2)])
    assert (first.shape, second.shape) == ((3,), (5, 2))
