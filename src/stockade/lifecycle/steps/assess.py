"""Measure the exported bytes."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from stockade.schema.toml import from_toml
from stockade.types.results import Results
from stockade.types.scorecard import Scorecard


class Assessed(NamedTuple):
    """What the exported bytes achieve."""

    scorecard: Scorecard
    assessment: Results


def assess(
    model: bytes,
    training: pl.DataFrame,
    testing: pl.DataFrame,
    layout: str,
    *,
    metric: str = "auto",
    attacks: bool = True,
    rows: int = 500,
    queries: int = 200,
    slices: bool = True,
    seed: int = 0,
) -> Assessed:
    """Measure the exported bytes on rows that training never saw."""
    from stockade.assess.assessment import Settings
    from stockade.assess.assessment import assess as measure

    settings = Settings(metric=metric, attacks=attacks, rows=rows, queries=queries, slices=slices, seed=seed)
    return Assessed(*measure(model, training, testing, from_toml(layout), settings))
