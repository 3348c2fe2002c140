"""Values mean the same to training and to prediction."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from stockade.errors import ColumnError
from stockade.model.inputs import from_table, from_values, numbers, texts
from stockade.model.signature import Feature, FeatureKind, ModelSignature
from stockade.types.scorecard import Task

SIGNATURE = ModelSignature(
    Task.REGRESSION, "y", (), (Feature("n", FeatureKind.NUMBER), Feature("c", FeatureKind.CATEGORY))
)


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        (pl.Series([1, None, -3]), [1.0, np.nan, -3.0]),
        (pl.Series([True, None, False]), [1.0, np.nan, 0.0]),
        (pl.Series([0.1, float("nan"), None]), [0.1, np.nan, np.nan]),
        (pl.Series([date(1970, 1, 2), None]), [86_400.0, np.nan]),
        (pl.Series([datetime(2023, 11, 14, 22, 13, 20, 123_000)]), [1_700_000_000.123]),  # noqa: DTZ001
        (pl.Series([datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)]), [1_700_000_000.123]),
        (pl.Series([datetime(2023, 11, 14, 22, 13, 20)]).cast(pl.Datetime("ms")), [1_700_000_000.0]),  # noqa: DTZ001
        (pl.Series(["1.5", None]), [1.5, np.nan]),
    ],
)
def test_numbers_are_read(series, expected):
    """Integers, booleans, dates and times become float64, missing becomes NaN."""
    column = numbers(series)
    assert column.dtype == np.float64
    assert np.array_equal(column, np.array(expected), equal_nan=True)


def test_texts_are_read():
    """Words stay, missing becomes the empty string, and other types are written as polars writes them."""
    assert texts(pl.Series(["a", None, "grün"])).tolist() == ["a", "", "grün"]
    assert texts(pl.Series([1, None])).tolist() == ["1", ""]
    assert texts(pl.Series([True, False])).tolist() == ["true", "false"]
    assert texts(pl.Series(["a"], dtype=pl.Categorical)).tolist() == ["a"]


def test_unreadable_columns_are_named():
    """A word among numbers, a list among words and an absent column are errors of that column."""
    for table in (
        pl.DataFrame({"n": ["x"], "c": ["a"]}),
        pl.DataFrame({"n": [1], "c": [b"a\xff"]}),
        pl.DataFrame({"n": [1]}),
    ):
        with pytest.raises(ColumnError) as caught:
            from_table(table, SIGNATURE)
        assert caught.value.where in ("column n", "column c")


def test_lists_of_values_are_read():
    """None is missing; numbers take integers and booleans."""
    columns = from_values({"n": [1, None, True, 2.5], "c": ["a", None, "", "b"]}, SIGNATURE)
    assert np.array_equal(columns["n"], np.array([1.0, np.nan, 1.0, 2.5]), equal_nan=True)
    assert columns["c"].tolist() == ["a", "", "", "b"]


@pytest.mark.parametrize(
    "values",
    [
        {"n": ["1.5"], "c": ["a"]},
        {"n": [1], "c": [1]},
        {"n": [1, 2], "c": ["a"]},
        {"n": [1]},
        {"n": [10**400], "c": ["a"]},
        {"n": [1j], "c": ["a"]},
    ],
)
def test_values_of_another_kind_are_refused(values):
    """Text is no number, a number is no word, lengths agree, and no number overflows."""
    with pytest.raises(ColumnError):
        from_values(values, SIGNATURE)
