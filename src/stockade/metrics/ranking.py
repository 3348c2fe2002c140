"""How well scores order rows: ROC AUC with its interval, average precision, and the two curves.

Equal scores count half for the AUC and move together along a curve, so nothing depends on the order of rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stockade.metrics.arrays import Bools, Floats, Ints
from stockade.metrics.intervals import CONFIDENCE, Estimate, wilson
from stockade.metrics.special import normal_quantile

POINTS = 200
"""Most points of a curve."""


@dataclass(frozen=True, slots=True)
class Line:
    """Points of a curve, float64 ``[P]`` each."""

    x: Floats
    y: Floats


def placements(positive: Bools, scores: Floats) -> tuple[float, Floats]:
    """AUC and each row's placement: the share of rows of the other class that it is ordered rightly against.

    Args:
        positive: Which rows are positive, ``[N]``; both kinds must occur.
        scores: Higher means positive, ``[N]``.

    Source: DeLong, DeLong and Clarke-Pearson (1988); by mid-ranks as in Sun and Xu (2014).
    """
    ranks = midranks(scores)
    ups, downs = int(positive.sum()), int((~positive).sum())
    result = np.empty(len(scores))
    result[positive] = (ranks[positive] - midranks(scores[positive])) / downs
    result[~positive] = 1 - (ranks[~positive] - midranks(scores[~positive])) / ups
    return float(np.mean(result[positive])), result


def midranks(values: Floats) -> Floats:
    """Ranks from 1, equal values sharing the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray(last - (counts - 1) / 2, dtype=np.float64)[inverse]


def auc(positive: Bools, scores: Floats, confidence: float = CONFIDENCE) -> Estimate | None:
    """ROC AUC with DeLong's interval on the logit scale; ``None`` where only one class occurs.

    Where the scores separate the classes wholly the variance is 0; the interval is then Wilson's for as many
    successes as the smaller class has rows, rather than none at all.
    """
    ups, downs = int(positive.sum()), int((~positive).sum())
    if not ups or not downs:
        return None
    value, share = placements(positive, scores)
    variance = _variance(share[positive]) + _variance(share[~positive])
    return _logit_interval(value, variance, min(ups, downs), confidence)


def macro_auc(truth: Ints, probabilities: Floats, confidence: float = CONFIDENCE) -> Estimate | None:
    """Mean one-vs-rest AUC over the classes that occur, with the interval of its linearisation.

    The variance is that of the sum of each row's contribution to every class's DeLong placements (the infinitesimal
    jackknife), which for one class is DeLong's own.

    Args:
        truth: Class indices ``[N]``.
        probabilities: ``[N, K]``.
        confidence: Of the interval.

    Returns:
        ``None`` where fewer than two classes occur.
    """
    present = np.unique(truth)
    if len(present) < 2:
        return None
    values, influence = [], np.zeros(len(truth))
    for index in present:
        positive = truth == index
        value, share = placements(positive, probabilities[:, index])
        values.append(value)
        influence += (share - value) / np.where(positive, positive.sum(), (~positive).sum())
    influence /= len(present)
    smallest = int(min(np.sum(truth == index) for index in present))
    return _logit_interval(float(np.mean(values)), float(np.sum(influence**2)), smallest, confidence)


def _variance(share: Floats) -> float:
    return float(np.var(share, ddof=1)) / len(share) if len(share) > 1 else 0.0


def _logit_interval(value: float, variance: float, smallest: int, confidence: float) -> Estimate:
    if variance <= 0 or not 0 < value < 1:
        bound = wilson(round(value * smallest), smallest, confidence)
        return Estimate(value, min(bound.low, value), max(bound.high, value))
    half = normal_quantile((1 + confidence) / 2) * math.sqrt(variance) / (value * (1 - value))
    centre = math.log(value / (1 - value))
    return Estimate(value, _expit(centre - half), _expit(centre + half))


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


class Ordering:
    """Scores sorted once, for measures that are computed on many weightings of the same rows.

    Args:
        positive: Which rows are positive, ``[N]``.
        scores: Higher means positive, ``[N]``.
    """

    def __init__(self, positive: Bools, scores: Floats) -> None:
        self._order = np.argsort(-scores, kind="stable")
        ordered = scores[self._order]
        self._positive = positive[self._order].astype(np.float64)
        self._ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], [True]))
        self.thresholds: Floats = ordered[self._ends]

    def counts(self, weights: Floats) -> tuple[Floats, Floats]:
        """True and false positives at each threshold, for weights ``[R, N]``: two arrays ``[R, T]``."""
        ordered = weights[:, self._order]
        true = np.cumsum(ordered * self._positive, axis=1)[:, self._ends]
        every = np.cumsum(ordered, axis=1)[:, self._ends]
        return true, every - true

    def average_precision(self, weights: Floats) -> Floats:
        """Sum over thresholds of precision times the gain in recall, ``[R]``; NaN without positives."""
        true, false = self.counts(weights)
        total = true[:, -1]
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(true + false > 0, true / (true + false), 0.0)
            gains = np.diff(true, axis=1, prepend=0.0) / total[:, None]
            result: Floats = np.where(total > 0, np.sum(precision * gains, axis=1), np.nan)
        return result


def roc_curve(positive: Bools, scores: Floats, points: int = POINTS) -> Line:
    """False against true positive rate, from (0, 0) to (1, 1), thinned to `points`; both classes must occur."""
    true, false = Ordering(positive, scores).counts(np.ones((1, len(scores))))
    x = np.concatenate(([0.0], false[0] / false[0, -1]))
    y = np.concatenate(([0.0], true[0] / true[0, -1]))
    return _thin(x, y, points)


def precision_recall_curve(positive: Bools, scores: Floats, points: int = POINTS) -> Line:
    """Recall against precision, by rising recall, thinned to `points`; a positive must occur."""
    true, false = Ordering(positive, scores).counts(np.ones((1, len(scores))))
    recall = np.concatenate(([0.0], true[0] / true[0, -1]))
    precision = true[0] / (true[0] + false[0])
    return _thin(recall, np.concatenate((precision[:1], precision)), points)


def _thin(x: Floats, y: Floats, points: int) -> Line:
    """Keep at most so many points at even distances along the curve, ends included."""
    if len(x) <= points:
        return Line(x, y)
    along = np.concatenate(([0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))))
    wanted = np.linspace(0.0, along[-1], points)
    kept = np.unique(np.clip(np.searchsorted(along, wanted), 0, len(x) - 1))
    kept[0], kept[-1] = 0, len(x) - 1
    return Line(x[kept], y[kept])
