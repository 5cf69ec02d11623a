"""From corrected labels to a better model."""

import numpy as np
import pytest

import anystar
from anystar.arrays import Volume
from anystar.errors import InputError
from anystar.workflow.corrected import CorrectedVolume, default_run, read_corrected, reviewed_file
from anystar.workflow.fine_tuning import FineTunePreset, fine_tune
from tests.scenes import balls

QUICK = FineTunePreset(iterations=2, batch_size=1, workers=0)


def corrected(*, num=8, name="balls", spacing=(1.0, 1.0, 1.0)):
    labels = balls((32, 32, 24 * num), *((n, (16, 16, 24 * n - 12), 8) for n in range(1, num + 1)))
    rng = np.random.default_rng(0)
    image = (60 + 120 * (labels > 0) + rng.normal(0, 8, labels.shape)).clip(0, 255).astype(np.uint8)
    return CorrectedVolume(name=name, image=Volume(data=image, spacing=spacing), labels=labels)


@pytest.mark.slow
def test_one_volume_makes_a_model_that_is_evaluated_before_and_after(tmp_path):
    events = []
    out = tmp_path / "balls_model"
    found = fine_tune([corrected()], out, preset=QUICK, device="cpu", progress=events.append)
    assert found.model == out / "balls.safetensors"
    assert (found.num_objects, found.num_held_out, found.finished) == (6, 2, True)
    assert found.before.ap > 0.9  # balls are easy
    assert found.after.ap > 0.5
    stages = [event.stage for event in events]
    assert stages == sorted(stages, key=["before", "training", "after"].index)
    losses = [event for event in events if event.stage == "training"]
    assert [event.step for event in losses] == [1, 2]
    assert all(np.isfinite(event.loss) for event in losses)
    assert losses[-1].validation is not None
    model = anystar.load_model(found.model, device="cpu")
    assert (model.name, model.card["from"]["model"]) == ("balls", "grain-small")
    with pytest.raises(InputError, match="holds a run already"):
        fine_tune([corrected()], out, preset=QUICK, device="cpu")


@pytest.mark.slow
def test_a_run_that_is_stopped_goes_on(tmp_path):
    class Stopped(Exception):
        pass

    def stop(event):
        if event.step == 1:
            raise Stopped

    out = tmp_path / "run"
    with pytest.raises(Stopped):
        fine_tune([corrected(num=3)], out, preset=QUICK, device="cpu", progress=stop)
    assert (out / "checkpoint.safetensors").exists()
    steps = []
    found = fine_tune(
        [corrected(num=3)],
        out,
        preset=QUICK,
        device="cpu",
        resume=True,
        progress=lambda event: steps.append(event.step),
    )
    assert steps == [2]  # too few objects to hold any out: nothing is evaluated
    assert found.finished
    assert found.before is None
    assert "not measured" in found.notes[0]


def test_volumes_without_a_reviewed_object_are_refused(tmp_path):
    volume = corrected(num=2)
    nothing = CorrectedVolume(
        name="embryo", image=volume.image, labels=volume.labels, reviewed=np.zeros(volume.labels.shape, bool)
    )
    with pytest.raises(InputError, match="no object of embryo is reviewed"):
        fine_tune([nothing], tmp_path / "run", preset=QUICK)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["", "a/b"])
def test_a_name_with_folders_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="name must be a name without folders"):
        fine_tune([corrected(num=2)], tmp_path / "run", name=name)


def test_labels_are_read_with_what_was_reviewed(tmp_path):
    volume = corrected(num=2)
    image, labels = tmp_path / "embryo.tif", tmp_path / "embryo_labels.tif"
    anystar.write(image, volume.image)
    anystar.write(labels, volume.labels, like=volume.image)
    (read,) = read_corrected(labels, image)
    assert read.name == "embryo"
    assert read.reviewed is None
    np.testing.assert_array_equal(read.labels, volume.labels)
    assert default_run(labels) == tmp_path / "embryo_model"
    anystar.write(reviewed_file(labels), (volume.labels == 1).astype(np.uint8), like=volume.image)
    (read,) = read_corrected(labels, image)
    np.testing.assert_array_equal(read.reviewed != 0, volume.labels == 1)
    anystar.write(reviewed_file(labels), Volume(data=np.ones((4, 4, 4), np.uint8)))
    with pytest.raises(InputError, match="has the shape"):
        read_corrected(labels, image)


def test_labels_and_image_that_are_swapped_are_recognised(tmp_path):
    volume = corrected(num=2)
    anystar.write(tmp_path / "image.tif", volume.image)
    anystar.write(tmp_path / "labels.tif", volume.labels, like=volume.image)
    with pytest.raises(InputError, match="swapped"):
        read_corrected(tmp_path / "image.tif", tmp_path / "labels.tif")
