import csv
import dataclasses

import numpy as np
import pytest
import torch

from anystar.config import ConfigError, dump_toml, load_toml
from anystar.geometry.rays import golden_spiral
from anystar.nn.checkpoint import load_model_file, load_tensors, save_model_file, save_tensors
from anystar.nn.losses import LossConfig, star_loss
from anystar.nn.model import NetworkConfig, Prediction, StarNet
from anystar.predict.registry import load_model
from anystar.synth.recipes import get_recipe
from anystar.targets import make_targets
from anystar.train import TrainConfig, fit, load_start, small_config
from anystar.train.loop import training_batches, training_step
from anystar.train.processes import Processes
from anystar.train.start import count_samples
from anystar.train.state import TrainState
from anystar.train.synthetic_batches import Batches, TrainingBatches, batch_loader
from tests.scenes import annotated_balls

TINY = TrainConfig(
    recipes=("as-mix", "wide"),
    iterations=4,
    batch_size=2,
    patch=(16, 16, 16),
    workers=0,
    log_every=1,
    checkpoint_every=2,
    preview_every=4,
    precision="float32",
    network=NetworkConfig(channels=(4, 8), grid=2, num_rays=32, head_channels=8),
)


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_resumed_run_equals_one_that_was_never_stopped(tmp_path):
    for _ in fit(TINY, tmp_path / "whole", device="cpu"):
        pass
    for event in fit(TINY, tmp_path / "parts", device="cpu"):
        if event.step == 2:
            break
    for _ in fit(TINY, tmp_path / "parts", resume=True, device="cpu"):
        pass
    whole, parts = (load_tensors(tmp_path / n / "checkpoint.safetensors")[0] for n in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    logs = [rows(tmp_path / n / "log.csv") for n in ("whole", "parts")]
    assert [r["step"] for r in logs[1]] == ["1", "2", "3", "4"]
    assert [r["loss"] for r in logs[0]] == [r["loss"] for r in logs[1]]


def test_no_sample_comes_twice_when_the_batch_size_changes(tmp_path, monkeypatch):
    """From a checkpoint that says how many were seen, and from an older one that does not."""
    seen, indices = [], Batches.indices

    def noted(self, step):
        seen.extend(indices(self, step))
        return indices(self, step)

    monkeypatch.setattr(Batches, "indices", noted)
    checkpoint = tmp_path / "checkpoint.safetensors"
    for size, until in ((4, 2), (1, 3), (2, 5), (2, 6)):
        config = dataclasses.replace(TINY, batch_size=size, iterations=6)
        for event in fit(config, tmp_path, resume=checkpoint.exists(), device="cpu"):
            if event.step == until:
                break
        if until == 2:
            tensors, header = load_tensors(checkpoint)
            assert header.pop("seen") == 8
            save_tensors(checkpoint, tensors, header)
    assert seen == list(range(4 * 2 + 1 + 2 * 3))


def test_an_older_checkpoint_goes_on_with_the_series_it_would_have_seen(tmp_path):
    """Counted in batches of its last size, unless larger ones came before."""
    state = TrainState(TINY, torch.device("cpu"))
    state.step, state.seconds = 4, 1.0
    for sizes, samples in (((2,), 8), ((1, 2), 8), ((3, 1), 9)):
        parts = [{"first": k, "last": 4 if k + 1 == len(sizes) else 3} for k in range(len(sizes))]
        state.history = [part | {"batch_size": size} for part, size in zip(parts, sizes, strict=True)]
        state.save(tmp_path, torch.device("cpu"))
        tensors, header = load_tensors(tmp_path / "checkpoint.safetensors")
        del header["seen"]
        save_tensors(tmp_path / "checkpoint.safetensors", tensors, header)
        again = TrainState(TINY, torch.device("cpu"))
        again.load(tmp_path / "checkpoint.safetensors")
        assert again.samples == samples


def test_a_start_that_fails_leaves_nothing_and_can_be_repeated(tmp_path, monkeypatch):
    def fails(self, step):
        raise ValueError("no samples")

    with monkeypatch.context() as patched:
        patched.setattr(TrainingBatches, "samples", fails)
        for folder in (tmp_path / "new" / "run", tmp_path):
            with pytest.raises(ValueError, match="no samples"):
                next(iter(fit(TINY, folder, device="cpu")))
            assert list(tmp_path.iterdir()) == []
    assert next(iter(fit(TINY, tmp_path, device="cpu"))).step == 1


def test_a_run_folder_holds_what_made_it(tmp_path):
    events = list(fit(TINY, tmp_path, device="cpu"))
    assert [e.step for e in events] == [1, 2, 3, 4]
    assert [e.preview is not None for e in events] == [False, False, False, True]
    assert load_toml(TrainConfig, tmp_path / "config.toml") == TINY
    card = load_model_file(tmp_path / "model.safetensors").card
    assert card["samples"] == 8
    assert card["recipes"] == ["as-mix", "wide"]


def test_the_card_remembers_what_each_step_was_trained_with(tmp_path):
    for event in fit(TINY, tmp_path, device="cpu"):
        if event.step == 1:
            break
    other = dataclasses.replace(TINY, recipes=("as-mix",), batch_size=1)
    for _ in fit(other, tmp_path, resume=True, device="cpu"):
        pass
    card = load_model_file(tmp_path / "model.safetensors").card
    parts = [(h["recipes"], h["batch_size"], h["first"], h["last"]) for h in card["history"]]
    assert parts == [(["as-mix", "wide"], 2, 0, 1), (["as-mix"], 1, 1, 4)]
    assert card["samples"] == 2 + 3


def test_a_run_is_not_overwritten(tmp_path):
    next(iter(fit(TINY, tmp_path, device="cpu")))
    with pytest.raises(ConfigError, match="already holds a run"):
        next(iter(fit(TINY, tmp_path, device="cpu")))
    other = dataclasses.replace(TINY, network=NetworkConfig(channels=(8, 8), num_rays=32, head_channels=8))
    with pytest.raises(ConfigError, match="another network"):
        next(iter(fit(other, tmp_path, resume=True, device="cpu")))


@pytest.mark.slow
def test_the_loop_can_learn_one_batch_by_heart(tmp_path, monkeypatch):
    """With every step seeing the same samples, the loss must fall far."""
    first = TrainingBatches.__getitem__
    monkeypatch.setattr(TrainingBatches, "__getitem__", lambda self, step: first(self, 1))
    config = dataclasses.replace(TINY, iterations=120, learning_rate=1e-2, log_every=20, checkpoint_every=120)
    events = list(fit(config, tmp_path, device="cpu"))
    assert events[-1].losses["total"] < 0.7 * events[0].losses["total"]
    assert events[-1].losses["distance"] < 0.5 * events[0].losses["distance"]


def test_workers_do_not_change_the_batches():
    batches = TrainingBatches(
        [get_recipe("as-mix")],
        seed=0,
        batch_size=1,
        shape=(16, 16, 16),
        rays=golden_spiral(32),
        grid=2,
        max_points=20,
    )
    here = list(batch_loader(batches, first=1, last=3, workers=0))
    there = list(batch_loader(batches, first=1, last=3, workers=1))
    for a, b in zip(here, there, strict=True):
        assert torch.equal(a.labels, b.labels)
        assert torch.allclose(a.image, b.image, atol=1e-5)
        assert torch.equal(a.targets.points_P4, b.targets.points_P4)


def test_gradients_are_clipped_and_weights_averaged():
    """The norm is cut down to ``clip``; the average follows its definition, running statistics included."""
    config = dataclasses.replace(TINY, clip=0.01)
    device = torch.device("cpu")
    state = TrainState(config, device)
    batches = training_batches(config, device, state.processes, None)
    kept = {name: value.clone() for name, value in state.average.items()}
    for step in range(3):
        training_step(state, batches[step], device)
        norm = torch.cat([p.grad.flatten() for p in state.network.parameters()]).norm()
        assert 0 < float(norm) <= 0.0101
        decay = min(0.999, (2 + step) / (11 + step))
        current = state.network.state_dict()
        kept = {name: decay * value + (1 - decay) * current[name] for name, value in kept.items()}
    assert any("running_var" in name for name in kept)
    for name, value in kept.items():
        assert torch.allclose(state.average[name], value, atol=1e-6), name


def test_batch_normalisation_is_folded_for_inference(tmp_path):
    for _ in fit(TINY, tmp_path, device="cpu"):
        pass
    kept = load_model_file(tmp_path / "model.safetensors").network
    folded = load_model(tmp_path / "model.safetensors", device="cpu").network
    assert any(isinstance(m, torch.nn.BatchNorm3d) for m in kept.modules())
    assert not any(isinstance(m, torch.nn.BatchNorm3d) for m in folded.modules())
    image = torch.rand(1, 1, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for one, other in zip(kept(image)[:2], folded(image)[:2], strict=True):
            assert torch.allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("background", [0.0, 0.5])
def test_a_few_points_estimate_the_loss_over_all(background):
    """What ``max_points`` relies on: the distance loss over points drawn uniformly is unbiased."""
    labels = annotated_balls(num=24, radius=5.0).labels[None]
    rays, config = golden_spiral(32), LossConfig(background_weight=background)
    full = make_targets(labels, rays, grid=1, max_points=None, rngs=[np.random.default_rng(0)])
    generator = torch.Generator().manual_seed(0)
    said = Prediction(torch.zeros(1, 1, 24, 24, 24), 9 * torch.rand(1, 32, 24, 24, 24, generator=generator))
    whole = float(star_loss(said.at(full.taught_N4()), full, config).distance)
    draws = []
    for seed in range(100):
        few = make_targets(labels, rays, grid=1, max_points=60, rngs=[np.random.default_rng(seed)])
        draws.append(float(star_loss(said.at(few.taught_N4()), few, config).distance))
    assert len(full.points_P4) > 1000
    assert np.std(draws) > 0.01 * whole  # they do differ
    assert np.mean(draws) == pytest.approx(whole, abs=4 * np.std(draws) / 10)
    assert np.mean(draws) == pytest.approx(whole, rel=0.01)


def test_samples_made_together_are_those_made_one_by_one():
    """What a GPU does: all samples of a recipe at once, the recipes in turn."""
    recipes = [get_recipe("as-mix"), get_recipe("wide")]
    common = {"seed": 0, "batch_size": 3, "shape": (16, 16, 16), "rays": golden_spiral(32)}
    common |= {"grid": 2, "max_points": 20}
    alone, together = (TrainingBatches(recipes, together=t, **common)[1] for t in (False, True))
    assert torch.equal(alone.labels, together.labels)
    assert torch.allclose(alone.image, together.image, atol=1e-5)
    assert torch.equal(alone.targets.points_P4, together.targets.points_P4)


def test_batches_made_ahead_are_the_same_in_the_same_order(monkeypatch):
    """What a GPU does: the next batch is begun before this one is learnt from."""
    batches = TrainingBatches(
        [get_recipe("wide")],
        seed=0,
        batch_size=2,
        shape=(16, 16, 16),
        rays=golden_spiral(32),
        grid=2,
        max_points=20,
    )
    begun = []
    original = TrainingBatches.begin
    monkeypatch.setattr(TrainingBatches, "begin", lambda self, k: (begun.append(k), original(self, k))[1])
    seen = []
    for step, batch in enumerate(batches.ahead(3, 6), start=3):
        assert begun == list(range(3, min(step + 2, 6)))
        seen.append(batch)
    assert len(seen) == 3
    for step, batch in enumerate(seen, start=3):
        assert torch.equal(batch.image, batches[step].image)
        assert torch.equal(batch.targets.points_P4, batches[step].targets.points_P4)
    assert list(batches.ahead(6, 6)) == []


def test_where_samples_are_made_changes_nothing(tmp_path):
    runs = []
    for where in ("workers", "device"):
        config = dataclasses.replace(TINY, iterations=4, samples=where, workers=0, log_every=1)
        runs.append([event.losses for event in fit(config, tmp_path / where, device="cpu")])
    assert runs[0] == runs[1]


def test_targets_are_where_the_objects_are():
    labels = np.zeros((1, 16, 16, 16), np.int32)
    labels[0, 4:13, 4:13, 4:13] = 1
    targets = make_targets(
        labels, golden_spiral(32), grid=2, max_points=None, rngs=[np.random.default_rng(0)]
    )
    assert targets.prob_BZYX.shape == (1, 8, 8, 8)
    assert float(targets.prob_BZYX[0, 4, 4, 4]) == pytest.approx(1)
    inside = (targets.prob_BZYX > 0).nonzero()
    assert torch.equal(inside, targets.points_P4)
    centre = (targets.points_P4[:, 1:] == 4).all(1)
    assert float(targets.dist_PR[centre].min()) == pytest.approx(4.5, abs=0.1)
    few = make_targets(labels, golden_spiral(32), grid=2, max_points=7, rngs=[np.random.default_rng(0)])
    assert len(few.points_P4) == len(few.dist_PR) == 7


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"recipes": ("as-mx",)}, "did you mean 'as-mix'"),
        ({"recipes": ()}, "at least one recipe"),
        ({"iterations": 0}, "iterations must be at least 1"),
        ({"patch": (16, 16, 18)}, "multiples of 4"),
        ({"patch": (4, 4, 4)}, "of at least 8"),
        ({"patch": (-16, 16, 16)}, "of at least 8"),
        ({"patch": (16, 16, 2048)}, "at most 1024 voxels"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"clip": 0.0}, "clip must be positive, got 0.0"),
        ({"average": 1.0}, r"average must be within \[0, 1\), got 1.0"),
        ({"average": -0.1}, r"average must be within \[0, 1\)"),
        ({"average": float("nan")}, r"average must be within \[0, 1\)"),
        ({"max_points": -1}, "max_points must be at least 0, got -1"),
        ({"warmup": -1}, "warmup must be at least 0, got -1"),
        ({"workers": -1}, "workers must be at least 0, got -1"),
        ({"seed": -1}, r"seed must be within \[0, 2\^64\), got -1"),
        ({"seed": 2**64}, r"seed must be within \[0, 2\^64\)"),
    ],
)
def test_bad_configurations_are_refused(bad, message):
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(TINY, **bad)


