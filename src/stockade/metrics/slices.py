"""A systematic search for parts of a table where a loss is higher than elsewhere.

Conditions are columns of a boolean matrix; every condition and every pair of conditions on different columns of the
table is looked at. Source: Chung et al. (2019), "Slice Finder"; the test is Welch's, one-sided, against the rest of
the rows, adjusted for all slices looked at by Holm's method.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stockade.metrics.arrays import Bools, Floats, Ints
from stockade.metrics.special import student_tail

MAX_PAIRED = 300
"""Most conditions that are paired with each other; those with the clearest effect alone are taken."""

_OVERLAP = 0.6
_SPREAD = 1.96
_CONSIDERED = 300


@dataclass(frozen=True, slots=True)
class FoundSlice:
    """Rows that meet one or two conditions.

    Attributes:
        conditions: Indices of the conditions, one or two.
        count: Rows that meet them.
        loss: Mean loss in the slice.
        p_value: That the slice's mean loss is no higher than the rest's, adjusted by Holm's method.
    """

    conditions: tuple[int, ...]
    count: int
    loss: float
    p_value: float


def worst_slices(
    losses: Floats, conditions: Bools, column_of: Ints, *, support: int, limit: int = 10
) -> tuple[FoundSlice, ...]:
    """Find the slices where the mean loss is highest with confidence, worst first.

    Slices are ranked by the lower end of their mean loss (mean less 1.96 standard errors), so that few rows need a
    larger effect. A pair must be clearly worse than either of its conditions alone, and a slice that mostly repeats
    the rows of a worse one is left out.

    Args:
        losses: Loss of each row ``[N]``.
        conditions: Which rows meet which condition, ``[N, M]``.
        column_of: Column of the table that each condition speaks of, ``[M]``; conditions of one column are not paired.
        support: Least rows of a slice.
        limit: Most slices to return.
    """
    rows = len(losses)
    if not conditions.shape[1] or rows < 2 * support:
        return ()
    member = conditions.astype(np.float64)
    # Centred, so that sums of squares lose no digits.
    centred = losses - np.mean(losses)
    singles = _Table(member.sum(axis=0), centred @ member, centred**2 @ member, centred)
    clearest = np.argsort(-singles.statistic(support)[0], kind="stable")[:MAX_PAIRED]
    pairs, first, second = _pairs(member[:, np.sort(clearest)], np.sort(clearest), column_of, centred)
    joined = singles.join(pairs)
    left = np.concatenate((np.arange(len(column_of)), first))
    right = np.concatenate((np.full(len(column_of), -1), second))
    statistic, freedom = joined.statistic(support)
    looked = np.flatnonzero(np.isfinite(statistic))
    p_values = np.ones(len(statistic))
    p_values[looked] = holm(student_tail(statistic[looked], freedom[looked]))
    chosen: list[int] = []
    for index in _ranked(joined, looked, left, right)[:_CONSIDERED]:
        if len(chosen) == limit:
            break
        if not any(_repeats(_rows_of(conditions, left, right, index), conditions, left, right, c) for c in chosen):
            chosen.append(int(index))
    return tuple(
        FoundSlice(
            tuple(int(part) for part in (left[index], right[index]) if part >= 0),
            int(joined.count[index]),
            float(np.mean(losses[_rows_of(conditions, left, right, index)])),
            float(p_values[index]),
        )
        for index in chosen
    )


def holm(p_values: Floats) -> Floats:
    """Holm's step-down adjustment (1979) of ``[M]`` p-values, which bounds the chance of any false discovery."""
    order = np.argsort(p_values, kind="stable")
    raised = np.minimum(p_values[order] * np.arange(len(p_values), 0, -1), 1.0)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.maximum.accumulate(raised)
    return adjusted


@dataclass(frozen=True, slots=True)
class _Table:
    """Sums over the rows of each of ``M`` slices, and the centred losses that they are sums of."""

    count: Floats
    total: Floats
    squares: Floats
    centred: Floats

    def join(self, other: _Table) -> _Table:
        """Both tables, one after the other."""
        return _Table(
            np.concatenate((self.count, other.count)),
            np.concatenate((self.total, other.total)),
            np.concatenate((self.squares, other.squares)),
            self.centred,
        )

    def error(self) -> Floats:
        """Standard error of each slice's mean."""
        return np.sqrt(_variance(self.count, self.total, self.squares) / np.maximum(self.count, 1))

    def statistic(self, support: int) -> tuple[Floats, Floats]:
        """Welch's t and its degrees of freedom; minus infinity where the slice or the rest lacks support."""
        rest = len(self.centred) - self.count
        rest_total = float(self.centred.sum()) - self.total
        rest_squares = float((self.centred**2).sum()) - self.squares
        usable = (self.count >= support) & (rest >= support)
        count, rest = np.maximum(self.count, 2), np.maximum(rest, 2)
        inside = _variance(count, self.total, self.squares) / count
        outside = _variance(rest, rest_total, rest_squares) / rest
        error = np.maximum(inside + outside, 1e-300)
        t = (self.total / count - rest_total / rest) / np.sqrt(error)
        freedom = error**2 / np.maximum(inside**2 / (count - 1) + outside**2 / (rest - 1), 1e-300)
        return np.where(usable, t, -math.inf), np.clip(freedom, 1.0, 1e6)


def _variance(count: Floats, total: Floats, squares: Floats) -> Floats:
    size = np.maximum(count, 2)
    variance: Floats = np.maximum(squares - total**2 / size, 0.0) / (size - 1)
    return variance


def _pairs(member: Floats, index: Ints, column_of: Ints, centred: Floats) -> tuple[_Table, Ints, Ints]:
    above = np.triu_indices(len(index), k=1)
    apart = column_of[index[above[0]]] != column_of[index[above[1]]]
    first, second = above[0][apart], above[1][apart]
    sums = [
        (member.T @ (member * weight[:, None]))[first, second]
        for weight in (np.ones(len(centred)), centred, centred**2)
    ]
    return _Table(sums[0], sums[1], sums[2], centred), index[first], index[second]


def _ranked(table: _Table, looked: Ints, left: Ints, right: Ints) -> Ints:
    """Slices that were looked at and are worse than all rows, by the lower end of their mean loss, worst first."""
    mean = table.total / np.maximum(table.count, 1)
    lower = mean - _SPREAD * table.error()
    # A pair must be clearly worse than its worse half; otherwise the half alone says it more simply.
    simple = (right < 0) | (lower > np.maximum(mean[left], mean[right]))
    kept = looked[(mean[looked] > 0) & simple[looked]]
    return kept[np.argsort(-lower[kept], kind="stable")]


def _rows_of(conditions: Bools, left: Ints, right: Ints, index: int) -> Bools:
    rows = conditions[:, left[index]]
    return rows & conditions[:, right[index]] if right[index] >= 0 else rows


def _repeats(rows: Bools, conditions: Bools, left: Ints, right: Ints, chosen: int) -> bool:
    other = _rows_of(conditions, left, right, chosen)
    return bool((rows & other).sum() > _OVERLAP * (rows | other).sum())
