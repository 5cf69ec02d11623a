"""Plans come back as they were written, and another run is refused with what differs."""

from dataclasses import replace

import pytest

from anystar.blocks.plan import Plan, Request, read_plan, refuse_other, write_plan
from anystar.config import ConfigError
from anystar.predict.notes import Note
from anystar.predict.options import PredictionOptions
from anystar.predict.pipeline import Choices
from anystar.preprocess import Preprocessing

REQUEST = Request(
    image="a.zarr channel 1",
    shape=(10, 20, 30),
    dtype="uint16",
    spacing=(2.0, 0.5, 0.5),
    unit="um",
    model="stub",
    weights="12ab",
    options=PredictionOptions(diameter=7.5, tta=True),
    table=True,
    voxels="abcd",
    filters="--min-volume 5",
    memory=0,
    version="1",
)
PLAN = Plan(
    request=REQUEST,
    choices=Choices(
        preprocessing=Preprocessing(limits=(3.0, 250.5), gamma=0.5),
        aspect=(4.0, 1.0, 1.0),
        diameter=15.0,
        zoom=0.8,
        prob_thresh=0.35,
        nms_thresh=0.2,
        floor=0.1,
        notes=(Note("threshold", "raised"),),
    ),
    tiles_along=3,
    block=(64, 64, 64),
)


def test_a_plan_comes_back_as_it_was(tmp_path):
    write_plan(tmp_path / "plan.toml", PLAN)
    found = read_plan(tmp_path / "plan.toml")
    assert (found.request, found.tiles_along, found.block) == (REQUEST, 3, (64, 64, 64))
    assert (found.choices.zoom, found.choices.aspect) == (PLAN.choices.zoom, PLAN.choices.aspect)
    assert found.choices.notes == PLAN.choices.notes
    assert found.choices.preprocessing.limits == (3.0, 250.5)
    assert (found.voxel_size.spacing, found.voxel_size.unit) == ((2.0, 0.5, 0.5), "um")


def test_a_damaged_plan_is_refused(tmp_path):
    path = tmp_path / "plan.toml"
    write_plan(path, PLAN)
    path.write_text(path.read_text().replace("tiles_along = 3", "tiles_along = 2"))
    with pytest.raises(ConfigError, match=r"is damaged; begin anew with overwrite=True"):
        read_plan(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image": "b.zarr"}, "image was a.zarr channel 1, is b.zarr"),
        ({"voxels": "dcba"}, "a digest of the image's voxels was abcd, is dcba"),
        ({"spacing": None}, "spacing was 2.0 0.5 0.5, is not given"),
        ({"options": PredictionOptions(diameter=8.0, tta=True)}, "diameter was 7.5, is 8.0"),
        ({"filters": ""}, "filters was --min-volume 5, is not given"),
    ],
)
def test_another_request_is_refused_with_what_differs(tmp_path, change, words):
    with pytest.raises(ConfigError) as refused:
        refuse_other(REQUEST, replace(REQUEST, **change), tmp_path)
    assert f"was begun differently ({words}); resume with" in str(refused.value)


def test_what_an_older_plan_did_not_note_is_not_compared(tmp_path):
    refuse_other(replace(REQUEST, filters=None, voxels=None), REQUEST, tmp_path)
