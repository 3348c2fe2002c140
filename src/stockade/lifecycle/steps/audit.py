"""Look for what makes good figures lie."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from stockade.schema.toml import from_toml
from stockade.types.results import Results


class Audited(NamedTuple):
    """Rows that look wrong, and what the audit found."""

    suspects: pl.DataFrame
    audit_results: Results


def audit(valid: pl.DataFrame, schema: str, *, seed: int = 0) -> Audited:
    """Search for duplicates, target leakage and label noise."""
    from stockade.data.audit import audit as examine

    found = examine(valid, from_toml(schema), seed=seed)
    return Audited(found.suspects, found.results)
