"""Conditions as one value: checked when they are made, applied together, and put into words."""

import numpy as np
import pytest

from anystar.errors import InputError
from anystar.objects.filter_options import FilterOptions
from anystar.objects.table import Table, columns

TABLE = Table(
    columns={
        "label": np.array([1, 2, 3, 4]),
        "volume_vox": np.array([5, 50, 500, 80]),
        "sphericity": np.array([0.9, 0.4, 0.8, 0.7]),
        "contrast": np.array([2.0, 3.0, -4.0, 0.5]),
        "touches_border": np.array([False, False, False, True]),
    }
)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, [1, 2, 3, 4]),
        ({"min_volume": 50, "max_volume": 80}, [2, 4]),
        ({"min_sphericity": 0.7, "drop_border": True}, [1, 3]),
        ({"polarity": "dark"}, [3]),
        ({"min_contrast": 2.5}, [2, 3]),
        ({"keep": "volume_vox > 10", "drop": ("contrast > 2",)}, [3, 4]),
    ],
)
def test_an_object_must_meet_all_conditions(options, kept):
    assert TABLE["label"][FilterOptions(**options).kept(TABLE)].tolist() == kept


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_sphericity": 1.2}, "min_sphericity must be a number from 0 to 1, got 1.2"),
        ({"min_volume": -1}, "min_volume must be a number from 0 to inf, got -1"),
        ({"polarity": "grey"}, "polarity must be 'bright' or 'dark', got 'grey'"),
        ({"keep": "volume_vox >"}, "volume_vox >"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(options, message):
    with pytest.raises(InputError) as refused:
        FilterOptions(**options)
    assert message in str(refused.value)


def test_columns_that_a_table_lacks_and_lengths_that_are_unknown_are_refused():
    options = FilterOptions(keep="volume_um3 > 5")
    options.check_columns(columns())
    with pytest.raises(InputError, match="which is not known: it has no unit; give spacing"):
        options.check_lengths("it has no unit", "give spacing")
    with pytest.raises(InputError, match="volume_px"):
        FilterOptions(keep="volume_px > 5").check_columns(columns())
