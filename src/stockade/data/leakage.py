"""How well each column alone predicts the target, on rows it was not fitted to.

One half of the rows gives the mean target of each bin of a column (its words, or at most 64 quantiles, and the missing
values); the other half is scored by it: area under the ROC curve for classes (mean over classes, one against the rest),
squared correlation for numbers. A score of 0.98 or more means that the column all but is the target.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from stockade.schema.column import Kind
from stockade.types.scorecard import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stockade.schema.column import Column, Schema

THRESHOLD = 0.98
"""Scores from here on are called leakage."""

_BINS = 64
_FINE_BINS = 512
_SMOOTHING = 1.0
_LEAST_EXAMPLES = 10


class Missingness(NamedTuple):
    """How a column's missing values go with the target.

    Attributes:
        share: Share of rows without a value.
        association: Largest absolute correlation of being missing with a class, or with the target's ranks; 0 to 1.
        statistic: Rows times the squared association: chi-square with one degree of freedom if there were none.
    """

    share: float
    association: float
    statistic: float


def outcomes(table: pl.DataFrame, schema: Schema) -> NDArray[np.float64]:
    """The target as numbers: a column of zeros and ones for each class, or one column of values."""
    if schema.task is Task.REGRESSION:
        return np.asarray(table[schema.target].cast(pl.Float64).to_numpy(), dtype=np.float64).reshape(-1, 1)
    positions = {name: position for position, name in enumerate(schema.classes)}
    codes = table[schema.target].replace_strict(positions, return_dtype=pl.Int64).to_numpy()
    columns: NDArray[np.float64] = np.eye(len(schema.classes))[codes]
    return columns


def scored(target: NDArray[np.float64], half: NDArray[np.bool_]) -> bool:
    """Whether both halves hold enough rows of each outcome for a score to mean anything."""
    if target.shape[1] == 1:
        return min(int(half.sum()), int((~half).sum())) >= 5 * _LEAST_EXAMPLES
    return bool(min(target[half].sum(axis=0).min(), target[~half].sum(axis=0).min()) >= _LEAST_EXAMPLES)


def predictive_power(series: pl.Series, column: Column, target: NDArray[np.float64], half: NDArray[np.bool_]) -> float:
    """Score one column from 0 (or 0.5 for classes) to 1; `half` marks the rows that are fitted to."""
    numbers = target.shape[1] == 1
    bins = _bins(series, column, half, _FINE_BINS if numbers else _BINS)
    count = int(bins.max()) + 1
    prior = target[half].mean(axis=0)
    weight = np.bincount(bins[half], minlength=count)[:, None]
    sums = _sums(bins[half], target[half], count)
    means = (sums + _SMOOTHING * prior) / (weight + _SMOOTHING)
    if numbers:
        predicted, actual = means[bins[~half], 0], target[~half, 0]
        direct = _correlation(_numeric(series), target[:, 0]) if column.kind is not Kind.CATEGORY else 0.0
        return max(_correlation(predicted, actual), abs(direct)) ** 2
    positives = _sums(bins[~half], target[~half], count)
    negatives = np.bincount(bins[~half], minlength=count)[:, None] - positives
    return float(np.mean([_area(means[:, k], positives[:, k], negatives[:, k]) for k in range(target.shape[1])]))


def missingness(series: pl.Series, target: NDArray[np.float64]) -> Missingness:
    """How missing values of a column go with the target."""
    absent = series.is_null().to_numpy().astype(np.float64)
    values = target if target.shape[1] > 1 else _ranks(target[:, 0]).reshape(-1, 1)
    association = max(abs(_correlation(absent, values[:, k])) for k in range(values.shape[1]))
    return Missingness(float(absent.mean()), association, absent.size * association**2)


def _bins(series: pl.Series, column: Column, half: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
    """Number the bins; 0 is for missing values."""
    if column.kind in (Kind.CATEGORY, Kind.TEXT):
        return series.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    values = _numeric(series)
    known = values[half & ~np.isnan(values)]
    if known.size == 0:
        return np.where(np.isnan(values), 0, 1)
    distinct = np.unique(known)
    edges = distinct if distinct.size <= most else np.unique(np.quantile(known, np.linspace(0, 1, most + 1)))
    found = np.searchsorted(edges, values, side="right") + 1
    return np.where(np.isnan(values), 0, found).astype(np.int64)


def _numeric(series: pl.Series) -> NDArray[np.float64]:
    if series.dtype == pl.String:
        return series.rank("dense").cast(pl.Float64).to_numpy()
    return series.to_physical().cast(pl.Float64).to_numpy()


def _sums(bins: NDArray[np.int64], target: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    columns = [np.bincount(bins, weights=target[:, k], minlength=count) for k in range(target.shape[1])]
    return np.column_stack(columns)


def _area(score: NDArray[np.float64], positives: NDArray[np.float64], negatives: NDArray[np.float64]) -> float:
    """Area under the ROC curve of bins with one score each; bins of equal score count as one."""
    _, place = np.unique(score, return_inverse=True)
    up, down = np.bincount(place, weights=positives), np.bincount(place, weights=negatives)
    below = np.cumsum(down) - down
    total = up.sum() * down.sum()
    return float((up * (below + down / 2)).sum() / total) if total else 0.5


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return pl.Series(values).rank("average").to_numpy()


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    known = ~np.isnan(first) & ~np.isnan(second)
    if known.sum() < 5 * _LEAST_EXAMPLES and known.sum() < 0.5 * known.size:
        return 0.0
    a, b = first[known] - first[known].mean(), second[known] - second[known].mean()
    scale = float(np.sqrt((a**2).sum()) * np.sqrt((b**2).sum()))
    return float(a @ b) / scale if scale > 0 else 0.0
