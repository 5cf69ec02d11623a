"""Crops of annotated volumes: geometry, what is unknown, and that a network learns from them."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy import ndimage

from anystar.config import ConfigError, from_dict, load_toml
from anystar.geometry.rays import golden_spiral
from anystar.nn.checkpoint import load_model_file, load_tensors, save_model_file
from anystar.nn.losses import LossConfig, star_loss
from anystar.nn.model import NetworkConfig, Prediction, StarNet
from anystar.synth.recipe import stages
from anystar.train import LabelledConfig, LabelledVolumes, TrainConfig, fit, prepare
from anystar.train.crops import CropBatches, sample_labels
from anystar.train.labelled import known_labels, median_diameter
from tests.scenes import annotated_balls

CONFIG = LabelledConfig(images="images", labels="labels", diameter=12.0)
PLAIN = dataclasses.replace(CONFIG, scale=(1.0, 1.0), turn=0.0, near_objects=1.0)
RAYS = golden_spiral(32)
TINY = TrainConfig(
    recipes=(),
    labelled=CONFIG,
    iterations=4,
    batch_size=2,
    patch=(24, 24, 24),
    workers=0,
    log_every=1,
    checkpoint_every=2,
    precision="float32",
    network=NetworkConfig(channels=(4, 8), grid=2, num_rays=32, head_channels=8),
)


def crops(volumes, config=CONFIG, *, vary=True, shape=(32, 32, 32), **more):
    common = {"seed": 0, "batch_size": 1, "shape": shape, "rays": RAYS, "grid": 1, "max_points": None}
    return CropBatches(prepare(volumes, config), config, vary=vary, **(common | more))


@pytest.mark.parametrize("spacing", [None, (1.0, 1.0, 1.0), (3.0, 1.0, 1.0), (0.5, 0.25, 0.25)])
@pytest.mark.parametrize("vary", [False, True])
def test_objects_of_a_crop_have_the_diameter_asked_for(spacing, vary):
    """Whatever the voxel size, the turn and the file's scale: a ball stays a ball of 12 voxels."""
    unit = 1.0 if spacing is None else min(spacing)
    volume = annotated_balls(spacing=spacing, num=64, radius=12 * unit)
    config = dataclasses.replace(PLAIN, turn=1.0)
    batches = crops([volume], config, vary=vary, shape=(32, 32, 32))
    widths = []
    for k in range(4):
        labels, known = (t.numpy() for t in batches.crop(k)[1:])
        for number, box in enumerate(ndimage.find_objects(labels), start=1):
            if all(s.start > 0 and s.stop < 32 for s in box) and known[box].all():  # not cut
                extent = [s.stop - s.start for s in box]
                assert max(extent) - min(extent) <= 3
                widths.append(np.cbrt(6 / np.pi * (labels == number).sum()))
    assert len(widths) > 2
    assert widths == pytest.approx([12] * len(widths), rel=0.08)


def test_image_and_labels_of_a_crop_belong_together():
    config = dataclasses.replace(CONFIG, turn=1.0)
    batches = crops([annotated_balls(spacing=(2.0, 1.0, 1.0))], config)
    batches.config = dataclasses.replace(config, augment=from_dict(type(config.augment), plain_augment()))
    inside, outside = [], []
    for k in range(4):
        image, labels, known = batches.crop(k)
        inside.append(image[0][labels > 0])
        outside.append(image[0][(labels == 0) & known])
    assert float(torch.cat(inside).median()) > 0.6
    assert float(torch.cat(outside).median()) < 0.3


def plain_augment():
    return {name: {"probability": 0.0} for name, _ in stages(CONFIG.augment)}


def test_a_crop_is_a_function_of_seed_and_index():
    batches = crops([annotated_balls(), annotated_balls(name="other", seed=1)])
    again = crops([annotated_balls(), annotated_balls(name="other", seed=1)])
    pairs = crops([annotated_balls(), annotated_balls(name="other", seed=1)], batch_size=2)[0]
    for a, b in zip(batches.crop(1), again.crop(1), strict=True):
        assert torch.equal(a, b)
    assert torch.equal(pairs.image[1], batches.crop(1)[0])
    assert not torch.equal(batches.crop(0)[0], batches.crop(1)[0])