def test_all_points_are_asked_for_by_0_which_survives_a_file(tmp_path):
    path = tmp_path / "config.toml"
    for number in (0, None):
        config = dataclasses.replace(TINY, max_points=number)
        path.write_text(dump_toml(config))
        assert load_toml(TrainConfig, path) == config
        batches = training_batches(config, torch.device("cpu"), Processes(), None)
        assert batches.max_points is None


def test_small_is_small():
    assert small_config().network.grid == 2
    assert small_config(iterations=7).iterations == 7


def test_a_network_has_two_resolutions():
    with pytest.raises(ConfigError, match="channels must be 2 to 8 numbers, got 1"):
        NetworkConfig(channels=(8,))


def test_every_preview_and_every_judgement_is_logged(tmp_path):
    config = dataclasses.replace(TINY, log_every=4, preview_every=3, checkpoint_every=5, iterations=7)
    events = list(fit(config, tmp_path, device="cpu"))
    assert [(e.step, e.preview is not None) for e in events] == [(3, True), (4, False), (6, True), (7, False)]


def test_new_samples_are_new_to_all_generations(tmp_path):
    """A run that begins with a model knows the seeds of those that it came from."""
    start, seeds = None, [4, 2, 7]
    for generation, seed in enumerate(seeds):
        out = tmp_path / str(generation)
        for _ in fit(dataclasses.replace(TINY, seed=seed, start=start, iterations=1), out, device="cpu"):
            pass
        for name in ("model", "checkpoint"):
            known = load_start(out / f"{name}.safetensors")
            assert known.seeds == tuple(sorted(seeds[: generation + 1]))
        start = str(out / "model.safetensors")


