"""How much work a fit is, counted and not timed, so that what is left out does not depend on the machine.

A unit is one value of the matrix looked at once for one tree; measured, it costs LightGBM 3 to 5 ns and HistGradient-
Boosting 5 to 10 ns of one core.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from stockade.train.problem import Problem

SEARCH = 6e9
"""Units that a search may spend before it stops trying, about 25 s of one core."""

VALIDATION = 1.5e10
"""Units that cross-validating one contender may take; beyond, fewer rounds are run, but never fewer than two."""

DEFAULT_TREES = 100
"""Boosting iterations that an estimate assumes."""


@dataclass(slots=True)
class Meter:
    """Counts the units spent."""

    spent: float = 0.0

    def count(self, rows: int, features: int, trees: int) -> None:
        """Add what growing some trees on some rows took."""
        self.spent += float(rows) * features * trees


def estimate(problem: Problem) -> float:
    """Units of one fit of default boosting on all rows."""
    rows, features = problem.matrix.shape
    units: float = float(rows) * features * DEFAULT_TREES * problem.targets
    return units


def within_reach(problem: Problem) -> Problem:
    """Leave rounds out where running all of them would take too long; ordered rounds keep the latest."""
    keep = max(2, int(VALIDATION / max(estimate(problem), 1.0)))
    return replace(problem, rounds=problem.rounds[-keep:])


def affords_histogram(problem: Problem) -> bool:
    """Whether the slower of the two tree libraries can be cross-validated in reasonable time."""
    return estimate(problem) * len(problem.rounds) <= VALIDATION / 2


def affords_search(problem: Problem) -> bool:
    """Whether at least three trials fit into a search."""
    return estimate(problem) * len(problem.rounds) * 3 <= SEARCH
