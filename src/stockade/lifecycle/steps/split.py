"""Deal rows to folds and to the test part."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from stockade.schema.toml import from_toml


class Divided(NamedTuple):
    """Training rows with their folds, and the rows that only the assessment sees."""

    training: pl.DataFrame
    folds: pl.DataFrame
    testing: pl.DataFrame


def split(anonymised: pl.DataFrame, layout: str, *, folds: int = 5, test_share: float = 0.2, seed: int = 0) -> Divided:
    """Deal rows to folds and to the test part: equal feature rows together, groups together, time in order."""
    from stockade.data.split import split as deal
    from stockade.schema.folds import TEST

    assigned = deal(anonymised, from_toml(layout), folds=folds, test_share=test_share, seed=seed)
    return Divided(
        anonymised.filter(assigned != TEST),
        assigned.filter(assigned != TEST).to_frame(),
        anonymised.filter(assigned == TEST),
    )
