"""A seeded, vectorised, stratified bootstrap.

Rows are drawn with replacement within each stratum, so that every replicate has the strata's sizes; a statistic
sees how often each row was drawn (``weights``, replicates x rows) and answers with one number a replicate.
Source: Efron and Tibshirani (1993), chapters 8 and 13.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from stockade.metrics.arrays import Floats, Numbers
from stockade.metrics.intervals import CONFIDENCE, Estimate

Statistics = Callable[[Floats], Mapping[str, Floats]]
"""From weights ``[R, N]`` to replicates ``[R]`` of each named statistic."""

REPLICATES = 1000
"""Replicates on tables of ordinary size."""

_LEAST = 200
_DRAWS = 12_000_000
_BATCH = 1_000_000


def replicates_for(draws: int) -> int:
    """How many replicates are drawn: 1000, fewer when a replicate costs more than 12,000 draws, never below 200."""
    return int(min(REPLICATES, max(_LEAST, _DRAWS // max(draws, 1))))


def weights(strata: Numbers, replicates: int, seed: int) -> Iterator[Floats]:
    """Draw weights ``[R, N]`` in batches that bound memory; their rows sum to ``N`` and add up to `replicates`.

    Args:
        strata: Stratum of each row, integers ``[N]``.
        replicates: Replicates in all.
        seed: Of the generator; equal seeds give equal weights.
    """
    generator = np.random.default_rng(seed)
    order = np.argsort(strata, kind="stable")
    _, sizes = np.unique(strata, return_counts=True)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    rows = len(order)
    batch = max(1, _BATCH // max(rows, 1))
    for first in range(0, replicates, batch):
        height = min(batch, replicates - first)
        drawn = np.empty((height, rows), dtype=np.int64)
        for start, size in zip(starts, sizes, strict=True):
            drawn[:, start : start + size] = order[start + generator.integers(0, size, (height, size))]
        drawn += np.arange(height)[:, None] * rows
        yield np.bincount(drawn.ravel(), minlength=height * rows).reshape(height, rows).astype(np.float64)


def intervals(
    statistics: Statistics, strata: Numbers, seed: int, confidence: float = CONFIDENCE, *, draws: int | None = None
) -> dict[str, Estimate]:
    """Estimate statistics on all rows, each with its percentile interval.

    The percentiles are shifted by the bootstrap's estimate of bias, since measures such as the calibration error are
    biased upwards, and widened where needed to hold the estimate. A statistic that is undefined (NaN) on all rows is
    left out; so are replicates on which it is undefined.

    Args:
        statistics: What to estimate.
        strata: Stratum of each row, integers ``[N]``.
        seed: Of the draws.
        confidence: Of the intervals.
        draws: What one replicate costs, in rows looked at; the number of rows where not given.
    """
    rows = len(strata)
    whole = statistics(np.ones((1, rows)))
    parts: dict[str, list[Floats]] = {name: [] for name in whole}
    for drawn in weights(strata, replicates_for(draws or rows), seed):
        for name, values in statistics(drawn).items():
            parts[name].append(values)
    result: dict[str, Estimate] = {}
    for name, values in whole.items():
        value = float(values[0])
        if np.isfinite(value):
            result[name] = _interval(value, np.concatenate(parts[name]), confidence)
    return result


def _interval(value: float, replicates: Floats, confidence: float) -> Estimate:
    finite = replicates[np.isfinite(replicates)]
    if not len(finite):
        return Estimate(value, value, value)
    tail = (1 - confidence) / 2
    low, high = np.quantile(finite, [tail, 1 - tail]) - (float(np.mean(finite)) - value)
    return Estimate(value, min(float(low), value), max(float(high), value))
