"""Columns cut into groups and conditions that a person can name."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from stockade.assess.bins import conditions, groups


def names(series: pl.Series) -> list[str]:
    return [group.text for group in groups(series)]


def test_ages_have_the_usual_bins():
    """A number that is called age and looks like one is cut where people's lives change."""
    ages = pl.Series("age", list(range(10, 91)))
    assert names(ages) == ["under 16", "16 to 24", "25 to 44", "45 to 64", "65 and over"]
    assert names(pl.Series("AGE_years", list(range(30, 60)))) == ["25 to 44", "45 to 64"]


def test_other_numbers_are_quartered_and_few_values_kept():
    """Pages are no ages; a number of four values is four groups; missing is a group."""
    assert names(pl.Series("pages", list(range(100)))) == ["0 to 24", "25 to 49", "50 to 74", "75 to 99"]
    assert names(pl.Series("grade", [1, 2, 3, 4, None] * 9)) == ["1", "2", "3", "4", "missing"]


def test_rare_words_share_a_group_and_truth_values_are_words():
    """Of 25 words nineteen stay and six become other; true is yes."""
    words = pl.Series("town", [f"t{index:02}" for index in range(25) for _ in range(30 - index)])
    assert names(words)[-1] == "other"
    assert len(names(words)) == 20
    assert names(pl.Series("flag", [True, True, False, None])) == ["yes", "no", "missing"]


@given(
    st.one_of(
        st.lists(st.one_of(st.none(), st.floats(allow_infinity=False)), min_size=1, max_size=60).map(
            lambda values: pl.Series("age", values, dtype=pl.Float64)
        ),
        st.lists(st.one_of(st.none(), st.integers(-5, 130)), min_size=1, max_size=60).map(
            lambda values: pl.Series("age", values, dtype=pl.Int64)
        ),
        st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1, max_size=60).map(
            lambda values: pl.Series("word", values, dtype=pl.String)
        ),
    )
)
def test_groups_hold_every_row_once(series):
    """Whatever the column holds, groups are disjoint, none is empty, and together they are the table."""
    found = groups(series)
    counted = np.sum([group.member for group in found], axis=0)
    assert (counted == 1).all()
    assert all(group.member.any() for group in found)


def test_conditions_are_readable_and_have_support():
    """Ranges are half open, values are named, and what too few or nearly all rows meet is left out."""
    series = pl.Series("pages", [None] * 30 + list(range(100)))
    texts = [condition.text for condition in conditions(series, 20)]
    assert texts == ["pages is missing", "pages < 25", "25 <= pages < 50", "50 <= pages < 75", "pages >= 75"]
    assert conditions(pl.Series("one", [1] * 100), 20) == []
    rare = pl.Series("word", ["a"] * 60 + ["b"] * 30 + ["c"] * 10)
    assert [condition.text for condition in conditions(rare, 20)] == ["word = a", "word = b"]
