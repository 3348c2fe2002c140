"""Exactness of the export: training-time prediction against the ONNX bytes, on every set and trainer.

Rows are all training rows, edge rows, and a table of epoch seconds, money in cents, negative codes and missing values.

    python benchmarks/bench_export.py [NAME ...]
"""

from __future__ import annotations

import sys
import time

import numpy as np
import polars as pl
from tables import DATA, SETS, Set, read, schema_of, split

from stockade.model.inputs import from_table
from stockade.model.session import Model
from stockade.schema.column import Column, Kind, Role, Schema
from stockade.train import training
from stockade.train.replay import Replayed
from stockade.train.replay import replay as proven
from stockade.train.settings import Settings
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


def run(name: str, table: pl.DataFrame, schema: Schema, folds: np.ndarray, *, ordered: bool) -> None:
    for trainer in ("linear", "histogram", "lightgbm"):
        measured: list[Replayed] = []
        training.replay = lambda *arguments, seen=measured: seen.append(proven(*arguments)) or seen[-1]
        trained = training.train(table, folds, schema, Settings(trainers=(trainer,), trials=0, time_ordered=ordered))
        again = training.refit(table.filter(pl.Series(folds >= 0)), schema, trained.plan) == trained.model
        model = Model(trained.model)
        columns = from_table(table, model.signature)
        start = time.perf_counter()
        model.predict(columns)
        each = (time.perf_counter() - start) / len(table) * 1e6
        print(
            f"{name:20} {trainer:10} {measured[0].rows:6} rows  labels differing {measured[0].labels}"
            f"  largest difference {measured[0].difference:.1e}  same bytes again {again}"
            f"  {len(trained.model) / 1024:6.0f} KiB  {each:6.2f} us/row"
        )


def of(item: Set) -> tuple[pl.DataFrame, Schema, np.ndarray]:
    table = read(item)
    return table, schema_of(table, item), split(table, item, 0, folds=2)


def main() -> None:
    table, schema = money()
    run("times and money", table, schema, np.arange(len(table)) % 2, ordered=False)
    if not DATA.exists():
        sys.exit(f"the shared data is not at {DATA}")
    for item in SETS:
        if not sys.argv[1:] or item.name.split()[0] in sys.argv[1:]:
            run(item.name, *of(item), ordered=bool(item.time))


if __name__ == "__main__":
    main()
