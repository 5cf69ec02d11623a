"""``anystar tune`` and ``anystar segment --thresholds``."""

import json
import tomllib

import numpy as np
import pytest
import tifffile

import anystar
from anystar import io
from anystar.arrays import Volume
from tests.predict.stub import stub_model


@pytest.fixture
def stub(monkeypatch):
    """A network that takes the bright for probable, told or guessing the size."""
    model = stub_model()
    monkeypatch.setitem(vars(anystar), "load_model", lambda name=None, device="auto": model)
    return model


@pytest.fixture
def annotated(tmp_path):
    """Two volumes of balls, the dim ones of which are not objects."""
    grid = np.stack(np.meshgrid(*[np.arange(40)] * 3, indexing="ij"), -1)
    for name, bright in (("a", 1.0), ("b", 0.95)):
        image, labels = np.zeros((40, 40, 40), np.float32), np.zeros((40, 40, 40), np.uint8)
        for number, index in enumerate(np.ndindex(2, 2, 2)):
            ball = np.linalg.norm(grid - (np.array(index) * 20 + 10), axis=-1) < 4.5
            image[ball] = bright if number < 5 else 0.6
            labels[ball] = number + 1 if number < 5 else 0
        for folder, data in (("images", image), ("labels", labels)):
            (tmp_path / folder).mkdir(exist_ok=True)
            io.write(tmp_path / folder / f"{name}.tif", Volume(data=data, spacing=(0.5, 0.5, 0.5)))
    return tmp_path


def test_tuned_thresholds_are_what_segment_uses(annotated, run, stub):
    out = annotated / "t.toml"
    words = ["--images", annotated / "images", "--labels", annotated / "labels", "-o", out]
    done = run("tune", *words)
    assert done.exit_code == 0, done.output
    found = tomllib.loads(out.read_text())
    assert found["accuracy"] > 0.6  # the network does not know where the middle of a ball is
    assert found["prob_thresh"] > 0.6
    assert found["volumes"] == ["a.tif", "b.tif"]
    assert found.get("unit") == "um"
    done = run("segment", annotated / "images" / "a.tif", "-o", annotated / "l.tif", "--thresholds", out)
    assert done.exit_code == 0, done.output
    assert "5 objects" in done.output
    assert run("segment", annotated / "images", "-o", annotated / "l", "--thresholds", out).exit_code == 0
    iou = [word for threshold in found["iou"] for word in ("--iou", threshold)]
    done = run("evaluate", annotated / "l", annotated / "labels", *iou, "--json", annotated / "s.json")
    assert done.exit_code == 0, done.output
    total = json.loads((annotated / "s.json").read_text())["total"]
    assert found["accuracy"] == pytest.approx(total["mean_ap"], abs=5.1e-5)
    done = run("tune", *words)
    assert done.exit_code == 2
    assert "exists already; add --overwrite" in done.stderr


def test_bad_thresholds_are_one_line(annotated, refused, stub):
    image, out = annotated / "images" / "a.tif", annotated / "l.tif"
    bad = {
        "unknown.toml": ("prob_tresh = 0.5\n", "did you mean 'prob_thresh'"),
        "missing.toml": ("nms_thresh = 0.5\n", "prob_thresh and nms_thresh must both be given, or neither"),
        "range.toml": ("prob_thresh = 1.5\nnms_thresh = 0.5\n", "prob_thresh must be within"),
        "model.toml": ('model = "other"\nprob_thresh = 0.5\nnms_thresh = 0.5\n', "tuned for the model other"),
        "unit.toml": (
            'unit = "voxels"\ndiameter = 9.0\nprob_thresh = 0.5\nnms_thresh = 0.5\n',
            "the diameter is in voxels, but",
        ),
    }
    for name, (text, _) in bad.items():
        (annotated / name).write_text(text)
    for name, (_, message) in bad.items():
        more = ["--model", "grain-small"] if name == "model.toml" else []
        assert message in refused(
            "segment", image, "-o", out, "--thresholds", annotated / name, *more, folder=annotated
        )


