"""Row-wise, stateless cleaning: the same value gives the same result in any table, at any time.

Words are trimmed and brought to Unicode NFC, the many ways of writing that there is no value become null, NaN becomes
null and -0.0 becomes 0.0. Nothing is imputed, scaled or encoded here: what is fitted lives in training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from stockade.data.raw import tidy
from stockade.schema.column import ROW

if TYPE_CHECKING:
    from stockade.schema.column import Schema


def clean(valid: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Clean the columns of the schema; others but ``#row`` are dropped. Cleaning twice changes nothing more."""
    names = [name for name in schema.names if name in valid.columns]
    rows = [ROW] if ROW in valid.columns else []
    return valid.select(*rows, *(_clean(name, valid.schema[name]) for name in names))


def _clean(name: str, dtype: pl.DataType) -> pl.Expr:
    value = tidy(name, dtype)
    # Adding zero would do, but the query optimiser removes it.
    return pl.when(value == 0).then(0.0).otherwise(value).alias(name) if isinstance(dtype, pl.Float64) else value
