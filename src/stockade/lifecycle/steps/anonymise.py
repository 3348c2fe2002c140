"""Drop or pseudonymise identifiers."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from stockade.schema.column import Role
from stockade.schema.toml import from_toml, to_toml


class Anonymised(NamedTuple):
    """The table without direct identifiers, and the schema that fits it."""

    anonymised: pl.DataFrame
    layout: str


def anonymise(
    cleaned: pl.DataFrame, schema: str, *, pseudonymise: tuple[str, ...] = (), key: bytes = b""
) -> Anonymised:
    """Drop identifiers, or replace those named by keyed pseudonyms."""
    from stockade.data.anonymise import anonymise as protect

    columns = from_toml(schema)
    drop = [column.name for column in columns.with_role(Role.IDENTIFIER) if column.name not in pseudonymise]
    table, layout = protect(cleaned, columns, drop=drop, pseudonymise=pseudonymise, key=key)
    return Anonymised(table, to_toml(layout))
