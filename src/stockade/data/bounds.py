"""Bounds for numeric columns, proposed from data that may itself hold a few damaged rows.

A tail is one of three. *Light*: the last hundredth of the values reaches no further beyond the 99 % quantile than that
lies beyond the median, and that no further than 2.5 times what lies on the other side; ages and air pressures are so.
*Skewed*: the first holds alone; most counts. *Heavy*: neither; money. At most one row in a thousand is taken for
damage, and only where it stands apart from all others: by 0.3 of the range beyond a light tail (an age of 999 where
the rest end at 94), by twice the range beyond a skewed one, by a hundredfold beyond a heavy one; twice as far below
5,000 rows and four times below 1,000, where tails are known less well. Bounds keep less margin than that, so that what
was taken for damage lies outside them. Where the median and the 99 % quantile are one value, nothing is known of
the tail beyond: nothing there is taken for damage, and there is no bound.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_ROWS = 100
"""With fewer values nothing is taken for damage."""

_PATIENCE = ((5000, 1.0), (1000, 2.0), (0, 4.0))
_SIGN_APART = 0.1
_CROWD = 50
_SKEW = 2.5
_HUGE = 1e150
_EPOCHS = tuple((6e8 * scale, 4.3e9 * scale) for scale in (1.0, 1e3, 1e6, 1e9))


class _Tail(NamedTuple):
    """How far apart damage stands, and the margin of the bound; both in ranges of the column."""

    apart: float
    margin: float


_LIGHT = _Tail(0.3, 0.25)
_SKEWED = _Tail(2.0, 1.5)
_HEAVY = _Tail(100.0, 10.0)
_UNKNOWN = _Tail(math.inf, math.inf)


class Bounds(NamedTuple):
    """Proposed bounds, ``None`` for no bound."""

    minimum: float | None
    maximum: float | None


def propose(values: NDArray[np.float64]) -> Bounds:
    """Propose bounds with a margin around what was seen; values must be finite, in any order.

    Moments in time (seconds, milliseconds ... since 1970) get the bounds of their unit, for time goes on; columns of
    zeros and ones keep them.
    """
    ordered = np.sort(values)
    if ordered.size == 0 or max(-ordered[0], ordered[-1]) > _HUGE:
        return Bounds(None, None)
    mirrored = -ordered[::-1]
    allowed = damage_limit(ordered.size)
    upper, lower = _tail(ordered), _tail(mirrored)
    high, low = _end(ordered, allowed, upper), -_end(mirrored, allowed, lower)
    if low < 0 and upper is lower is _LIGHT:
        low = _without_stray_signs(ordered, allowed, low, high)
    if low == 0 and high == 1 and np.isin(ordered, (0.0, 1.0)).mean() >= 0.999:
        return Bounds(0.0, 1.0)
    for first, last in _EPOCHS:
        if first <= low and high <= last and high - low > 1000:
            return Bounds(0.0, last)
    minimum, maximum = -_bound(-high, -low, lower), _bound(low, high, upper)
    minimum = max(minimum + 0.0, 0.0) if low >= 0 else minimum
    maximum = min(maximum, 0.0) if high <= 0 else maximum
    return Bounds(None if math.isinf(minimum) else minimum, None if math.isinf(maximum) else maximum)


def damage_limit(rows: int) -> int:
    """How many of `rows` may be taken for damage: one in a thousand, at least one of a hundred."""
    return max(1, rows // 1000) if rows >= LEAST_ROWS else 0


def _tail(ordered: NDArray[np.float64]) -> _Tail:
    """What kind the upper tail is; the rows that may be damage do not count, on either side."""
    allowed = damage_limit(ordered.size)
    kept = ordered[allowed : ordered.size - allowed]
    foot, middle, shoulder = np.quantile(kept, (0.01, 0.5, 0.99), method="lower")
    if shoulder == middle:
        return _UNKNOWN
    if kept[-1] - shoulder > shoulder - middle:
        return _HEAVY
    return _LIGHT if shoulder - middle <= _SKEW * (middle - foot) else _SKEWED


def _end(ordered: NDArray[np.float64], allowed: int, tail: _Tail) -> float:
    """The largest value that is not damage."""
    start = float(ordered[min(allowed, ordered.size - 1)])
    apart = tail.apart * next(factor for least, factor in _PATIENCE if ordered.size >= least)
    for position in range(ordered.size - 1 - allowed, ordered.size - 1):
        here, following = float(ordered[position]), float(ordered[position + 1])
        width = here - start if tail in (_LIGHT, _SKEWED) else max(abs(here), here - start)
        if width > 0 and following - here > apart * width:
            return here
    return float(ordered[-1])


def _without_stray_signs(ordered: NDArray[np.float64], allowed: int, low: float, high: float) -> float:
    """Leave out a few negative values where nearly all rows are not, unless they continue a thinning tail."""
    negatives = int(np.searchsorted(ordered, 0.0))
    if not 0 < negatives <= allowed:
        return low
    rest = ordered[negatives:]
    width = high - float(rest[0])
    apart = float(rest[0]) - float(ordered[negatives - 1]) > _SIGN_APART * width
    span = float(rest[0] - ordered[0])
    crowd = int(np.searchsorted(rest, rest[0] + min(span, 0.1 * width), side="right"))
    return float(rest[0]) if apart or crowd > _CROWD * negatives else low


def _bound(low: float, high: float, tail: _Tail) -> float:
    """The upper bound, rounded outwards to a readable number by at most a twentieth of the range."""
    width = high - low
    reach = width if tail in (_LIGHT, _SKEWED) else max(width, abs(high))
    if width < 1 / _HUGE or math.isinf(tail.margin):
        return high if width == 0 else high + tail.margin * reach
    bound = high + tail.margin * reach
    step = math.floor(math.log10(0.05 * width))
    if step >= 0:
        return math.ceil(bound / 10.0**step) * 10.0**step
    return math.ceil(bound * 10.0**-step) / 10.0**-step
