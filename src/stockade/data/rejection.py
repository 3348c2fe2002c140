"""Rows set aside, as a table: one line for each failed constraint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from stockade.types.table import Rejection

if TYPE_CHECKING:
    from collections.abc import Iterable

VALUE_LENGTH = 80
"""Characters of an offending value that are kept."""

TEXT = "#text"
"""Column of a quarantine table that holds the raw text of lines which are no records of their format."""

_TYPES = {"row": pl.Int64, "column": pl.String, "value": pl.String, "rule": pl.String, "reason": pl.String}


def rejection_table(rejections: Iterable[Rejection] = ()) -> pl.DataFrame:
    """Make a table of rejections with columns ``row column value rule reason``, in the order given."""
    rows = [(item.row, item.column, item.value[:VALUE_LENGTH], item.rule, item.reason) for item in rejections]
    return pl.DataFrame(rows, schema=_TYPES, orient="row")


def rejections_of(table: pl.DataFrame) -> tuple[Rejection, ...]:
    """Read a table of rejections back into records."""
    return tuple(Rejection(*row) for row in table.select(list(_TYPES)).iter_rows())
