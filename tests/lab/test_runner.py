"""Methods over data sets: what is done stays done, the same search for all, what is missing is said."""

import csv
import json
from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy import ndimage

from anystar import io
from anystar.lab.experiments import EXPERIMENTS, ExperimentPlan, run_experiment
from anystar.lab.layouts import discover
from anystar.lab.methods import LabelFolder, Unavailable
from anystar.lab.runner import Laboratory
from anystar.lab.tuning import median_diameter_of


@dataclass
class Threshold:
    """Takes every bright piece for an object; good only for bright images and a threshold near 100."""

    name: str = "threshold"
    inverts_dark: bool = False
    weights: str = "a"
    seen: list = field(default_factory=list)

    def identity(self):
        return {"kind": "threshold", "weights": self.weights}

    def search(self, diameter_vox):
        self.diameter = diameter_vox
        return [{"level": v} for v in (30.0, 110.0, 250.0)]

    def run(self, requests, settings):
        for request in requests:
            self.seen.append(request.name)
            yield (
                request,
                [ndimage.label(request.image > s.get("level", 60))[0].astype(np.int32) for s in settings],
            )


@dataclass
class Absent(Threshold):
    name: str = "absent"

    def run(self, requests, settings):
        self.seen.append("asked")
        raise Unavailable("the absent tool is not installed; install it")
        yield


def plan(root, *methods, **more):
    return ExperimentPlan(datasets=tuple(discover(root)), zero_shot=methods, supervised={}, **more)


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_accuracy_from_files_to_figure_and_nothing_twice(ce, tmp_path):
    method, out = Threshold(), tmp_path / "out"
    lab = Laboratory(out)
    written = run_experiment("accuracy", plan(ce, method), lab)
    assert [p.name for p in written] == ["accuracy.md", "accuracy.csv", "accuracy.png", "accuracy.svg"]
    assert all(p.stat().st_size > 1000 for p in written[1:])
    assert method.seen == ["C18G1_2L1_0", "C18G1_2L1_0", "C18G1_2L1_1"], "validation, then the test volumes"
    assert method.diameter == pytest.approx(8, rel=0.1)
    half = [r for r in rows(out / "accuracy.csv") if r["iou"] == "0.5"]
    assert [(r["dataset"], r["setting"], r["true"], r["found"]) for r in half] == [
        ("ce", "level 110", "16", "16")
    ]
    assert float(half[0]["ap"]) == 1
    stored = json.loads((out / "settings/ce/threshold.json").read_text())
    assert stored["setting"] == {"level": 110.0}
    assert [round(m, 2) for _, m in stored["tried"]][1] == 1.0
    assert io.read(out / "labels/ce/threshold/plain/C18G1_2L1_1.tif").data.max() == 8

    again = Threshold()
    before = (out / "accuracy.csv").read_bytes()
    run_experiment("accuracy", plan(ce, again), Laboratory(out))
    assert again.seen == []
    assert (out / "accuracy.csv").read_bytes() == before
    (out / "labels/ce/threshold/plain/C18G1_2L1_0.tif").unlink()
    run_experiment("accuracy", plan(ce, again), Laboratory(out))
    assert again.seen == ["C18G1_2L1_0"]


def test_another_method_of_the_same_name_or_other_data_are_refused(ce, tmp_path):
    run_experiment("accuracy", plan(ce, Threshold()), Laboratory(tmp_path / "out"))
    with pytest.raises(
        ValueError, match=r"threshold\.json was made with another method of this name; choose"
    ):
        run_experiment("accuracy", plan(ce, Threshold(weights="b")), Laboratory(tmp_path / "out"))
    for folder in ("images", "masks"):
        (ce / "test" / folder / "C18G1_2L1_0.tif").unlink()
    with pytest.raises(ValueError, match="was made with another data of this name; choose"):
        run_experiment("accuracy", plan(ce, Threshold()), Laboratory(tmp_path / "out"))


def test_what_cannot_be_used_is_left_out_and_said(ce, tmp_path):
    io_path = ce / "test/masks/C18G1_2L1_0.tif"
    labels = io.read(io_path)
    io.write(io_path, labels.with_data(labels.data * 0))
    said = []
    lab = Laboratory(tmp_path / "out", complain=said.append)
    (table, numbers, *_) = run_experiment("peers", plan(ce, Threshold(), peers=(Absent(),)), lab)
    assert said == [
        f"{io_path} has no labelled object; check that it is the right file",
        "the absent tool is not installed; install it",
    ]
    assert lab.problems == said
    assert {r["method"]: r["volumes"] for r in rows(numbers)} == {"threshold": "1", "absent": ""}
    (empty,) = [r for r in rows(numbers) if r["method"] == "absent"]
    assert empty["ap"] == ""
    assert (
        "| ce | absent |  |  |  |  |  |  |  | not run: the absent tool is not installed" in table.read_text()
    )
    assert "left out: the absent tool" in table.read_text()


