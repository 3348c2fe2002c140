"""What fold numbers mean.

A split gives each row one number: `TEST` for the rows kept for assessment, otherwise its fold. Without a time column
each of `folds` folds (0, 1, ...) is held out once while the others train. With one, rows fall into ``folds + 1``
consecutive blocks, and block ``j >= 1`` is held out while the blocks before it train: an expanding window, so that no
row is predicted from its future (Tashman 2000, "Out-of-sample tests of forecasting accuracy").
"""

from __future__ import annotations

FOLD = "fold"
"""Name of the series of fold numbers, Int8."""

TEST = -1
"""Fold number of rows that no model sees before assessment."""


def rounds(folds: int, *, ordered: bool) -> tuple[tuple[tuple[int, ...], int], ...]:
    """List the rounds of cross-validation as pairs of (fold numbers that train, fold number held out).

    Raises:
        ValueError: fewer than two folds, or fewer than one where rows are ordered.
    """
    if folds < (1 if ordered else 2):
        raise ValueError(f"{folds} folds are too few")
    if ordered:
        return tuple((tuple(range(block)), block) for block in range(1, folds + 1))
    return tuple((tuple(other for other in range(folds) if other != fold), fold) for fold in range(folds))
