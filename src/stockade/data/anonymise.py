"""Remove columns that name people, or replace their values by keyed pseudonyms.

A pseudonym is HMAC-SHA-256 (RFC 2104) over the column's name and the value, cut to 128 bits: equal values of a column
stay equal, so that tables can be joined, and without the key a value can be neither computed nor guessed and checked.
Pseudonymous data is still personal data to whoever holds the key (GDPR, recital 26).
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from difflib import get_close_matches
from hashlib import sha256

import polars as pl

from stockade.data.typed import as_text
from stockade.errors import ColumnError, ConfigError
from stockade.schema.column import Column, Kind, Role, Schema

LEAST_KEY = 32
"""Bytes of key, at least."""

_PSEUDONYM_BYTES = 16


def anonymise(
    table: pl.DataFrame, schema: Schema, *, drop: Sequence[str] = (), pseudonymise: Sequence[str] = (), key: bytes = b""
) -> tuple[pl.DataFrame, Schema]:
    """Drop and pseudonymise columns; returns the table and the schema that fits it.

    Identifiers that are neither dropped nor pseudonymised stay as they are, and stay no features.

    Raises:
        stockade.errors.ColumnError: a name is no column, is the target, or is both dropped and pseudonymised.
        stockade.errors.ConfigError: columns are to be pseudonymised with a key shorter than 32 bytes.
    """
    for name in (*drop, *pseudonymise):
        _check(name, table, schema)
    if both := sorted(set(drop) & set(pseudonymise)):
        raise ColumnError(f"column {both[0]!r} is both dropped and pseudonymised", remedy="name it once")
    if pseudonymise and len(key) < LEAST_KEY:
        message = f"pseudonyms need a key of {LEAST_KEY} bytes or more, not {len(key)}"
        raise ConfigError(message, remedy="make one: head -c 32 /dev/urandom > pseudonym.key, and keep it apart")
    result = table.drop(drop).with_columns(_pseudonyms(table[name], key) for name in pseudonymise)
    columns = (_column(column, pseudonymise) for column in schema.columns if column.name not in drop)
    return result, Schema(tuple(columns), schema.target, schema.task)


def pseudonym(column: str, value: str, key: bytes) -> str:
    """The pseudonym of one value: 32 hexadecimal digits."""
    name = column.encode()
    message = len(name).to_bytes(4, "big") + name + value.encode()
    return hmac.digest(key, message, sha256)[:_PSEUDONYM_BYTES].hex()


def _check(name: str, table: pl.DataFrame, schema: Schema) -> None:
    if name not in table.columns or name not in schema.names:
        close = get_close_matches(name, schema.names, n=1)
        remedy = f"did you mean {close[0]!r}?" if close else "check the spelling"
        raise ColumnError(f"there is no column {name!r} to anonymise", remedy=remedy)
    if name == schema.target:
        raise ColumnError(f"column {name!r} is the target and cannot be anonymised", remedy="leave it as it is")


def _pseudonyms(series: pl.Series, key: bytes) -> pl.Series:
    texts = series.to_frame().select(as_text(pl.col(series.name), series.dtype)).to_series()
    distinct = texts.unique().drop_nulls()
    made = pl.Series([pseudonym(series.name, value, key) for value in distinct], dtype=pl.String)
    return texts.replace_strict(distinct, made, default=None, return_dtype=pl.String).alias(series.name)


def _column(column: Column, pseudonymised: Sequence[str]) -> Column:
    if column.name not in pseudonymised:
        return column
    kept = column.role in (Role.IDENTIFIER, Role.GROUP, Role.EXCLUDED)
    return Column(
        column.name,
        Kind.TEXT if kept else Kind.CATEGORY,
        column.role if kept else Role.FEATURE,
        nullable=column.nullable,
        sensitive=column.sensitive,
        note="pseudonyms",
    )
