"""The configuration of a training run from options."""

from pathlib import Path

import pytest

from anystar.errors import InputError
from anystar.workflow.training import TrainOptions, train_config

ANNOTATED = {"images": Path("a"), "labels": Path("b")}


def test_options_change_the_configuration_of_a_size():
    config = train_config(TrainOptions(recipes=("wide",), iterations=7, seed=3, thin=0.0), size="small")
    assert (config.recipes, config.iterations, config.seed, config.thin) == (("wide",), 7, 3, 0.0)
    labelled = train_config(TrainOptions(**ANNOTATED, hold_out=1), size="small")
    assert labelled.recipes == ()
    assert labelled.labelled.hold_out == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": Path("a")}, r"images=\.\.\. and labels=\.\.\. belong together; give both"),
        ({"unlabelled": "ignore"}, r"unlabelled=\.\.\. need annotated volumes; give images"),
        (ANNOTATED | {"recipes": ("wide",)}, r"recipes=\.\.\. makes synthetic volumes"),
        (
            ANNOTATED | {"validation_images": Path("c"), "validation_labels": Path("d"), "hold_out": 1},
            r"hold_out=\.\.\. evaluates on some of images",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        train_config(TrainOptions(**options))


def test_a_run_to_resume_must_be_there(tmp_path):
    with pytest.raises(InputError, match="holds no run to resume"):
        train_config(TrainOptions(), out=tmp_path, resume=True)
    with pytest.raises(InputError, match=r"resume=True continues a run, start=\.\.\. begins one"):
        train_config(TrainOptions(start="x"), out=tmp_path, resume=True)
