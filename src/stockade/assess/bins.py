"""Columns cut into groups of rows that a person can name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import polars as pl

from stockade.metrics.arrays import Bools, Floats
from stockade.model.inputs import numbers, texts

MISSING = "missing"

_AGES = (16, 25, 45, 65)
_FEW = 10
_MOST_WORDS = 20
_SLICE_WORDS = 12
_PARTS = 4
_SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """Rows of one column that belong together.

    Attributes:
        text: In words: the group's name, or a condition such as ``age < 25``.
        member: Which rows, ``[N]``.
    """

    text: str
    member: Bools


def groups(series: pl.Series) -> list[Condition]:
    """Cut a sensitive column into disjoint groups that hold every row.

    Words, truth values and numbers of at most ten different values each make a group, ages those of under 16, 16 to
    24, 25 to 44, 45 to 64, and 65 and over, other numbers four of about equal size. Of more than twenty words the
    rarest share the group ``other``; rows without a value make a group too.
    """
    if _numeric(series):
        return _number_groups(series)
    return _word_groups(texts(_words(series)), _MOST_WORDS)


def conditions(series: pl.Series, support: int) -> list[Condition]:
    """Conditions on a feature that at least `support` rows meet: single values, quarters of a range, missing."""
    name = series.name
    if _numeric(series):
        values = numbers(series)
        show = _show(series)
        found = [Condition(f"{name} is missing", np.isnan(values))]
        distinct = np.unique(values[np.isfinite(values)])
        if len(distinct) <= 6:
            found += [Condition(f"{name} = {show(value)}", values == value) for value in distinct]
        else:
            found += _ranges(name, values, show)
    else:
        words = texts(_words(series))
        found = [
            Condition(f"{name} = {group.text}" if group.text != MISSING else f"{name} is missing", group.member)
            for group in _word_groups(words, _SLICE_WORDS)
            if group.text != "other"
        ]
    return [condition for condition in found if support <= condition.member.sum() <= len(series) - support]


def _numeric(series: pl.Series) -> bool:
    return series.dtype.is_numeric() or series.dtype.is_temporal()


def _words(series: pl.Series) -> pl.Series:
    if series.dtype == pl.Boolean:
        return series.replace_strict({True: "yes", False: "no"}, return_dtype=pl.String)
    return series


def _show(series: pl.Series) -> Callable[[float], str]:
    """How a value of the column is written."""
    if series.dtype in (pl.Date, pl.Datetime):
        return lambda value: datetime.fromtimestamp(value, UTC).strftime(
            "%Y-%m-%d" if value % _SECONDS_PER_DAY == 0 else "%Y-%m-%d %H:%M"
        )
    return lambda value: f"{value:.15g}" if value == round(value) and abs(value) < 1e15 else f"{value:.4g}"


def _number_groups(series: pl.Series) -> list[Condition]:
    values = numbers(series)
    finite = np.isfinite(values)
    show = _show(series)
    distinct = np.unique(values[finite])
    whole = series.dtype.is_integer()
    if len(distinct) <= _FEW:
        found = [Condition(show(value), values == value) for value in distinct]
    elif _is_age(series.name, distinct):
        found = _age_groups(values)
    else:
        edges = _edges(values[finite])
        found = [Condition(_span(values, rows, show, whole=whole), rows) for rows in _between(values, edges)]
    return _with_missing([group for group in found if group.member.any()], ~finite)


def _is_age(name: str, distinct: Floats) -> bool:
    tokens = name.lower().replace("-", "_").replace(" ", "_").split("_")
    return "age" in tokens and bool(distinct[0] >= 0 and distinct[-1] <= 130)


def _age_groups(values: Floats) -> list[Condition]:
    names = [f"under {_AGES[0]}"]
    names += [f"{low} to {high - 1}" for low, high in pairwise(_AGES)]
    names.append(f"{_AGES[-1]} and over")
    edges = np.array(_AGES, dtype=np.float64)
    return [Condition(name, rows) for name, rows in zip(names, _between(values, edges), strict=True)]


def _edges(values: Floats) -> Floats:
    """Inner edges of parts of about equal size, none of them empty."""
    wanted = np.quantile(values, np.linspace(0, 1, _PARTS + 1)[1:-1], method="higher")
    edges: Floats = np.unique(wanted[wanted > values.min()])
    return edges


def _between(values: Floats, edges: Floats) -> list[Bools]:
    part = np.searchsorted(edges, values, side="right")
    return [(part == index) & np.isfinite(values) for index in range(len(edges) + 1)]


def _span(values: Floats, rows: Bools, show: Callable[[float], str], *, whole: bool) -> str:
    low, high = float(values[rows].min()), float(values[rows].max())
    return show(low) if low == high and whole else f"{show(low)} to {show(high)}"


def _ranges(name: str, values: Floats, show: Callable[[float], str]) -> list[Condition]:
    finite = values[np.isfinite(values)]
    edges = _edges(finite)
    parts = _between(values, edges)
    if not len(edges):
        return []
    found = [Condition(f"{name} < {show(edges[0])}", parts[0])]
    found += [
        Condition(f"{show(low)} <= {name} < {show(high)}", part)
        for (low, high), part in zip(pairwise(edges), parts[1:], strict=False)
    ]
    found.append(Condition(f"{name} >= {show(edges[-1])}", parts[-1]))
    return found


def _word_groups(words: np.ndarray[tuple[int], np.dtype[np.object_]], most: int) -> list[Condition]:
    names, codes, counts = np.unique(words.astype(str), return_inverse=True, return_counts=True)
    absent = names[codes] == ""
    order = [int(index) for index in np.lexsort((names, -counts)) if names[index] != ""]
    kept = order if len(order) <= most else order[: most - 1]
    found = [Condition(str(names[index]), codes == index) for index in kept]
    if len(order) > len(kept):
        found.append(Condition("other", ~np.isin(codes, kept) & ~absent))
    return _with_missing(found, absent)


def _with_missing(found: list[Condition], absent: Bools) -> list[Condition]:
    return [*found, Condition(MISSING, absent)] if absent.any() else found
