import pytest
import torch
from torch.utils.data import DataLoader

import anystar
from anystar.config import ConfigError
from anystar.synth.dataset import SyntheticDataset
from anystar.synth.generate import generate
from anystar.synth.recipes import get_recipe

SHAPE = (8, 8, 8)


def dataset(**options):
    return SyntheticDataset("wide", shape=SHAPE, **options)


def test_samples_are_those_of_generate():
    (sample,) = dataset(seed=3, start=5, num_samples=1)
    batch = generate(get_recipe("wide"), seed=3, indices=[5], shape=SHAPE)
    assert sample["index"] == 5
    assert torch.equal(sample["image"], batch.image[0])
    assert torch.equal(sample["labels"], batch.labels.long())


def test_ranks_and_workers_share_the_samples_without_overlap():
    found = []
    for rank in range(3):
        loader = DataLoader(dataset(num_samples=12, rank=rank, world_size=3), batch_size=2, num_workers=2)
        mine = [int(i) for batch in loader for i in batch["index"]]
        assert all(i % 3 == rank for i in mine)
        found += mine
    assert sorted(found) == list(range(12))


def test_it_is_endless_and_continues():
    ours = dataset(start=100).indices()
    assert [next(ours) for _ in range(3)] == [100, 101, 102]


def test_ranks_are_asked_of_torch(monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 4)
    ours = dataset().indices()
    assert [next(ours), next(ours)] == [1, 5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "at least 0"),
        ({"rank": 1}, "together"),
        ({"rank": 4, "world_size": 4}, "rank must be within"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        dataset(**options)
    with pytest.raises(ConfigError, match="did you mean 'wide'"):
        SyntheticDataset("wid")


def test_it_is_public():
    assert anystar.SyntheticDataset is SyntheticDataset
