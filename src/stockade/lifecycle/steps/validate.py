"""Hold rows against the schema."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from stockade.errors import ConfigError, TooFewRowsError
from stockade.schema.toml import from_toml
from stockade.types.results import Results
from stockade.types.table import Profile, Rejection

_SHOWN_REJECTIONS = 1_000


class Validated(NamedTuple):
    """Rows that satisfy the schema, rows that do not, all reasons, and the first of them for people to read."""

    valid: pl.DataFrame
    quarantine: pl.DataFrame
    reasons: pl.DataFrame
    rejections: tuple[Rejection, ...]
    profile: Profile
    validation: Results


def validate(
    raw: pl.DataFrame, damaged: pl.DataFrame, unreadable: pl.DataFrame, schema: str, *, where: str = ""
) -> Validated:
    """Hold every row against the schema; rows that fail are set aside, none is dropped.

    Of the valid rows those are used that satisfy the SQL condition `where`.
    """
    from stockade.data.profile import profile
    from stockade.data.rejection import rejections_of
    from stockade.data.source import Source
    from stockade.data.validate import validate_source

    columns = from_toml(schema)
    found = validate_source(Source(raw, damaged, unreadable), columns)
    valid = _selected(found.valid, where) if where else found.valid
    shown = rejections_of(found.rejections.head(_SHOWN_REJECTIONS))
    return Validated(valid, found.quarantine, found.rejections, shown, profile(valid, columns), found.results)


def _selected(table: pl.DataFrame, where: str) -> pl.DataFrame:
    try:
        selected = table.filter(pl.sql_expr(where))
    except pl.exceptions.PolarsError as error:
        reason = str(error).partition("\n")[0].replace('"#row", ', "")
        raise ConfigError(
            f"the condition {where!r} cannot be used: {reason}",
            where="[data] where",
            remedy="write a SQL condition over the columns, such as: year >= 2015 AND region = 'north'",
        ) from error
    if selected.is_empty():
        raise TooFewRowsError(
            f"no valid row satisfies the condition {where!r}",
            where="[data] where",
            remedy="correct the condition, or leave it out",
        )
    return selected
