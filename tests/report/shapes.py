"""Small shapes that sample reports are made of: columns, curves and rates."""

from __future__ import annotations

import math
from statistics import NormalDist

from stockade.types.digest import Digest
from stockade.types.results import Figure
from stockade.types.scorecard import Curve
from stockade.types.table import Bar, ColumnProfile, Tally

NORMAL = NormalDist()


def digest(text: str) -> Digest:
    return Digest.of(text.encode())


def bars(low: float, high: float, shape: list[int]) -> tuple[Bar, ...]:
    width = (high - low) / len(shape)
    return tuple(Bar(low + i * width, low + (i + 1) * width, count) for i, count in enumerate(shape))


def numeric(name: str, low: float, high: float, shape: list[int], quantiles: tuple[float, ...]) -> ColumnProfile:
    return ColumnProfile(
        name, "integer", sum(shape), 0, 78, low, high, quantiles[2], 18.7, quantiles, bars(low, high, shape)
    )


def words(name: str, counts: dict[str, int], nulls: int = 0) -> ColumnProfile:
    top = tuple(Tally(value, count) for value, count in counts.items())
    return ColumnProfile(name, "category", sum(counts.values()), nulls, len(counts), top=top)


def yes_no(name: str, yes: int) -> ColumnProfile:
    return words(name, {"no": 57718 - yes, "yes": yes})


def roc(shift: float, label: str = "employed") -> Curve:
    cuts = [4 - index * 0.08 for index in range(101)]
    x = (0.0, *(1 - NORMAL.cdf(cut) for cut in cuts), 1.0)
    y = (0.0, *(1 - NORMAL.cdf(cut - shift) for cut in cuts), 1.0)
    return Curve("roc", label, x, y)


def precision_recall(shift: float, positive: float, label: str = "employed") -> Curve:
    x, y = [], []
    for index in range(100):
        cut = 4 - index * 0.08
        hit, false = 1 - NORMAL.cdf(cut - shift), 1 - NORMAL.cdf(cut)
        x.append(hit)
        y.append(positive * hit / (positive * hit + (1 - positive) * false))
    return Curve("precision_recall", label, tuple(x), tuple(y))


def calibration(label: str = "employed", wobble: float = 0.018) -> Curve:
    x = tuple(0.05 + 0.1 * index for index in range(10))
    y = tuple(min(1.0, max(0.0, value + wobble * math.sin(9 * value))) for value in x)
    return Curve("calibration", label, x, y, (1650, 720, 430, 390, 410, 520, 690, 1180, 2480, 3073))


def rate(name: str, value: float, count: int) -> Figure:
    half = 1.96 * math.sqrt(max(value * (1 - value), 0.0004) / max(count, 1))
    return Figure(name, value, max(0.0, value - half), min(1.0, value + half), count)