def test_thresholds_that_find_nothing_are_not_written(annotated, refused, stub):
    balls = io.read(annotated / "labels" / "a.tif").data
    made = {"constant": np.zeros(balls.shape, np.float32), "mask": (balls > 0).astype(np.uint8)}
    for name, data in made.items():
        io.write(annotated / f"{name}.tif", Volume(data=data))
    given = [annotated / "images" / "a.tif", annotated / "labels" / "a.tif"]
    out = annotated / "t.toml"
    for image, labels in ((annotated / "constant.tif", given[1]), (given[0], annotated / "mask.tif")):
        words = ["--images", image, "--labels", labels, "-o", out, "--diameter", 8]
        line = refused("tune", *words, folder=annotated)
        assert "no threshold finds an annotated object; check that the labels are" in line


def test_bad_labels_are_one_line(annotated, refused, stub):
    empty = annotated / "empty.tif"
    io.write(empty, Volume(data=np.zeros((40, 40, 40), np.uint8)))
    image = annotated / "images" / "a.tif"
    line = refused("tune", "--images", image, "--labels", empty, "-o", annotated / "t.toml", folder=annotated)
    assert "no labelled object in a.tif; check" in line
    line = refused("tune", "--images", image, "--labels", empty, "-o", annotated / "t.txt", folder=annotated)
    assert "--output must end in .toml, got" in line


def test_an_image_and_its_labels_must_agree_on_the_voxel_size(annotated, refused, run, stub):
    files = []
    for folder, size in (("images", 2), ("labels", 3)):
        data = io.read(annotated / folder / "a.tif").data
        files.append(annotated / f"{folder}.tif")
        io.write(files[-1], Volume(data=data, spacing=(size, 1, 1)))
    words = ["--images", files[0], "--labels", files[1], "-o", annotated / "t.toml"]
    line = refused("tune", *words, folder=annotated)
    assert "labels.tif has the voxel size 3 x 1 x 1 but" in line
    assert run("tune", *words, "--spacing", 1, 1, 1).exit_code == 0


def test_one_channel_of_several(annotated, run, stub, refused):
    images, labels = annotated / "images", annotated / "labels"
    folder = images.with_name("several")
    folder.mkdir()
    for path in images.iterdir():
        volume = io.read(path)
        data = np.stack([np.zeros_like(volume.data), volume.data], 1)
        metadata = {"axes": "ZCYX"} | {f"PhysicalSize{a}": 0.5 for a in "XYZ"}
        tifffile.imwrite(folder / f"{io.file_stem(path)}.ome.tif", data, metadata=metadata)
    args = ("tune", "--images", folder, "--labels", labels, "-o", folder.parent / "several.toml")
    assert "choose one with --channel 0 to --channel 1" in refused(*args, folder=folder.parent)
    result = run(*args, "--channel", 1)
    assert result.exit_code == 0, result.output


def test_what_suits_each_volume_better_than_one_threshold_is_left_to_the_model(
    annotated, run, stub, monkeypatch
):
    monkeypatch.setattr("anystar.workflow.tuning.score", lambda judged, **how: 1.5)
    out = annotated / "t.toml"
    done = run("tune", "--images", annotated / "images", "--labels", annotated / "labels", "-o", out)
    assert done.exit_code == 0, done.output
    assert "no thresholds are written" in done.stdout
    found = tomllib.loads(out.read_text())
    assert found["accuracy"] == 1.5
    assert not {"prob_thresh", "nms_thresh"} & found.keys()
    image = annotated / "images" / "a.tif"
    made = [annotated / name for name in ("tuned.tif", "plain.tif")]
    for path, words in zip(made, (["--thresholds", out], []), strict=True):
        assert run("segment", image, "-o", path, *words).exit_code == 0
    if "diameter" not in found:
        np.testing.assert_array_equal(*(io.read(path).data for path in made))
