"""Let contenders compete and export the best."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import polars as pl

from stockade.schema.toml import from_toml
from stockade.types.scorecard import Leaderboard


class Trained(NamedTuple):
    """The exported model, who competed, and the plan that repeats it."""

    model: bytes
    leaderboard: Leaderboard
    plan: dict[str, Any]


def train(
    training: pl.DataFrame,
    folds: pl.DataFrame,
    layout: str,
    *,
    metric: str = "auto",
    trials: int = 20,
    trainers: tuple[str, ...] = ("linear", "histogram", "lightgbm", "search", "blend"),
    seed: int = 0,
) -> Trained:
    """Let the contenders compete, calibrate the best, and export it exactly."""
    from stockade.train.settings import Settings
    from stockade.train.training import train as compete

    schema = from_toml(layout)
    settings = Settings(
        metric=metric,
        trials=trials,
        seed=seed,
        trainers=trainers,
        time_ordered=schema.ordered,
        threads=len(os.sched_getaffinity(0)),
    )
    found = compete(training, folds["fold"].to_numpy(), schema, settings)
    return Trained(found.model, found.leaderboard, dict(found.plan))