def test_processes_share_the_crops_and_see_none_twice():
    whole = crops([annotated_balls()], batch_size=2)
    parts = [crops([annotated_balls()], rank=r, world_size=2) for r in range(2)]
    for step in range(2):
        both = torch.cat([part[step].image for part in parts])
        assert torch.equal(both, whole[step].image)


def test_labels_are_interpolated_and_unknown_outside():
    labels = torch.zeros(4, 4, 4, dtype=torch.int32)
    labels[2:] = 5
    z = torch.tensor([0.4, 1.4, 1.6, 3.4, 3.6, -0.6])
    coords = torch.stack([z, torch.full_like(z, 1.3), torch.full_like(z, 1.7)], -1)[:, None, None]
    assert sample_labels(labels, coords)[:, 0, 0].tolist() == [0, 0, 5, 5, -1, -1]


def test_what_is_ignored_teaches_nothing():
    """Changing image-independent predictions where the ground truth is unknown leaves the loss as it is."""
    volume = annotated_balls()
    labels = volume.labels.copy()
    labels[labels == 3] = -1
    config = dataclasses.replace(PLAIN, near_objects=0.0)
    batch = crops([dataclasses.replace(volume, labels=labels)], config, vary=False)[0]
    valid = batch.targets.valid_BZYX
    assert valid is not None
    assert 0 < int((~valid).sum()) < valid.numel() / 2
    assert not (batch.targets.prob_BZYX[~valid] > 0).any()
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 1, 32, 32, 32, generator=generator)
    distances = torch.rand(1, 32, 32, 32, 32, generator=generator) + 1
    loss = LossConfig(background_weight=0.1)

    def said(logits, distances):
        return Prediction(logits, distances).at(batch.targets.taught_N4())

    before = star_loss(said(logits, distances), batch.targets, loss)
    where = ~valid[:, None]
    after = star_loss(said(logits + 9 * where, distances + 9 * where), batch.targets, loss)
    assert [float(x) for x in after] == pytest.approx([float(x) for x in before], rel=1e-6)
    elsewhere = star_loss(said(logits + 9 * ~where, distances), batch.targets, loss)
    assert float(elsewhere.probability) > float(before.probability)


def test_the_unlabelled_can_be_unknown_but_for_a_shell():
    volume = annotated_balls()
    some = np.where(volume.labels <= 4, volume.labels, 0)
    (ready,) = prepare(
        [dataclasses.replace(volume, labels=some)], dataclasses.replace(PLAIN, unlabelled="ignore")
    )
    known = ready.labels.numpy() >= 0
    assert known[some > 0].all()
    assert not known[volume.labels > 4].any()
    assert 0 < (known & (some == 0)).sum() < (some > 0).sum() * 3


def test_another_value_can_be_the_ignored_one():
    volume = annotated_balls(dtype=np.uint16)
    labels = volume.labels.astype(np.uint16)
    labels[labels == 8] = 65535
    config = dataclasses.replace(PLAIN, ignore_label=65535)
    (ready,) = prepare([dataclasses.replace(volume, labels=labels)], config)
    assert len(ready.centres) == 7
    assert int((ready.labels == -1).sum()) == int((labels == 65535).sum())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: {"labels": v.labels[1:]}, "on the grid of the image"),
        (lambda v: {"labels": v.labels - 2}, "only -1 may be negative"),
        (lambda v: {"labels": v.labels + 0.5}, "fractional"),
        (lambda v: {"labels": v.labels * 0}, "no labelled object in balls"),
        (lambda v: {"image": v.image[0]}, "balls: image must have three axes"),
    ],
)
def test_bad_volumes_are_refused_by_name(change, message):
    volume = annotated_balls()
    with pytest.raises(ValueError, match=message):
        prepare([dataclasses.replace(volume, **change(volume))], CONFIG)


