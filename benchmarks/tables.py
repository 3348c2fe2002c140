"""The real tables of the benchmarks: read, with their schema, and split."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from stockade.schema.column import Column, Kind, Role, Schema
from stockade.types.scorecard import Task

DATA = Path(__file__).parents[2] / "shared" / "data"


@dataclass(frozen=True)
class Set:
    """One table: its file, its target, and how rows are ordered in time (a column, `rows`, or not at all)."""

    name: str
    file: str
    target: str
    regression: bool = False
    time: str = ""


SETS = (
    Set("census 2015", "census/people_2015.parquet", "employed"),
    Set("adult", "adult_train.parquet", "income"),
    Set("german credit", "german_credit.parquet", "credit_risk"),
    Set("insurance claims", "insurance_claims_fraud.parquet", "fraud_reported"),
    Set("mammography", "mammography_microcalcification.parquet", "target"),
    Set("online shoppers", "online_shoppers.parquet", "Revenue"),
    Set("spambase", "spambase.parquet", "type"),
    Set("magic gamma", "magic_gamma.parquet", "class"),
    Set("phishing", "phishing_websites.parquet", "is_phishing"),
    Set("digits (MNIST, 9x9)", "mnist-t10k-images-idx3-ubyte.gz", "digit"),
    Set("electricity", "elec2_nsw_electricity.parquet", "class", time="rows"),
    Set("weather", "noaa_weather_rain.parquet", "target", time="rows"),
    Set("retail demand", "retail_demand_daily.parquet", "units", regression=True, time="date"),
)


def read(item: Set) -> pl.DataFrame:
    """Read a set; rows without a target are dropped, rows ordered in time are sorted."""
    table = _digits() if item.target == "digit" else pl.read_parquet(DATA / item.file)
    table = table.drop_nulls(item.target)
    return table.sort(item.time) if item.time not in ("", "rows") else table


def _digits() -> pl.DataFrame:
    """Average pixels 3x3 at a time, which leaves 9x9 of 27x27."""
    with gzip.open(DATA / "mnist-t10k-images-idx3-ubyte.gz") as stream:
        images = np.frombuffer(stream.read(), np.uint8, offset=16).reshape(-1, 28, 28)[:, :27, :27]
    with gzip.open(DATA / "mnist-t10k-labels-idx1-ubyte.gz") as stream:
        labels = np.frombuffer(stream.read(), np.uint8, offset=8)
    small = images.reshape(-1, 9, 3, 9, 3).mean(axis=(2, 4)).reshape(len(images), 81)
    table = pl.DataFrame(small, schema=[f"p{place}" for place in range(81)])
    return table.with_columns(pl.Series("digit", labels.astype(str))).head(4_000)


def schema_of(table: pl.DataFrame, item: Set) -> Schema:
    """Types as they are; constant columns, words that name single rows, and the time column are no features."""
    columns = []
    for name, kind in table.schema.items():
        if name == item.target:
            continue
        numeric = kind.is_numeric() or kind == pl.Boolean or kind.is_temporal()
        distinct = table[name].n_unique()
        role = Role.FEATURE
        if name == item.time:
            role = Role.TIME
        elif distinct <= 1:
            role = Role.CONSTANT
        elif not numeric and distinct > len(table) // 2:
            role = Role.IDENTIFIER
        columns.append(Column(name, Kind.REAL if numeric else Kind.CATEGORY, role, nullable=True))
    if item.regression:
        target, task = Column(item.target, Kind.REAL, Role.TARGET), Task.REGRESSION
    else:
        classes = tuple(sorted(table[item.target].cast(pl.String).unique().to_list()))
        target = Column(item.target, Kind.CATEGORY, Role.TARGET, categories=classes)
        task = Task.BINARY if len(classes) == 2 else Task.MULTICLASS
    return Schema((*columns, target), item.target, task)


def split(table: pl.DataFrame, item: Set, seed: int, folds: int = 5) -> np.ndarray:
    """Fold of each row, -1 for the quarter that tests: the latest rows in time, or a stratified draw."""
    rows = len(table)
    if item.time:
        numbers = np.minimum(np.arange(rows) * (folds + 1) // int(rows * 0.75), folds)
        numbers[int(rows * 0.75) :] = -1
        return numbers
    random = np.random.default_rng(seed)
    order = random.permutation(rows)
    if not item.regression:
        order = order[np.argsort(table[item.target].cast(pl.String).to_numpy()[order], kind="stable")]
    numbers = np.empty(rows, dtype=np.int64)
    places = np.arange(rows)
    # every fourth row of each class tests, the others take turns
    numbers[order] = np.where(places % 4 == 3, -1, (places - places // 4) % folds)
    return numbers
