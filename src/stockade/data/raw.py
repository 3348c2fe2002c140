"""Any polars table brought down to the few types that inference and validation know.

Int64, Float64, Boolean, String, and Datetime in microseconds without zone (UTC); first column ``#row``.
"""

from __future__ import annotations

import polars as pl

from stockade.errors import ColumnError
from stockade.schema.column import ROW

MISSING_MARKERS = ("", "?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "null", "NULL", "Null", "<NA>")
"""Texts that mean that there is no value."""

OWN = "#!"
"""How names of columns start that are added for a moment."""

_RESERVED = (ROW, "#text")


def raw_table(table: pl.DataFrame, where: str = "") -> pl.DataFrame:
    """Bring a table to plain types; number its rows from 1 where it carries no ``#row`` yet.

    Raises:
        stockade.errors.ColumnError: a column holds lists, records or binary data, or has a reserved name.
    """
    names = [name for name in table.columns if name != ROW]
    check_names(names, where)
    if ROW in table.columns and (not table.schema[ROW].is_integer() or table[ROW].null_count()):
        raise ColumnError(f"column name {ROW!r} is reserved", where=where, remedy="rename it in the source")
    nested = [name for name in names if table.schema[name].is_nested() or table.schema[name] in (pl.Binary, pl.Object)]
    if nested:
        message = f"column {nested[0]!r} holds {_type_word(table.schema[nested[0]])}, not single values"
        raise ColumnError(message, where=where, remedy="flatten it into columns of numbers and words, or drop it")
    numbered = table if ROW in table.columns else table.with_row_index(ROW, offset=1)
    return numbered.select(pl.col(ROW).cast(pl.Int64), *(_plain(name, table.schema[name]) for name in names))


def check_names(names: list[str], where: str) -> None:
    """Refuse names that cannot be told apart or are reserved.

    Raises:
        stockade.errors.ColumnError: a name is empty, duplicated, or that of a column that Stockade adds.
    """
    seen: dict[str, int] = {}
    for position, name in enumerate(names, 1):
        if name in seen:
            message = f"two columns are named {name!r} (columns {seen[name]} and {position})"
            raise ColumnError(message, where=where, remedy="rename one of them in the source")
        if not name or name in _RESERVED or name.startswith(OWN):
            message = f"column {position} has no name" if not name else f"column name {name!r} is reserved"
            raise ColumnError(message, where=where, remedy="rename it in the source")
        seen[name] = position


def tidy(name: str, dtype: pl.DataType) -> pl.Expr:
    """One column with its missing values as null: text trimmed and in Unicode NFC, markers and NaN dropped."""
    column = pl.col(name)
    if isinstance(dtype, pl.Float64):
        return column.fill_nan(None)
    if not isinstance(dtype, pl.String):
        return column
    text = column.str.strip_chars().str.normalize("NFC")
    return pl.when(text.is_in(MISSING_MARKERS)).then(None).otherwise(text).alias(name)


def tidied(table: pl.DataFrame) -> pl.DataFrame:
    """All columns of a raw table with their missing values as null; see `tidy`."""
    return table.select(tidy(name, dtype) for name, dtype in table.schema.items())


def _type_word(dtype: pl.DataType) -> str:
    return "binary data" if dtype in (pl.Binary, pl.Object) else "records" if isinstance(dtype, pl.Struct) else "lists"


def _plain(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if dtype.is_temporal():
        return _plain_time(column, dtype)
    if isinstance(dtype, (pl.Float64, pl.Boolean, pl.String)):
        return column
    if dtype.is_float() or dtype.is_decimal():
        return column.cast(pl.Float64)
    # Unsigned and 128-bit integers may not fit, and are mostly hashes: text keeps them whole.
    fits = dtype.is_integer() and not isinstance(dtype, (pl.UInt64, pl.Int128))
    return column.cast(pl.Int64 if fits else pl.String)


def _plain_time(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        zoned = column.dt.convert_time_zone("UTC") if dtype.time_zone else column
        return zoned.dt.replace_time_zone(None).cast(pl.Datetime("us"))
    if isinstance(dtype, pl.Duration):
        return column.dt.total_microseconds() / 1e6
    return column.cast(pl.Datetime("us") if isinstance(dtype, pl.Date) else pl.String)
