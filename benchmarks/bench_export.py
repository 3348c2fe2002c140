"""Exactness of the export: training-time prediction against the ONNX bytes, on every set and trainer.

Rows are all training rows, edge rows, and a table of epoch seconds, money in cents, negative codes and missing values.

    python benchmarks/bench_export.py [NAME ...]
"""

from __future__ import annotations

import sys
import time

import numpy as np
import polars as pl
from tables import DATA, SETS, read, schema_of

from stockade.model.inputs import from_table
from stockade.model.session import Model
from stockade.schema.column import Column, Kind, Role, Schema
from stockade.train import training
from stockade.train.boosting import DEFAULTS
from stockade.train.replay import Replayed
from stockade.train.replay import replay as proven
from stockade.types.scorecard import Task


def money(rows: int = 20_000) -> tuple[pl.DataFrame, Schema]:
    """A table that float32 cannot hold."""
    random = np.random.default_rng(0)
    when = 1.7e9 + np.round(random.uniform(0, 864_000, rows), 3)
    cents = np.round(random.lognormal(12, 2, rows), 2)
    code = random.integers(-9, 10, rows)
    word = random.choice(["a", "b", "c", ""], rows)
    odd = (np.sin(when / 20_000) + (cents % 1) + (code % 2) + (word == "a") + random.normal(size=rows)) > 1.5
    table = pl.DataFrame({"when": when, "cents": cents, "code": code, "word": word, "y": np.where(odd, "yes", "no")})
    gaps = pl.Series(random.random(rows) < 0.1)
    table = table.with_columns(pl.when(gaps).then(None).otherwise(pl.col("cents")).alias("cents"))
    kinds = {"when": Kind.REAL, "cents": Kind.REAL, "code": Kind.INTEGER, "word": Kind.CATEGORY}
    columns = tuple(Column(name, kind, nullable=True) for name, kind in kinds.items())
    target = Column("y", Kind.CATEGORY, Role.TARGET, categories=("no", "yes"))
    return table, Schema((*columns, target), "y", Task.BINARY)


PARTS = {
    "linear": [("linear", {"C": 1.0}, 0)],
    "histogram": [("histogram", {}, 100)],
    "lightgbm": [("lightgbm", dict(DEFAULTS), 100)],
    "blend": [("lightgbm", dict(DEFAULTS), 60), ("histogram", {}, 60), ("linear", {"C": 1.0}, 0)],
}
CALIBRATIONS = {
    Task.BINARY: {"method": "isotonic", "knots": [-3.0, -1.0, 0.0, 0.5, 2.0], "values": [0.02, 0.2, 0.45, 0.7, 0.95]},
    Task.MULTICLASS: {"method": "temperature", "temperature": 1.3},
    Task.REGRESSION: {"method": "none"},
}


def run(name: str, table: pl.DataFrame, schema: Schema) -> None:
    """Export exactly the trainer that is named; a contest could choose another. The blend is also calibrated."""
    for trainer, members in PARTS.items():
        plan = {
            "version": training.PLAN_VERSION,
            "rows": len(table),
            "seed": 0,
            "members": [{"trainer": kind, "parameters": given, "iterations": count} for kind, given, count in members],
            "calibration": CALIBRATIONS[schema.task] if trainer == "blend" else {"method": "none"},
        }
        measured: list[Replayed] = []
        training.replay = lambda *arguments, seen=measured: seen.append(proven(*arguments)) or seen[-1]
        data = training.refit(table, schema, plan)
        again = training.refit(table, schema, plan) == data
        model = Model(data)
        columns = from_table(table, model.signature)
        start = time.perf_counter()
        model.predict(columns)
        each = (time.perf_counter() - start) / len(table) * 1e6
        print(
            f"{name:20} {trainer:10} {measured[0].rows:6} rows  labels differing {measured[0].labels}"
            f"  largest difference {measured[0].difference:.1e}  same bytes again {again}"
            f"  {len(data) / 1024:6.0f} KiB  {each:6.2f} us/row"
        )


def main() -> None:
    run("times and money", *money())
    if not DATA.exists():
        sys.exit(f"the shared data is not at {DATA}")
    for item in SETS:
        if not sys.argv[1:] or item.name.split()[0] in sys.argv[1:]:
            table = read(item)
            run(item.name, table, schema_of(table, item))


if __name__ == "__main__":
    main()
