"""Whether the rows of a table follow a column in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from stockade.schema.column import Kind, Role

if TYPE_CHECKING:
    from stockade.schema.column import Column

_LEAST_MOMENTS = 10
_LEAST_FILLED = 0.5


def in_time_order(rows: pl.DataFrame, columns: list[Column]) -> str:
    """Name the one timestamp that rows follow, or nothing.

    Rows follow it when they stand in its order, or form a panel: one other column, such as a product, has at most one
    row a moment, and at least half of all pairs of that column and moment occur.
    """
    candidates = [item for item in columns if item.kind is Kind.TIMESTAMP and item.role is not Role.TARGET]
    if len(candidates) != 1 or candidates[0].role is not Role.FEATURE:
        return ""
    (time,) = candidates
    moments = rows[time.name]
    if moments.null_count() > 0.01 * rows.height:
        return ""
    if moments.dtype == pl.String:
        from stockade.data.typed import typed

        moments = rows.select(typed(time, time.name, moments.dtype)).to_series()
    distinct = moments.n_unique()
    if distinct < _LEAST_MOMENTS:
        return ""
    if moments.drop_nulls().is_sorted() or moments.drop_nulls().is_sorted(descending=True):
        return time.name
    units = [
        item.name for item in columns if item.kind in (Kind.CATEGORY, Kind.INTEGER) and item.role is not Role.TARGET
    ]
    return time.name if any(_is_panel(rows[name], moments, distinct) for name in units) else ""


def _is_panel(unit: pl.Series, moments: pl.Series, distinct: int) -> bool:
    units = unit.n_unique()
    if not 2 <= units <= len(unit) / _LEAST_MOMENTS or len(unit) < _LEAST_FILLED * units * distinct:
        return False
    pairs = pl.DataFrame({"unit": unit, "moment": moments})
    return not bool(pairs.is_duplicated().any())
