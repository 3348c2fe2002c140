"""The few special functions that intervals and tests need, vectorised over NumPy arrays.

The regularised incomplete beta function is the continued fraction of Numerical Recipes, 3rd edition, section 6.4,
evaluated by Lentz's method; relative accuracy is about 1e-13 for parameters up to 1e6.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from stockade.metrics.arrays import Floats, Numbers

_TINY = 1e-300
_STEPS = 10_000
_PRECISION = 1e-14
_lgamma = np.vectorize(math.lgamma, otypes=[np.float64])


def normal_quantile(probability: float) -> float:
    """Quantile of the standard normal distribution; `probability` in (0, 1)."""
    return NormalDist().inv_cdf(probability)


def beta_cdf(a: Numbers | float, b: Numbers | float, x: Numbers | float) -> Floats:
    """Regularised incomplete beta function I_x(a, b), broadcast over its arguments; a, b > 0 and x in [0, 1]."""
    first, second, where = (np.asarray(value, dtype=np.float64) for value in np.broadcast_arrays(a, b, x))
    shape = where.shape
    first, second, where = first.ravel(), second.ravel(), where.ravel()
    swap = where > (first + 1) / (first + second + 2)
    p, q = np.where(swap, second, first), np.where(swap, first, second)
    y = np.where(swap, 1 - where, where)
    inside = (y > 0) & (y < 1)
    tail = np.zeros(y.shape)
    if inside.any():
        tail[inside] = _tail(p[inside], q[inside], y[inside])
    tail[y >= 1] = 1.0
    return np.clip(np.where(swap, 1 - tail, tail), 0.0, 1.0).reshape(shape)


def _tail(a: Floats, b: Floats, x: Floats) -> Floats:
    """I_x(a, b) where the continued fraction converges fast, x <= (a + 1) / (a + b + 2)."""
    scale = _lgamma(a + b) - _lgamma(a) - _lgamma(b) + a * np.log(x) + b * np.log1p(-x)
    ratio_c = np.ones(x.shape)
    ratio_d = 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = ratio_d.copy()
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            ratio_d = 1 / _away_from_zero(1 + term * ratio_d)
            ratio_c = _away_from_zero(1 + term / ratio_c)
            change = ratio_d * ratio_c
            value *= change
        if np.all(np.abs(change - 1) < _PRECISION):
            break
    result: Floats = np.exp(scale) * value / a
    return result


def _away_from_zero(value: Floats) -> Floats:
    return np.where(np.abs(value) < _TINY, _TINY, value)


def beta_quantile(a: float, b: float, probability: float) -> float:
    """Quantile of the beta distribution, by bisection to machine precision."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if float(beta_cdf(a, b, middle)) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def student_tail(t: Numbers, degrees: Numbers | float) -> Floats:
    """Probability that Student's t with `degrees` degrees of freedom exceeds `t` (one-sided)."""
    statistic = np.asarray(t, dtype=np.float64)
    freedom = np.asarray(degrees, dtype=np.float64)
    half = beta_cdf(freedom / 2, 0.5, freedom / (freedom + statistic**2)) / 2
    return np.where(statistic >= 0, half, 1 - half)
