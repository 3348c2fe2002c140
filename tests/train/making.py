"""Tables, problems and exports for the tests of training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from stockade.model.inputs import Column as Values
from stockade.model.inputs import from_table
from stockade.model.session import Model
from stockade.model.signature import ModelSignature
from stockade.schema.column import Column, Kind, Role, Schema
from stockade.train.calibration import Calibration
from stockade.train.contest import FITTERS
from stockade.train.encoding import Encoder, signature_of
from stockade.train.problem import Floats, Problem, Round
from stockade.train.writer import Blueprint, write
from stockade.types.scorecard import Task

CLASSES = {Task.BINARY: ("no", "yes"), Task.MULTICLASS: ("a", "b", "c"), Task.REGRESSION: ()}


def schema(task: Task) -> Schema:
    """The schema of `table`."""
    target = (
        Column("target", Kind.REAL, Role.TARGET)
        if task is Task.REGRESSION
        else Column("target", Kind.CATEGORY, Role.TARGET, categories=CLASSES[task])
    )
    kinds = {
        "when": Kind.REAL,
        "cents": Kind.REAL,
        "code": Kind.INTEGER,
        "small": Kind.REAL,
        "flag": Kind.BOOLEAN,
        "word": Kind.CATEGORY,
        "many words": Kind.CATEGORY,
    }
    columns = tuple(Column(name, kind, nullable=True) for name, kind in kinds.items())
    return Schema((*columns, target), "target", task)


def table(task: Task, rows: int, seed: int) -> pl.DataFrame:
    """Epoch seconds with milliseconds, money in cents, negative codes, tiny numbers, words; a tenth of it missing."""
    random = np.random.default_rng(seed)
    when = 1.7e9 + np.round(random.uniform(0, 86_400, rows), 3)
    cents = np.round(random.lognormal(10, 2, rows), 2)
    code = random.integers(-5, 6, rows)
    small = random.normal(size=rows) * 1e-9
    flag = random.random(rows) < 0.3
    word = random.choice(["red", "grün", "blue", "", "a\tb"], rows)
    many = np.array([f"w{index}" for index in random.zipf(1.3, rows) % 400])
    signal = (
        np.sin((when - 1.7e9) / 20_000)
        + np.log(cents) / 5
        + (code % 3 == 0)
        + (word == "red")
        + small * 1e9 * 0.5
        + np.where(np.char.endswith(many, "1"), 1.0, 0.0)
        + random.normal(size=rows) * 0.5
    )
    if task is Task.REGRESSION:
        target: Any = signal * 1e6 + 1.7e9
    else:
        names = CLASSES[task]
        cuts = np.quantile(signal, np.linspace(0, 1, len(names) + 1)[1:-1])
        target = np.array(names)[np.searchsorted(cuts, signal)]
    frame = pl.DataFrame(
        {"when": when, "cents": cents, "code": code, "small": small, "flag": flag, "word": word, "many words": many}
    )
    gaps = random.random((rows, 7)) < 0.1
    columns = [
        pl.when(pl.Series(gaps[:, place])).then(None).otherwise(pl.col(name)).alias(name)
        for place, name in enumerate(frame.columns)
    ]
    return frame.select(columns).with_columns(pl.Series("target", target))


def folds(rows: int, count: int = 3, seed: int = 0) -> np.ndarray:
    """Random folds."""
    return np.random.default_rng(seed).permutation(np.arange(rows) % count)


def prepared(task: Task, frame: pl.DataFrame) -> tuple[ModelSignature, Mapping[str, Values], Encoder, Problem]:
    """What trainers see of a table."""
    signature = signature_of(schema(task))
    columns = from_table(frame, signature)
    encoder = Encoder.fit(signature, columns)
    if task is Task.REGRESSION:
        values = frame["target"].to_numpy()
        target = (values - values.mean()) / values.std()
    else:
        target = np.array([float(CLASSES[task].index(word)) for word in frame["target"]])
    matrix = encoder.encode(columns)
    half = np.arange(len(target)) % 2 == 0
    rounds = (Round(np.flatnonzero(half), np.flatnonzero(~half)), Round(np.flatnonzero(~half), np.flatnonzero(half)))
    return (
        signature,
        columns,
        encoder,
        Problem(task, matrix, target, len(CLASSES[task]), encoder.categorical, rounds, 0, 1),
    )


def both_ways(
    trainer: str, task: Task, frame: pl.DataFrame, fresh: pl.DataFrame, calibration: Calibration | None = None
) -> tuple[Floats, Floats]:
    """Fit on one table and predict another, by the trainer's library and by the exported bytes."""
    calibration = calibration or Calibration()
    signature, _, encoder, problem = prepared(task, frame)
    fitted = FITTERS[trainer]().fit(problem, {}, 25)
    model = Model(write(Blueprint(signature, encoder, (fitted.form(),), calibration, centre=1.7e9, spread=1e6)))
    columns = from_table(fresh, signature)
    raw = fitted.raw(encoder.encode(columns))
    native = raw[:, 0] * 1e6 + 1.7e9 if task is Task.REGRESSION else calibration.apply(raw)
    return native, model.predict(columns)
