"""Rates of groups of rows, and the gaps between the groups.

A rate is judged only where enough rows stand behind it; the others are shown and left out of gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stockade.metrics.arrays import Bools, Floats, Ints
from stockade.metrics.intervals import Estimate, difference, mean, wilson

MIN_ROWS = 30
"""Rows below which a group is small."""

MIN_OF_KIND = 10
"""Positives below which a group's true-positive rate is not judged; negatives, its false-positive rate."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate of one group.

    Attributes:
        estimate: The rate with its 95 % interval.
        count: Rows it was computed on: of the group, or of its positives or negatives.
        judged: Whether those are enough for the rate to count in a gap.
    """

    estimate: Estimate
    count: int
    judged: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """Largest difference of a rate between judged groups.

    Attributes:
        estimate: Highest minus lowest rate, with the interval of that one difference; it is not adjusted for having
            picked the two groups.
        highest: Index of the group with the highest rate.
        lowest: Index of the group with the lowest.
        count: Rows behind the two rates.
    """

    estimate: Estimate
    highest: int
    lowest: int
    count: int


def class_rates(truth: Ints, predicted: Ints, member: Bools, *, binary: bool) -> dict[str, Rate]:
    """Rates of the rows of one group, with Wilson's intervals; those that its rows leave undefined are absent.

    Args:
        truth: Class indices ``[N]``.
        predicted: Predicted class indices ``[N]``.
        member: Which rows belong to the group.
        binary: Whether class 1 is positive, so that there are selection, true and false positive rates.

    Returns:
        ``selection_rate``, ``tpr``, ``fpr`` (two classes only) and ``accuracy``.
    """
    true, guessed = truth[member], predicted[member]
    rates: dict[str, Rate] = {}
    if binary:
        _add(rates, "selection_rate", guessed == 1, MIN_ROWS)
        _add(rates, "tpr", guessed[true == 1] == 1, MIN_OF_KIND)
        _add(rates, "fpr", guessed[true == 0] == 1, MIN_OF_KIND)
    _add(rates, "accuracy", guessed == true, MIN_ROWS)
    if len(true) < MIN_ROWS:
        return {name: Rate(rate.estimate, rate.count, judged=False) for name, rate in rates.items()}
    return rates


def _add(rates: dict[str, Rate], name: str, hits: Bools, least: int) -> None:
    if len(hits):
        rates[name] = Rate(wilson(int(hits.sum()), len(hits)), len(hits), judged=len(hits) >= least)


def number_rates(truth: Floats, predicted: Floats, member: Bools) -> dict[str, Rate]:
    """Mean absolute error and bias (mean of prediction minus truth) of one group, with normal intervals."""
    error = predicted[member] - truth[member]
    if not len(error):
        return {}
    judged = len(error) >= MIN_ROWS
    absolute = mean(np.abs(error))
    return {
        "mae": Rate(Estimate(absolute.value, max(absolute.low, 0.0), absolute.high), len(error), judged),
        "bias": Rate(mean(error), len(error), judged),
    }


def gap(rates: Sequence[Rate | None]) -> Gap | None:
    """The gap of one rate over groups (``None`` where a group has no such rate); ``None`` below two judged groups.

    The interval is Newcombe's of the difference of the two proportions, and for means that of squares and adds.
    """
    judged = [(rate.estimate.value, index) for index, rate in enumerate(rates) if rate is not None and rate.judged]
    if len(judged) < 2:
        return None
    highest = max(judged, key=lambda item: (item[0], -item[1]))[1]
    lowest = min(judged)[1]
    top, bottom = rates[highest], rates[lowest]
    if top is None or bottom is None:  # both were found among the judged
        return None
    between = difference(top.estimate, bottom.estimate)
    # A largest-minus-smallest difference cannot be negative.
    return Gap(Estimate(between.value, max(between.low, 0.0), between.high), highest, lowest, top.count + bottom.count)