def test_labels_that_are_a_mask_are_noticed():
    """One number for all objects, or for all of a kind; not specks beside an object, nor touching objects."""
    volume = annotated_balls()
    specks, touching = volume.labels.copy(), volume.labels.copy()
    specks[::8, ::8, 0] = 1
    touching[:, :, 23:25] = np.where(touching[:, :, 23:25] > 0, touching[:, :, 23:25], 9)
    for labels, scattered in (
        (volume.labels, False),
        (specks, False),
        (touching, False),
        (volume.labels * 0 + (volume.labels == 3), False),
        (volume.labels > 0, True),
        ((volume.labels > 0) * (1 + volume.labels % 2), True),
    ):
        (ready,) = prepare([dataclasses.replace(volume, labels=labels)], CONFIG)
        assert ready.scattered == scattered


def test_lengths_of_a_volume_in_pixels_are_voxels_of_its_finest_axis():
    volume = dataclasses.replace(annotated_balls(spacing=(1.0, 0.5, 0.5), radius=3.5), unit="relative")
    assert volume.spacing == (2, 1, 1)
    settings = LabelledConfig(images="a", labels="b")
    assert median_diameter([volume], [known_labels(volume, settings)]) == pytest.approx(14, rel=0.03)


def test_a_volume_without_objects_is_scaled_as_the_others():
    empty = dataclasses.replace(annotated_balls(name="empty"), labels=np.zeros((48, 48, 48), np.int32))
    one, other = prepare([annotated_balls(), empty], CONFIG)
    assert other.step == pytest.approx(one.step)
    assert len(other.centres) == 0


def test_a_supervised_run_resumes_exactly_and_knows_its_volumes(tmp_path):
    volumes = LabelledVolumes(
        prepare([annotated_balls()], CONFIG), prepare([annotated_balls(name="judge", seed=1)], CONFIG)
    )
    events = list(fit(TINY, tmp_path / "whole", device="cpu", labelled=volumes))
    assert [e.validation is not None for e in events] == [False, True, False, True]
    for event in fit(TINY, tmp_path / "parts", device="cpu", labelled=volumes):
        if event.step == 3:
            break
    for _ in fit(TINY, tmp_path / "parts", resume=True, device="cpu", labelled=volumes):
        pass
    for name in ("checkpoint", "best"):
        whole, parts = (load_tensors(tmp_path / n / f"{name}.safetensors")[0] for n in ("whole", "parts"))
        assert all(torch.equal(whole[name], parts[name]) for name in whole)
    card = load_model_file(tmp_path / "whole" / "model.safetensors").card
    assert (card["volumes"], card["objects"], card["samples"]) == (["balls"], 8, 8)
    assert card["defaults"]["diameter"] == 12
    assert load_toml(TrainConfig, tmp_path / "whole" / "config.toml") == TINY


def test_fine_tuning_keeps_the_thresholds_but_its_own_diameter(tmp_path):
    """The network sees objects of the run's diameter from now on, whatever its parent saw."""
    parent = tmp_path / "parent.safetensors"
    card = {"defaults": {"prob_thresh": 0.35, "nms_thresh": 0.25, "diameter": 9.0}}
    save_model_file(parent, StarNet(TINY.network).state_dict(), TINY.network, card)
    volumes = LabelledVolumes(prepare([annotated_balls()], CONFIG), ())
    config = dataclasses.replace(TINY, start=str(parent), iterations=1)
    for _ in fit(config, tmp_path / "run", device="cpu", labelled=volumes):
        pass
    card = load_model_file(tmp_path / "run" / "model.safetensors").card
    assert card["defaults"] == {"prob_thresh": 0.35, "nms_thresh": 0.25, "diameter": 12}


def test_configurations_that_contradict_themselves():
    with pytest.raises(ConfigError, match="recipes must be empty"):
        dataclasses.replace(TINY, recipes=("wide",))
    with pytest.raises(ConfigError, match="ignore_label must not be 0"):
        dataclasses.replace(CONFIG, ignore_label=0)
    with pytest.raises(ConfigError, match="given together"):
        dataclasses.replace(CONFIG, validation_images="a")
    with pytest.raises(ConfigError, match="as configuration and as volumes"):
        next(iter(fit(TINY, "nowhere", device="cpu")))
