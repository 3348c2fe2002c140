"""Numbers, times and names are written for people."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.report.caps import rest, thin
from stockade.report.wording import (
    clean,
    day,
    interval,
    metric,
    moment,
    number,
    percent,
    plural,
    seconds,
    short,
    spread,
    whole,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.90123, "0.901"),
        (-40.0, "−40.00"),
        (2481.3, "2\u202f481"),
        (0, "0.000"),
        (0.000346, "3.46 × 10⁻⁴"),
        (1.5e12, "1.50 × 10¹²"),
        (math.nan, "–"),
        (None, "–"),
    ],
)
def test_number(value: float | None, text: str) -> None:
    """A figure has as many digits as can be read, and what is no number is a dash."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.2, "0.2"), (2015, "2015"), (34500, "34.5k"), (12_000_000, "12M"), (0.5927, "0.5927"), (-3e15, "−3e+15")],
)
def test_short(value: float, text: str) -> None:
    """An axis has as few digits as it can, and a year is not broken up."""
    assert short(value) == text


@pytest.mark.parametrize(
    ("part", "total", "text"),
    [(1, 2, "50 %"), (1, 5000, "< 0.1 %"), (4999, 5000, "> 99.9 %"), (0, 7, "0 %"), (7, 7, "100 %"), (1, 0, "–")],
)
def test_percent(part: float, total: float, text: str) -> None:
    """What is not nothing is never called nothing, and what is not all is never called all."""
    assert percent(part, total) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0421, "42 ms"), (2.13, "2.1 s"), (0.9999, "1.0 s"), (134.0, "2 min 14 s"), (None, "–")]
)
def test_seconds(value: float | None, text: str) -> None:
    """Durations choose their unit."""
    assert seconds(value) == text


def test_times() -> None:
    """Times are in UTC wherever they came from; what is no time stays."""
    assert moment("2025-11-21T04:12:09Z") == "21 November 2025, 04:12 UTC"
    assert moment("2025-11-21T06:12:09+02:00") == "21 November 2025, 04:12 UTC"
    assert day("2026-03-01T00:00:00Z") == "1 March 2026"
    assert moment("soon") == "soon"


def test_names_of_figures() -> None:
    """Figures have names in words; one nobody knows keeps its own."""
    assert metric("tpr_gap.disability") == "Gap in true-positive rate, disability"
    assert metric("baseline.auc") == "ROC AUC of the baseline"
    assert metric("membership.auc") == "Membership inference, AUC"
    assert metric("own.figure") == "own.figure"


def test_intervals_and_spreads() -> None:
    """An interval is written in words, so that a minus is never taken for a dash."""
    assert interval(-0.5, 0.25) == "−0.500 to 0.250"
    assert interval(None, 1.0) == ""
    assert interval(0.1, math.inf) == ""
    assert spread(0.0021, 0.9) == "± 0.002"
    assert spread(9.99e-6, 0.677) == "± < 0.001"


def test_counts() -> None:
    """Things are counted in the singular and the plural."""
    assert plural(1, "row") == "1 row"
    assert plural(11543, "row") == "11\u202f543 rows"
    assert plural(2, "class", "classes") == "2 classes"
    assert whole(1_234_567) == "1\u202f234\u202f567"


def test_clean_cuts_and_shows() -> None:
    """Long text ends in an ellipsis, invisible characters are written out, and line ends become spaces."""
    assert clean("x" * 100, 10) == "x" * 9 + "…"
    assert clean("a\nb\tc") == "a b c"
    assert clean("\x1b[0m\u202e") == "‹U+001B›[0m‹U+202E›"
    assert clean("naïve 漢字 😀") == "naïve 漢字 😀"


def test_rest() -> None:
    """What is left out is counted, and nothing is said when nothing is."""
    assert rest(10, 4, "row") == "and 6 more rows"
    assert rest(5, 4, "class", "classes") == "and 1 more class"
    assert rest(4, 4, "row") == ""


@given(st.lists(st.integers(), max_size=300), st.integers(2, 50))
def test_thinning_keeps_both_ends(values: list[int], most: int) -> None:
    """Thinning keeps the first and the last value and never more than asked for."""
    kept = thin(values, most)
    assert len(kept) == min(len(values), most)
    if values:
        assert (kept[0], kept[-1]) == (values[0], values[-1])
