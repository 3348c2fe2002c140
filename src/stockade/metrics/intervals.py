"""Confidence intervals that need no resampling. All are two-sided and 95 % unless told otherwise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stockade.metrics.arrays import Floats
from stockade.metrics.special import beta_cdf, beta_quantile, normal_quantile

CONFIDENCE = 0.95
"""Confidence of every interval of this room, unless a caller asks for another."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its interval, in the value's own units; ``low <= value <= high``."""

    value: float
    low: float
    high: float


def wilson(successes: int, trials: int, confidence: float = CONFIDENCE) -> Estimate:
    """Proportion with Wilson's score interval (Wilson 1927).

    Raises:
        ValueError: there are no trials, or more successes than trials.
    """
    _check_counts(successes, trials)
    z2 = normal_quantile((1 + confidence) / 2) ** 2
    share = successes / trials
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = math.sqrt(z2 * (share * (1 - share) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    # At the ends the bound is the estimate itself; rounding must not put it beside.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return Estimate(share, low, high)


def clopper_pearson(successes: int, trials: int, confidence: float = CONFIDENCE) -> Estimate:
    """Proportion with the exact interval of Clopper and Pearson (1934): never less than the stated coverage.

    Raises:
        ValueError: there are no trials, or more successes than trials.
    """
    _check_counts(successes, trials)
    rest, tail = trials - successes, (1 - confidence) / 2
    low = beta_quantile(successes, rest + 1, tail) if successes else 0.0
    high = beta_quantile(successes + 1, rest, 1 - tail) if rest else 1.0
    return Estimate(successes / trials, low, high)


def difference(first: Estimate, second: Estimate) -> Estimate:
    """``first - second`` of two independent estimates, by squares and adds of their own intervals.

    With Wilson intervals this is method 10 of Newcombe (1998, "Interval estimation for the difference between
    independent proportions"); for other measures it is MOVER (Zou and Donner 2008).
    """
    value = first.value - second.value
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return Estimate(value, value - below, value + above)


def product(first: Estimate, second: Estimate) -> Estimate:
    """Product of two independent estimates that are not negative, by squares and adds as in `difference`."""
    value = first.value * second.value
    below = math.hypot(second.value * (first.value - first.low), first.value * (second.value - second.low))
    above = math.hypot(second.value * (first.high - first.value), first.value * (second.high - second.value))
    return Estimate(value, max(value - below, 0.0), value + above)


def mean(values: Floats, confidence: float = CONFIDENCE) -> Estimate:
    """Mean of independent values with the normal interval of its standard error.

    Raises:
        ValueError: there are no values.
    """
    if not len(values):
        raise ValueError("the mean of nothing is undefined")
    centre = float(np.mean(values))
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    half = normal_quantile((1 + confidence) / 2) * error
    return Estimate(centre, centre - half, centre + half)


def median(values: Floats, confidence: float = CONFIDENCE) -> Estimate:
    """Median with the distribution-free interval between two order statistics (sign test; Conover 1999, 3.2).

    Values may be infinite, which stands for "not reached".

    Raises:
        ValueError: there are no values.
    """
    ordered = np.sort(values)
    count = len(ordered)
    if not count:
        raise ValueError("the median of nothing is undefined")
    middle = ordered[(count - 1) // 2], ordered[count // 2]
    # The mean of two infinite values is infinite, and so is that of a finite one and an infinite one.
    centre = float(middle[0]) if middle[0] == middle[1] else float((middle[0] + middle[1]) / 2)
    # Largest k such that fewer than k of `count` fair coins come up heads with probability <= tail.
    ranks = np.arange(1, count // 2 + 1)
    below = beta_cdf(count - ranks + 1.0, ranks.astype(np.float64), 0.5) if len(ranks) else np.zeros(0)
    rank = int(np.sum(below <= (1 - confidence) / 2))
    low, high = (ordered[rank - 1], ordered[count - rank]) if rank else (ordered[0], ordered[-1])
    return Estimate(centre, float(low), float(high))


def _check_counts(successes: int, trials: int) -> None:
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials")
