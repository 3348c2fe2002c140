"""Describe a table column by column: counts, quantiles, histogram, most frequent words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from stockade.data.raw import raw_table, tidied
from stockade.data.typed import typed
from stockade.types.table import Bar, ColumnProfile, Profile, Tally

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stockade.schema.column import Column, Schema

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Probabilities of the quantiles in a profile; linear interpolation between order statistics."""

_BARS = 24
_TALLIES = 12
_HUGE = 1e300


def profile(table: pl.DataFrame, schema: Schema) -> Profile:
    """Describe the columns of the schema that the table has, in the schema's order.

    Values that are not of a column's kind, and infinite ones, count as nulls. Timestamps are described by their words.
    """
    raw = tidied(raw_table(table))
    return Profile(raw.height, tuple(_column(raw, item) for item in schema.columns if item.name in raw.columns))


def _column(raw: pl.DataFrame, column: Column) -> ColumnProfile:
    dtype = raw.schema[column.name]
    values = raw.select(typed(column, column.name, dtype).alias(column.name)).to_series().drop_nulls()
    if column.kind.numeric:
        numbers = values.cast(pl.Float64)
        return _numeric(column, numbers.filter(numbers.is_finite()).to_numpy(), raw.height)
    words = values.dt.to_string("%Y-%m-%d") if values.dtype.is_temporal() else values.cast(pl.String)
    counts = words.alias("word").value_counts(name="count").sort("count", "word", descending=[True, False])
    top = tuple(Tally(str(word), int(count)) for word, count in counts.head(_TALLIES).iter_rows())
    return ColumnProfile(
        column.name, column.kind.value, len(values), raw.height - len(values), values.n_unique(), top=top
    )


def _numeric(column: Column, values: NDArray[np.float64], rows: int) -> ColumnProfile:
    if values.size == 0:
        return ColumnProfile(column.name, column.kind.value, 0, rows, 0)
    scale = max(1.0, float(np.abs(values).max()))
    return ColumnProfile(
        name=column.name,
        kind=column.kind.value,
        count=int(values.size),
        nulls=rows - int(values.size),
        distinct=int(np.unique(values).size),
        minimum=float(values.min()),
        maximum=float(values.max()),
        # Scaled, because the sum of values near the largest float would overflow.
        mean=float((values / scale).mean()) * scale,
        deviation=float((values / scale).std()) * scale,
        quantiles=tuple(float(value) for value in np.quantile(values, QUANTILES)),
        histogram=_histogram(values, whole=column.kind.value == "integer"),
    )


def _histogram(values: NDArray[np.float64], *, whole: bool) -> tuple[Bar, ...]:
    low, high = float(values.min()), float(values.max())
    if low == high or high / 4 - low / 4 > _HUGE:
        return (Bar(low, high, int(values.size)),)
    if whole and high - low < _BARS:
        edges = np.arange(low, high + 2)
    elif whole:
        width = np.ceil((high - low + 1) / _BARS)
        edges = np.arange(low, high + width + 1, width)
    else:
        edges = np.linspace(low, high, _BARS + 1)
    counts, edges = np.histogram(values, bins=edges)
    pairs = zip(edges[:-1], edges[1:], counts, strict=True)
    return tuple(Bar(float(start), float(end), int(count)) for start, end, count in pairs)
