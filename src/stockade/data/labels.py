"""Rows whose label a model of the other rows contradicts with confidence.

Out-of-fold predictions of a small LightGBM model, judged as in confident learning (Northcutt, Jiang and Chuang 2021,
"Confident learning: estimating uncertainty in dataset labels", section 3): a row is suspect when another class is at
least as probable for it as it is, on average, for the rows that carry that class. Hard rows are suspect too, so the
share is an upper estimate; labels that were changed consistently, in one region or to suit a pattern, look right to
any such method and are not seen. Where the features tell next to nothing of the classes, every row would be a
contradiction, so nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import lightgbm
import numpy as np
import polars as pl

from stockade.schema.column import Kind
from stockade.types.scorecard import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stockade.schema.column import Schema

_FOLDS = 3
_ROUNDS = 40
_LEAST_ROUNDS = 10
_WIDE = 60
_CELLS = 1e8
_OUTLYING = 10.0
_LEAST_SKILL = 0.05
# Without it few rows of many classes make leaves so large that every class is contradicted.
_CLASS_PENALTY = 10.0


class Suspicion(NamedTuple):
    """How suspect each row's label is.

    Attributes:
        score: 0 for rows above suspicion; else in (0, 1] for classes (probability of the other class minus that of the
            label), or robust standard deviations from the prediction.
        share: Share of suspect rows; ``None`` where the model knows too little to contradict anything.
    """

    score: NDArray[np.float64]
    share: float | None


def suspect(table: pl.DataFrame, schema: Schema, halves: NDArray[np.uint64]) -> Suspicion:
    """Judge the labels of validated rows; `halves` is a hash of each row that equal rows share."""
    matrix, categorical = _matrix(table, schema)
    fold = (halves % np.uint64(_FOLDS)).astype(np.int64)
    if schema.task is Task.REGRESSION:
        target = table[schema.target].cast(pl.Float64).to_numpy()
        return _outlying(target - _out_of_fold(matrix, target, fold, categorical, schema)[:, 0])
    positions = {name: position for position, name in enumerate(schema.classes)}
    given = table[schema.target].replace_strict(positions, return_dtype=pl.Int64).to_numpy()
    return _contradicted(_out_of_fold(matrix, given.astype(np.float64), fold, categorical, schema), given)


def _contradicted(probabilities: NDArray[np.float64], given: NDArray[np.int64]) -> Suspicion:
    classes = probabilities.shape[1]
    if _skill(probabilities, given) < _LEAST_SKILL:
        return Suspicion(np.zeros(given.size), None)
    typical = np.array([probabilities[given == k, k].mean() if (given == k).any() else 1.0 for k in range(classes)])
    confident = np.where(probabilities >= typical, probabilities, 0.0)
    likely = confident.argmax(axis=1)
    rows = np.arange(given.size)
    doubt = (confident[rows, likely] > 0) & (likely != given)
    margin = np.clip(probabilities[rows, likely] - probabilities[rows, given], 0.0, 1.0)
    score = np.where(doubt, np.maximum(margin, 1e-9), 0.0)
    return Suspicion(score, float(doubt.mean()))


def _skill(probabilities: NDArray[np.float64], given: NDArray[np.int64]) -> float:
    """By what share the log loss is below that of the classes' frequencies."""
    shares = np.bincount(given, minlength=probabilities.shape[1]) / given.size
    present = shares[shares > 0]
    constant = float(-(present * np.log(present)).sum())
    own = float(-np.log(np.clip(probabilities[np.arange(given.size), given], 1e-15, 1.0)).mean())
    return 1.0 - own / constant if constant > 0 else 0.0


def _outlying(residuals: NDArray[np.float64]) -> Suspicion:
    centred = np.abs(residuals - np.median(residuals))
    spread = 1.4826 * float(np.median(centred))
    score = centred / spread if spread > 0 else np.zeros_like(centred)
    return Suspicion(np.where(score > _OUTLYING, score, 0.0), float((score > _OUTLYING).mean()))


def _matrix(table: pl.DataFrame, schema: Schema) -> tuple[NDArray[np.float64], list[int]]:
    columns: list[NDArray[np.float64]] = []
    categorical: list[int] = []
    for position, column in enumerate(schema.features()):
        series = table[column.name]
        if column.kind in (Kind.CATEGORY, Kind.TEXT):
            words = series.unique().drop_nulls().sort()
            codes = series.replace_strict(words, pl.Series(range(len(words))), default=None, return_dtype=pl.Float64)
            columns.append(codes.to_numpy() if len(words) else np.full(len(series), np.nan))
            categorical.append(position)
        else:
            columns.append(series.to_physical().cast(pl.Float64).to_numpy())
    return np.column_stack(columns), categorical


def _out_of_fold(
    matrix: NDArray[np.float64],
    target: NDArray[np.float64],
    fold: NDArray[np.int64],
    categorical: list[int],
    schema: Schema,
) -> NDArray[np.float64]:
    rows, width = matrix.shape
    classes = len(schema.classes)
    outputs = classes if classes > 2 else 1
    cells = rows * min(width, _WIDE) * outputs
    settings: dict[str, Any] = {
        "objective": {0: "regression", 2: "binary"}.get(classes, "multiclass"),
        "num_leaves": 15,
        "learning_rate": 0.15,
        "feature_fraction": min(1.0, _WIDE / width),
        "lambda_l2": _CLASS_PENALTY if classes else 0.0,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "seed": 1,
        "verbosity": -1,
    }
    if classes > 2:
        settings["num_class"] = classes
    rounds = int(np.clip(_CELLS / cells, _LEAST_ROUNDS, _ROUNDS))
    predicted = np.zeros((rows, max(classes, 1)))
    for held_out in range(_FOLDS):
        inside, outside = fold != held_out, fold == held_out
        if not outside.any() or not inside.any():
            continue
        data = lightgbm.Dataset(
            matrix[inside], target[inside], categorical_feature=categorical, params={"verbosity": -1}
        )
        raw = lightgbm.train(settings, data, num_boost_round=rounds).predict(matrix[outside], num_threads=1)
        predicted[outside] = np.column_stack((1 - raw, raw)) if classes == 2 else raw.reshape(int(outside.sum()), -1)
    return predicted
