"""The linear contender: logistic or ridge regression on imputed, standardised and one-hot columns.

Everything is fitted on the training rows of a fold: medians, means, deviations, and which words are frequent enough
for a weight of their own. Standardised values are clipped at `CLIP` deviations, in training and after, which keeps
one absurd number from deciding everything.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from stockade.train.problem import Floats, Form, LinearForm, Parameters, Problem, Rows, Validation
from stockade.types.scorecard import Task

CLIP = 20.0
"""Standardised values end here, on both sides."""

WORDS = 40
"""Words of one column with a weight of their own."""

RARE = 5
"""A word needs that many training rows for a weight of its own."""


@dataclass(frozen=True, slots=True)
class Design:
    """How the matrix becomes the columns of a linear model.

    Attributes:
        numeric: Columns that hold numbers.
        median: Imputed values.
        mean: Subtracted.
        scale: Divided by.
        lacking: Positions in `numeric` with an indicator of absence.
        words: Codes with an indicator, by categorical column.
    """

    numeric: tuple[int, ...]
    median: Floats
    mean: Floats
    scale: Floats
    lacking: tuple[int, ...]
    words: dict[int, tuple[int, ...]]

    def apply(self, matrix: Floats) -> Floats:
        """Build the columns: standardised numbers, indicators of absence, indicators of words."""
        numbers = matrix[:, list(self.numeric)]
        absent = np.isnan(numbers)
        with np.errstate(over="ignore"):
            standard = (np.where(absent, self.median, numbers) - self.mean) / self.scale
        parts = [np.clip(standard, -CLIP, CLIP), absent[:, list(self.lacking)].astype(np.float64)]
        parts += [
            (matrix[:, [column]] == np.array(codes, dtype=np.float64)).astype(np.float64)
            for column, codes in self.words.items()
        ]
        return np.hstack(parts)


def _design(problem: Problem, rows: Rows) -> Design:
    matrix = problem.matrix[rows]
    numeric = tuple(column for column in range(matrix.shape[1]) if column not in problem.categorical)
    numbers = matrix[:, list(numeric)]
    absent = np.isnan(numbers)
    median = np.array(
        [np.median(column[~gap]) if not gap.all() else 0.0 for column, gap in zip(numbers.T, absent.T, strict=True)]
    )
    filled = np.where(absent, median, numbers)
    # Squares of values beyond 1e154 overflow; a power of two changes no bit of the others.
    power = np.frexp(np.abs(filled).max(axis=0, initial=0.0))[1]
    unit = np.ldexp(filled, -power)
    scale = np.ldexp(unit.std(axis=0), power)
    return Design(
        numeric,
        median.astype(np.float64),
        np.ldexp(unit.mean(axis=0), power),
        np.where(scale > 0, scale, 1.0),
        tuple(int(place) for place in np.flatnonzero(absent.any(axis=0) & ~absent.all(axis=0))),
        {column: _frequent(matrix[:, column]) for column in problem.categorical},
    )


def _frequent(codes: Floats) -> tuple[int, ...]:
    counts = np.bincount(codes[~np.isnan(codes)].astype(np.intp))
    order = np.argsort(-counts, kind="stable")[:WORDS]
    return tuple(sorted(int(code) for code in order if counts[code] >= RARE))


@dataclass(frozen=True, slots=True)
class FittedLinear:
    """A fitted scikit-learn model with its design."""

    design: Design
    model: Any
    targets: int

    def raw(self, matrix: Floats) -> Floats:
        """Decision values by scikit-learn."""
        columns = self.design.apply(matrix)
        decide = getattr(self.model, "decision_function", None) or self.model.predict
        raw: Floats = np.asarray(decide(columns), dtype=np.float64).reshape(len(matrix), self.targets)
        return raw

    def form(self) -> Form:
        """Weights by column and word."""
        weights = np.atleast_2d(np.asarray(self.model.coef_, dtype=np.float64)).T
        design = self.design
        first = len(design.numeric)
        second = first + len(design.lacking)
        tables: dict[int, Floats] = {}
        start = second
        for column, codes in design.words.items():
            table = np.zeros((max(codes, default=-1) + 1, self.targets))
            table[list(codes)] = weights[start : start + len(codes)]
            tables[column] = table
            start += len(codes)
        return LinearForm(
            numeric=design.numeric,
            median=design.median,
            mean=design.mean,
            scale=design.scale,
            weights=weights[:first],
            lacking=design.lacking,
            lacking_weights=weights[first:second],
            tables=tables,
            intercept=np.atleast_1d(np.asarray(self.model.intercept_, dtype=np.float64)),
        )


class LinearTrainer:
    """Fits logistic regression for classes and ridge regression for numbers.

    Parameters: ``C``, the inverse strength of the L2 penalty.
    """

    def validate(self, problem: Problem, parameters: Parameters) -> Validation:
        """Fit on the training rows of each round."""
        return Validation(
            tuple(_fit(problem, part.train, parameters).raw(problem.matrix[part.held]) for part in problem.rounds)
        )

    def fit(self, problem: Problem, parameters: Parameters, iterations: int) -> FittedLinear:
        """Fit on all rows."""
        del iterations
        return _fit(problem, np.arange(len(problem.target)), parameters)


def _fit(problem: Problem, rows: Rows, parameters: Parameters) -> FittedLinear:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression, Ridge

    strength = float(parameters.get("C", 1.0))
    design = _design(problem, rows)
    if problem.task is Task.REGRESSION:
        model = Ridge(alpha=1.0 / strength, solver="cholesky")
    else:
        model = LogisticRegression(C=strength, solver="lbfgs", max_iter=300, random_state=problem.seed)
    with warnings.catch_warnings():
        # A fit that has not fully converged is still a fair contender: its score on held-out rows decides.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(design.apply(problem.matrix[rows]), problem.target[rows])
    return FittedLinear(design, model, problem.targets)
