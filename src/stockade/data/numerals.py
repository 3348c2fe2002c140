"""Numbers as people write them: grouped by thousands, with a decimal comma, a currency or a percent sign.

A format is the number 1234.5 written so, followed by the sign if there is one: ``1,234.5``, ``1,234.5 $``,
``1.234,5 €``, ``1,234.5 %``. The sign may stand before or after the number, or be left out; it changes no value, so
45 % is 45. Groups may also be set apart by an apostrophe or a space that does not break, and a negative number may
stand in parentheses where points are decimal. Codes that start with a zero, such as 0123, are no numbers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from stockade.schema.column import NUMBER_STYLES

if TYPE_CHECKING:
    from collections.abc import Callable

_SIGN = r"(?:\p{Sc}|%|EUR|USD|GBP|CHF)"
_MINUS = "\N{MINUS SIGN}-"
_SPACED = "'\N{RIGHT SINGLE QUOTATION MARK}\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"


def parse_number(value: pl.Expr, format_: str) -> pl.Expr:
    """Text to Float64; null where it is not written as the format says."""
    style, _, sign = format_.partition(" ")
    group, point = style[1], style[-2]
    digits = rf"(?:[1-9]\d{{0,2}}(?:[{group}{_SPACED}]\d{{3}})+|0|[1-9]\d*)(?:[{point}]\d+)?"
    mark = rf"(?:{re.escape(sign)})?" if sign else ""
    plain = rf"^[+{_MINUS}]?\s?{mark}\s?[+{_MINUS}]?\s?{digits}\s?{mark}$"
    enclosed = rf"^\({mark}\s?{digits}\s?{mark}\)$"
    cleaned = value.str.replace_all(rf"[^\d{point}]", "").str.replace(point, ".", literal=True)
    size = cleaned.cast(pl.Float64, strict=False)
    negative = value.str.contains(rf"[({_MINUS}]")
    number = pl.when(negative).then(-size).otherwise(size)
    # With a decimal comma, (1,2) would be a pair as well.
    fits = value.str.contains(plain) if point == "," else value.str.contains(plain) | value.str.contains(enclosed)
    return pl.when(fits).then(number)


def find_format(words: pl.DataFrame, failing: Callable[[pl.Expr], int], *, plain: bool) -> str:
    """Name the format that most words are written in, or nothing.

    Args:
        words: Distinct words, column ``word``.
        failing: Counts the rows whose word fails a test.
        plain: Whether most words are numbers as they are; then ``1.234`` keeps its point.
    """
    word = pl.col("word")
    signs = words.select(word.str.extract(rf"({_SIGN})").alias("sign"))["sign"].unique().drop_nulls()
    if len(signs) > 1:
        return ""
    styles = NUMBER_STYLES[:1] if plain else NUMBER_STYLES
    formats = [f"{style} {signs[0]}" if len(signs) else style for style in styles]
    counts = [failing(parse_number(word, item).is_not_null()) for item in formats]
    return formats[counts.index(min(counts))]
