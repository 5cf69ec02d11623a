"""The table of objects and the specification of its columns."""

import sys

import numpy as np
import pytest

from anystar.errors import InputError
from anystar.objects.table import Table, column, columns, empty_table

TABLE = Table(columns={"label": np.arange(1, 9), "volume_vox": np.arange(8), "z_um": np.full(8, np.nan)})


def test_an_unknown_column_is_named():
    with pytest.raises(InputError, match="no column 'volume'; did you mean 'volume_vox'"):
        TABLE["volume"]


def test_names_are_unique_and_every_column_is_explained():
    every = columns(mask=True, channels=("c1", "GFP"), num_rays=3)
    assert len({c.name for c in every}) == len(every)
    assert all(c.meaning for c in every)
    assert [column(c.name) for c in every] == list(every)
    assert column("distance_x") is None


def test_an_empty_table_has_the_columns_and_types():
    table = empty_table(columns())
    assert len(table) == 0
    assert table["touches_border"].dtype == bool
    assert table["label"].dtype == np.int64


def test_a_data_frame(monkeypatch):
    pandas = pytest.importorskip("pandas")
    frame = TABLE.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["volume_vox"].tolist() == list(range(8))
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match="pandas is not installed"):
        TABLE.to_pandas()


def test_it_is_displayed_shortly():
    assert repr(TABLE) == "Table of 8 objects: label, volume_vox, z_um"
    shown = TABLE._repr_html_()
    assert "8 objects, the first 5" in shown
    assert shown.count("<tr>") == 6
    wide = empty_table(columns())
    assert repr(wide).endswith(f"... ({len(columns())} columns)")
