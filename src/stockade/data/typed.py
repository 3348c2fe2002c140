"""Raw values turned into typed ones, as polars expressions; what cannot be turned becomes null."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from stockade.data.numerals import parse_number
from stockade.schema.column import Kind, Role

if TYPE_CHECKING:
    from stockade.schema.column import Column

TIMESTAMP_FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%+",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %I:%M:%S %p",
)
"""Formats tried on text, day before month where both fit; ``%+`` is RFC 3339 with a zone."""

SHORT_FORMATS = ("%d/%m/%y", "%m/%d/%y", "%d.%m.%y")
"""Formats tried on text whose years have two digits; 69 is 2069, 70 is 1970."""

NAMED_FORMATS = ("%B %d, %Y", "%d %B %Y", "%d-%B-%Y", "%d. %B %Y")
"""Formats tried on text with the English name of a month, short or long."""

DTYPES: dict[Kind, pl.DataType] = {
    Kind.INTEGER: pl.Int64(),
    Kind.REAL: pl.Float64(),
    Kind.BOOLEAN: pl.Boolean(),
    Kind.CATEGORY: pl.String(),
    Kind.TEXT: pl.String(),
    Kind.TIMESTAMP: pl.Datetime("us"),
}
"""What each kind is in a validated table."""

_EXACT = float(2**53)


def typed(column: Column, source: str, dtype: pl.DataType) -> pl.Expr:
    """The values of raw column `source`, of type `dtype` and tidied, as the kind of `column`; null where impossible."""
    value = pl.col(source)
    match column.kind:
        case Kind.INTEGER:
            return _integer(value, dtype, column.format)
        case Kind.REAL:
            return _real(value, dtype, column.format)
        case Kind.BOOLEAN:
            return _boolean(value, dtype)
        case Kind.TIMESTAMP:
            return _timestamp(value, dtype, column.format)
        case Kind.CATEGORY if column.role is Role.TARGET and isinstance(dtype, pl.String):
            return _class_word(value, column.categories)
        case _:
            return as_text(value, dtype)


def as_text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Values as words: whole numbers without a decimal point, booleans as ``true`` and ``false``, times as ISO 8601."""
    if isinstance(dtype, pl.Float64):
        whole = (value == value.round()) & (value.abs() < _EXACT)
        return pl.when(whole).then(value.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(value.cast(pl.String))
    if isinstance(dtype, pl.Datetime):
        return value.dt.to_string("iso")
    return value.cast(pl.String)


def parse_timestamp(value: pl.Expr, format_: str) -> pl.Expr:
    """Text to Datetime in microseconds, UTC without zone; null where the format does not fit."""
    moment = value.str.to_datetime(format_, strict=False, time_unit="us", ambiguous="null")
    return moment.dt.replace_time_zone(None) if format_ == "%+" or "z" in format_ else moment


def _class_word(value: pl.Expr, classes: tuple[str, ...]) -> pl.Expr:
    """A class as the schema names it: text says 1.0, +1 or True where numbers and booleans say 1, 1 and true."""
    number = as_text(value.cast(pl.Float64, strict=False), pl.Float64())
    truth = pl.when(value.str.to_lowercase().is_in(("true", "false"))).then(value.str.to_lowercase())
    forms = (value, value.cast(pl.Int64, strict=False).cast(pl.String), number, truth)
    return pl.coalesce(*(pl.when(form.is_in(list(classes))).then(form) for form in forms), value)


def _real(value: pl.Expr, dtype: pl.DataType, format_: str) -> pl.Expr:
    if dtype.is_temporal():
        return pl.lit(None, pl.Float64)
    written = format_ and isinstance(dtype, pl.String)
    return (parse_number(value, format_) if written else value.cast(pl.Float64, strict=False)).fill_nan(None)


def _integer(value: pl.Expr, dtype: pl.DataType, format_: str) -> pl.Expr:
    if dtype.is_integer() or isinstance(dtype, pl.Boolean):
        return value.cast(pl.Int64)
    if dtype.is_temporal():
        return pl.lit(None, pl.Int64)
    number = _real(value, dtype, format_)
    whole = (number == number.round()) & (number.abs() < _EXACT)
    from_real = pl.when(whole).then(number.cast(pl.Int64, strict=False))
    plain = isinstance(dtype, pl.String) and not format_
    return pl.coalesce(value.cast(pl.Int64, strict=False), from_real) if plain else from_real


def _boolean(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Boolean):
        return value
    if dtype.is_temporal():
        return pl.lit(None, pl.Boolean)
    yes, no = (("true", "1"), ("false", "0")) if isinstance(dtype, pl.String) else ((1,), (0,))
    word = value.str.to_lowercase() if isinstance(dtype, pl.String) else value
    return pl.when(word.is_in(yes)).then(pl.lit(value=True)).when(word.is_in(no)).then(pl.lit(value=False))


def _timestamp(value: pl.Expr, dtype: pl.DataType, format_: str) -> pl.Expr:
    if dtype.is_temporal():
        return value
    if not isinstance(dtype, pl.String):
        return pl.lit(None, pl.Datetime("us"))
    formats = (format_,) if format_ else TIMESTAMP_FORMATS[:5]
    return pl.coalesce(*(parse_timestamp(value, item) for item in formats))
