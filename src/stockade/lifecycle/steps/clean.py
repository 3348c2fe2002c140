"""Normalise values."""

from __future__ import annotations

import polars as pl

from stockade.schema.toml import from_toml


def clean(valid: pl.DataFrame, schema: str) -> pl.DataFrame:
    """Normalise values row by row; nothing is fitted here."""
    from stockade.data.clean import clean as normalise

    return normalise(valid, from_toml(schema))