def test_a_tool_that_is_not_there_is_asked_once(ce, platyish, tmp_path):
    absent, lab = Absent(), Laboratory(tmp_path / "out")
    found = run_experiment("peers", plan(ce.parent, peers=(absent,)), lab)
    assert absent.seen == ["asked"]
    assert [r["dataset"] for r in rows(found[1])] == ["ce", "platyish"]
    assert {r["left_out"] for r in rows(found[1])} == {"the absent tool is not installed; install it"}


def test_dark_objects_are_inverted_only_for_methods_that_want_it(ce, tmp_path):
    from dataclasses import replace

    (dataset,) = discover(ce)
    seen = {}

    class Keeps(Threshold):
        def run(self, requests, settings):
            for request in requests:
                seen.setdefault(self.name, request.image)
                yield request, [np.zeros(request.image.shape, np.int32)] * len(settings)

    lab = Laboratory(tmp_path / "out")
    for method in (Keeps(name="plain"), Keeps(name="inverted", inverts_dark=True)):
        lab.choice(method, replace(dataset, dark=True))
    total = float(seen["plain"].max()) + float(seen["plain"].min())
    np.testing.assert_allclose(seen["inverted"], total - seen["plain"])


def test_robustness_begins_with_the_plain_image(ce, tmp_path):
    method, lab = Threshold(), Laboratory(tmp_path / "out")
    found = run_experiment("robustness", plan(ce, method, corruptions=("planes", "inversion")), lab)
    ap = {(r["corruption"], r["strength"]): r["ap"] for r in rows(found[1]) if r["iou"] == "0.5"}
    assert len(ap) == 5 + 2
    assert ap["planes", "0"] == ap["inversion", "0"] == "1.000000"
    assert float(ap["inversion", "1"]) < 0.1
    assert method.seen.count("C18G1_2L1_1") == 1 + 4 + 1, "the plain image only once"


def test_pictures_and_inventory(ce, platyish, tmp_path):
    lab = Laboratory(tmp_path / "out")
    both = plan(ce.parent, Threshold())
    assert [d.name for d in both.datasets] == ["ce", "platyish"]
    (table, *_, picture, svg) = run_experiment("ablations", both, lab)
    assert picture.stat().st_size > 10_000
    assert svg.read_text().startswith("<?xml")
    assert "| platyish | threshold |" in table.read_text()
    (inventory,) = run_experiment("datasets", both, lab)
    assert "| CE | C. elegans | fluorescence microscopy | 1050x140x140, 18/3/7 | 3/1/2; 3 train" in (
        inventory.read_text()
    )
    assert (
        "| NucMM-Z | zebrafish | electron microscopy | 64x64x64, 25/2/27 | not there |"
        in inventory.read_text()
    )


def test_labels_of_any_other_tool(ce, tmp_path):
    made = tmp_path / "theirs"
    for item in discover(ce)[0].test:
        io.write(made / f"{item.name}.nii.gz", io.read(item.labels))
    lab = Laboratory(tmp_path / "out")
    found = run_experiment("peers", plan(ce, peers=(LabelFolder(name="theirs", folder=made),)), lab)
    assert {r["ap"] for r in rows(found[1])} == {"1.000000"}
    (made / "C18G1_2L1_0.nii.gz").unlink()
    lab = Laboratory(tmp_path / "new")
    run_experiment("peers", plan(ce, peers=(LabelFolder(name="theirs", folder=made),)), lab)
    assert "holds no labels of the name C18G1_2L1_0; add them" in lab.problems[0]


def test_typical_diameter():
    ground_truth = np.zeros((20, 20, 20), np.int32)
    ground_truth[2:6, 2:6, 2:6], ground_truth[10:18, 10:18, 10:18] = 1, 7
    assert median_diameter_of([ground_truth], (1, 1, 1)) == pytest.approx(
        (6 / np.pi * (64 + 512) / 2) ** (1 / 3)
    )
    assert median_diameter_of([ground_truth], (2, 1, 1)) == pytest.approx((6 / np.pi * (64 + 512)) ** (1 / 3))
    assert median_diameter_of([ground_truth * 0], (1, 1, 1)) == 0


def test_every_experiment_names_its_figure():
    assert {e.figure for e in EXPERIMENTS.values()} >= {f"Figure {f}" for f in ("4A", "4B", "4C", "5B", "6")}
