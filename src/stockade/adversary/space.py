"""What an attacker may do to a row, and what it costs.

Rows are points: float64 ``[N, D]``, one column a feature. Numbers stand for themselves, NaN for missing. Categories
stand as their index among the known ones.

- A number may move within the range that was observed, and past it only as far as the row already is; whole-number
  columns keep whole numbers. Moving costs its way in standard deviations: of the column, or those that a normal one
  with its quartiles would have where that is less, so that a few huge values do not make all others cheap.
- A category may become any other known category, at a cost of 1, as much as one standard deviation.
- A missing value stays missing, and no value is made missing.
- The cost of a change is the Euclidean length over all columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stockade.metrics.arrays import Bools, Floats

_NORMAL = 0.7413
"""Standard deviations between the quartiles of a normal distribution, inverted."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One feature as an attacker sees it.

    Attributes:
        name: Column name.
        low: Smallest value observed.
        high: Largest value observed.
        scale: Standard deviation, see above, positive; it is the unit of cost.
        integer: Whether values are whole numbers.
        levels: Number of known categories, 0 for a number.
        mutable: Whether the attacker can change it at all.

    Raises:
        ValueError: the scale is not positive, or the range is empty.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    scale: float = 1.0
    integer: bool = False
    levels: int = 0
    mutable: bool = True

    def __post_init__(self) -> None:
        if not self.scale > 0 or not self.low <= self.high:
            raise ValueError(f"dimension {self.name!r} has no scale or no range")

    @classmethod
    def of_numbers(cls, name: str, values: Floats, *, integer: bool) -> Dimension:
        """Observe a numeric column; one without spread cannot be changed."""
        seen = values[np.isfinite(values)]
        spread = float(np.std(seen)) if len(seen) else 0.0
        if not 0 < spread < np.inf:
            return cls(name, integer=integer, mutable=False)
        lower, upper = np.quantile(seen, (0.25, 0.75))
        middle = _NORMAL * float(upper - lower)
        scale = min(spread, middle) if middle > 0 else spread
        return cls(name, float(seen.min()), float(seen.max()), scale, integer=integer)

    @classmethod
    def of_categories(cls, name: str, levels: int) -> Dimension:
        """A categorical column of so many known categories; one of a single category cannot be changed."""
        return cls(name, 0.0, float(max(levels - 1, 0)), levels=levels, mutable=levels > 1)


class Space:
    """All features of a model, in the order of a point's columns.

    Attributes:
        dimensions: Of each column.
        categorical: Which columns are categories, ``[D]``.
        numeric: Which columns are numbers that can be changed, ``[D]``.
        scale: Unit of cost of each column, ``[D]``.
    """

    def __init__(self, dimensions: tuple[Dimension, ...]) -> None:
        self.dimensions = dimensions
        self.categorical: Bools = np.array([dimension.levels > 0 for dimension in dimensions], dtype=np.bool_)
        self._mutable = np.array([dimension.mutable for dimension in dimensions], dtype=np.bool_)
        self.numeric: Bools = self._mutable & ~self.categorical
        self.scale: Floats = np.array([dimension.scale for dimension in dimensions], dtype=np.float64)
        self._low = np.array([dimension.low for dimension in dimensions], dtype=np.float64)
        self._high = np.array([dimension.high for dimension in dimensions], dtype=np.float64)
        self._integer = np.array([dimension.integer for dimension in dimensions], dtype=np.bool_)

    def confine(self, points: Floats, originals: Floats) -> Floats:
        """Bring wished points back to what the attacker may do to the original rows; shapes ``[..., D]`` alike."""
        whole = np.where(self._integer, np.round(points), points)
        allowed = np.clip(whole, np.fmin(self._low, originals), np.fmax(self._high, originals))
        kept = ~self._mutable | np.isnan(originals) | np.isnan(points)
        return np.where(kept, originals, allowed)

    def differences(self, points: Floats, originals: Floats) -> Floats:
        """Cost of each column's change ``[..., D]``; missing against anything costs nothing."""
        apart = np.where(self.categorical, (points != originals).astype(np.float64), (points - originals) / self.scale)
        return np.where(np.isnan(apart) | np.isnan(originals), 0.0, apart)

    def distance(self, points: Floats, originals: Floats) -> Floats:
        """Cost of turning the originals into the points, ``[...]``."""
        length: Floats = np.sqrt(np.sum(self.differences(points, originals) ** 2, axis=-1))
        return length

    def nearest(self, points: Floats, pool: Floats, eligible: Bools, count: int) -> tuple[Floats, Bools]:
        """The nearest eligible rows of a pool to each point, brought within what the attacker may do.

        Args:
            points: ``[N, D]``.
            pool: ``[P, D]``.
            eligible: Which row of the pool may serve which point, ``[N, P]``.
            count: How many to find.

        Returns:
            Candidates ``[N, count, D]``, and which of them exist, ``[N, count]``.
        """
        found = np.repeat(points[:, None, :], count, axis=1)
        exists = np.zeros((len(points), count), dtype=np.bool_)
        width = min(count, len(pool))
        for row, point in enumerate(points):
            apart = np.where(
                eligible[row], self.distance(self.confine(pool, np.broadcast_to(point, pool.shape)), point), np.inf
            )
            best = np.argpartition(apart, width - 1)[:width] if width else np.zeros(0, dtype=np.int64)
            best = best[np.argsort(apart[best], kind="stable")]
            found[row, :width] = self.confine(pool[best], np.broadcast_to(point, (width, len(point))))
            exists[row, :width] = np.isfinite(apart[best])
        return found, exists