def test_samples_are_counted_by_the_processes_that_made_them():
    state = TrainState(TINY, torch.device("cpu"), processes=Processes(size=4))
    for size, last in ((4, 100), (1, 200)):
        state.processes = Processes(size=size)
        state.remember()
        state.history[-1]["last"] = state.step = last
    assert count_samples(state.history) == 100 * 2 * 4 + 100 * 2


def test_a_run_from_other_weights_begins_with_them(tmp_path):
    """From a model file, from a checkpoint; what is learnt afterwards builds on them."""
    for _ in fit(TINY, tmp_path / "first", device="cpu"):
        pass
    model, checkpoint = (tmp_path / "first" / f"{n}.safetensors" for n in ("model", "checkpoint"))
    kept = load_tensors(checkpoint)[0]
    state = TrainState(TINY, torch.device("cpu"), load_start(checkpoint))
    assert all(torch.equal(v, kept[f"network.{k}"]) for k, v in state.network.state_dict().items())
    assert all(torch.equal(v, kept[f"average.{k}"]) for k, v in state.average.items())
    assert not state.optimiser.state_dict()["state"]
    state = TrainState(TINY, torch.device("cpu"), load_start(model))
    for name, value in state.average.items():
        assert torch.equal(value, kept[f"average.{name}"].half().float())
        assert torch.equal(value, state.network.state_dict()[name])

    further = dataclasses.replace(TINY, start=str(model), seed=1, iterations=2)
    for _ in fit(further, tmp_path / "further", device="cpu"):
        pass
    card = load_model_file(tmp_path / "further" / "model.safetensors").card
    assert card["samples"] == 4
    assert (card["from"]["model"], card["from"]["samples"]) == ("model", 8)
    other = dataclasses.replace(further, network=NetworkConfig(channels=(8, 8), num_rays=32))
    with pytest.raises(ConfigError, match="another network"):
        next(iter(fit(other, tmp_path / "other", device="cpu")))
    assert not (tmp_path / "other").exists()


