"""How much of each thing a page shows, so that no input makes it larger than it may be.

What is left out is always counted on the page. `LEVELS` are tried in order until the page fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from stockade.report.wording import plural

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Caps:
    """Largest number of each thing; `text` is the longest sentence and `name` the longest name, in characters."""

    text: int = 400
    name: int = 80
    columns: int = 96
    cards: int = 18
    top: int = 6
    rejections: int = 200
    findings: int = 60
    rulings: int = 60
    candidates: int = 16
    folds: int = 20
    sensitive: int = 12
    groups: int = 24
    slices: int = 20
    curves: int = 12
    points: int = 200
    classes: int = 16
    figures: int = 40
    steps: int = 60
    pairs: int = 60


LEVELS: tuple[Caps, ...] = (
    Caps(),
    Caps(text=200, name=60, columns=64, findings=40, rulings=40, groups=16, slices=12, steps=40, pairs=40, points=120),
    Caps(160, 40, 32, 12, 5, 120, 24, 24, 10, 10, 6, 10, 8, 8, 80, 10, 24, 24, 24),
    Caps(80, 24, 8, 8, 3, 40, 10, 14, 6, 6, 3, 6, 4, 3, 40, 6, 12, 12, 12),
)


def rest(total: int, shown: int, one: str, many: str = "") -> str:
    """Say how many of `total` are not shown; empty when all are."""
    return f"and {plural(total - shown, 'more ' + one, 'more ' + (many or one + 's'))}" if total > shown else ""


def thin(values: Sequence[T], most: int) -> tuple[T, ...]:
    """Keep at most `most` values, evenly spread, the first and the last among them."""
    if len(values) <= most or most < 2:
        return tuple(values[:most])
    return tuple(values[round(index * (len(values) - 1) / (most - 1))] for index in range(most))
