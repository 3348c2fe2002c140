"""Read the source file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import polars as pl


class Ingested(NamedTuple):
    """What the source held: its rows, the lines that are no records, and why."""

    raw: pl.DataFrame
    damaged: pl.DataFrame
    unreadable: pl.DataFrame


def ingest(source: Path) -> Ingested:
    """Read a CSV, Parquet or JSON Lines file."""
    from stockade.data.source import read

    return Ingested(*read(source))