def test_a_run_keeps_the_defaults_of_the_weights_it_begins_with(tmp_path):
    """From a model file, after a resume, from a checkpoint of such a run; without any, none are made up."""
    defaults = {"prob_thresh": 0.35, "nms_thresh": 0.25, "diameter": 11.0}
    parent = tmp_path / "parent.safetensors"
    save_model_file(parent, StarNet(TINY.network).state_dict(), TINY.network, {"defaults": defaults})
    child, grandchild = tmp_path / "child", tmp_path / "grandchild"
    begun = dataclasses.replace(TINY, start=str(parent), iterations=2)
    for event in fit(begun, child, device="cpu"):
        if event.step == 1:
            break
    for _ in fit(begun, child, device="cpu", resume=True):
        pass
    further = dataclasses.replace(TINY, start=str(child / "checkpoint.safetensors"), iterations=1)
    for _ in fit(further, grandchild, device="cpu"):
        pass
    for folder in (child, grandchild):
        model = load_model(folder / "model.safetensors", device="cpu")
        assert model.card["defaults"] == defaults
        assert (model.defaults.prob_thresh, model.defaults.diameter) == (0.35, 11)
    for _ in fit(dataclasses.replace(TINY, iterations=1), tmp_path / "new", device="cpu"):
        pass
    assert "defaults" not in load_model_file(tmp_path / "new" / "model.safetensors").card


def test_a_run_that_was_killed_before_its_first_checkpoint_begins(tmp_path):
    """A job script that always says resume is not stuck; the result is that of a run that was not killed."""
    whole, again = tmp_path / "whole", tmp_path / "again"
    for _ in fit(TINY, whole, device="cpu"):
        pass
    again.mkdir()
    (again / "config.toml").write_text((whole / "config.toml").read_text())
    (again / "log.csv").write_text("step,loss\n1,0.5\n")
    for _ in fit(TINY, again, resume=True, device="cpu"):
        pass
    one, two = (load_tensors(folder / "model.safetensors")[0] for folder in (whole, again))
    assert all(torch.equal(one[name], two[name]) for name in one)
    checkpoint = again / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(ConfigError, match=r"cannot be read .*; or begin a run in another folder with --from"):
        next(iter(fit(TINY, again, resume=True, device="cpu")))
