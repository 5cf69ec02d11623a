"""Upper bounds: trained on the right volumes, resumed, found again."""

import dataclasses
import signal

import pytest

from anystar import io
from anystar.config import ConfigError, load_toml
from anystar.lab import networks
from anystar.lab.layouts import discover
from anystar.lab.networks import Schedule, find_networks, train_networks
from anystar.lab.runner import Laboratory
from anystar.nn.model import NetworkConfig
from anystar.train import TrainConfig


def tiny(**changes):
    """Return a run of seconds."""
    network = NetworkConfig(channels=(4, 8), num_rays=16, grid=2, head_channels=4)
    settings = {"batch_size": 1, "patch": (16, 16, 16), "workers": 0, "network": network, "max_points": 32}
    return TrainConfig(**(settings | changes))


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(networks, "small_config", tiny)
    return Schedule(size="small", iterations=2, device="cpu", one_from=3)


def test_all_volumes_and_one_alone(ce, tmp_path, small, monkeypatch):
    (dataset,) = discover(ce)
    seen, said = [], []
    lab = Laboratory(tmp_path / "out", notify=said.append)
    assert find_networks(lab.out, dataset) == {}
    found = train_networks(dataset, lab, small, progress=lambda *p: seen.append(p))
    assert list(found) == ["all", "one"]
    assert seen == [(2, 2, "steps")] * 2
    assert [s.split(" in ")[0] for s in said] == [
        "ce: trains on 3 of 3 volumes,",
        "ce: trains on 1 of 3 volumes,",
    ]
    for role, names in (("all", ["C18G1_2L1_0", "C18G1_2L1_1", "C18G1_2L1_2"]), ("one", ["C18G1_2L1_0"])):
        run = tmp_path / f"out/networks/ce-{role}"
        assert [io.file_stem(p) for p in io.list_volumes(run / "images")] == names
        assert len(io.list_volumes(run / "validation_labels")) == 1
        assert found[role].parent == run
    assert train_networks(dataset, lab, small, progress=lambda *p: 1 / 0) == found, "nothing to do"


def test_a_stopped_run_goes_on(platyish, tmp_path, small):
    (dataset,) = discover(platyish)
    lab = Laboratory(tmp_path / "out")

    def stop(*progress):
        raise KeyboardInterrupt

    longer = dataclasses.replace(small, iterations=25)
    with pytest.raises(KeyboardInterrupt):
        train_networks(dataset, lab, longer, progress=stop)
    assert find_networks(lab.out, dataset) == {}, "not finished"
    steps = []
    found = train_networks(dataset, lab, longer, progress=lambda step, *_: steps.append(step))
    assert list(found) == ["all"], "too few volumes for one alone"
    assert steps == [25]


def test_an_interrupt_ends_all_training_and_is_gone_on_from(ce, tmp_path, small, monkeypatch):
    """What fit takes for the end of one training must not begin the next one."""
    (dataset,) = discover(ce)
    lab = Laboratory(tmp_path / "out")
    longer = dataclasses.replace(small, iterations=45)
    steps = []

    def interrupt(step, *_):
        steps.append(step)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train_networks(dataset, lab, longer, progress=interrupt)
    assert max(steps) < 45
    assert find_networks(lab.out, dataset) == {}
    assert list(train_networks(dataset, lab, longer, progress=lambda *_: None)) == ["all", "one"]


def test_a_run_that_only_lacks_its_mark_is_found(platyish, tmp_path, small):
    (dataset,) = discover(platyish)
    lab = Laboratory(tmp_path / "out")
    found = train_networks(dataset, lab, small, progress=lambda *_: None)
    (found["all"].parent / "finished").unlink()
    assert train_networks(dataset, lab, small, progress=lambda *_: None) == found


def test_other_settings_than_a_network_has_are_refused(platyish, tmp_path, small):
    (dataset,) = discover(platyish)
    lab = Laboratory(tmp_path / "out")
    train_networks(dataset, lab, small, progress=lambda *_: None)
    for finished in (True, False):
        other = dataclasses.replace(small, iterations=3, seed=5)
        with pytest.raises(ConfigError, match=r"other settings than those given now \(seed, iterations\)"):
            train_networks(dataset, lab, other, progress=lambda *_: None)
        if finished:
            (tmp_path / "out/networks" / f"{dataset.name}-all" / "finished").unlink()


def test_fine_tuning_keeps_the_network_it_begins_with(platyish, tmp_path, small):
    (dataset,) = discover(platyish)
    first = train_networks(dataset, Laboratory(tmp_path / "a"), small, progress=lambda *_: None)["all"]
    again = dataclasses.replace(small, start=str(first))
    found = train_networks(dataset, Laboratory(tmp_path / "b"), again, progress=lambda *_: None)["all"]
    config = load_toml(TrainConfig, found.parent / "config.toml")
    assert config.start == str(first)
    assert config.network == load_toml(TrainConfig, first.parent / "config.toml").network


def test_nothing_to_train_on(ce, tmp_path, small):
    (dataset,) = discover(ce)
    lab = Laboratory(tmp_path / "out")
    nothing = dataclasses.replace(dataset, train=())
    assert train_networks(nothing, lab, small, progress=lambda *_: None) == {}
