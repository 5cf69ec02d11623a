"""Options of a run in blocks are those of a segmentation, and more."""

from dataclasses import fields

import pytest

from anystar.blocks import BlockOptions
from anystar.errors import InputError
from anystar.predict.options import PredictionOptions


def test_the_options_of_the_segmentation_alone_are_taken_out():
    plain = PredictionOptions(diameter=9.0, tta=True, aspect=False)
    more = BlockOptions(diameter=9.0, tta=True, aspect=False, memory=10**9, resume=True)
    assert PredictionOptions.of(more) == plain
    assert type(PredictionOptions.of(more)) is PredictionOptions
    assert {f.name for f in fields(PredictionOptions)} < {f.name for f in fields(BlockOptions)}


def test_values_out_of_range_are_refused_there_too():
    with pytest.raises(InputError, match="prob_thresh must be"):
        BlockOptions(prob_thresh=1.5)
    with pytest.raises(InputError, match="workers belong to dask"):
        BlockOptions(workers=2)
