"""The default contender: scikit-learn's HistGradientBoosting as it comes, with native categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stockade.train.histogram_trees import read_forest
from stockade.train.problem import Floats, Form, Parameters, Problem, Round, Rows, Validation, in_parallel
from stockade.types.scorecard import Task


@dataclass(frozen=True, slots=True)
class FittedHistogram:
    """A fitted estimator."""

    model: Any
    targets: int

    def raw(self, matrix: Floats) -> Floats:
        """Raw predictions by scikit-learn."""
        decide = getattr(self.model, "decision_function", None) or self.model.predict
        raw: Floats = np.asarray(decide(matrix), dtype=np.float64).reshape(len(matrix), self.targets)
        return raw

    def form(self) -> Form:
        """The estimator's trees."""
        return read_forest(self.model)


class HistogramTrainer:
    """Fits HistGradientBoosting with default parameters.

    Folds stop early as the default does (a tenth of the rows, from 10,000 on); the final fit then makes the median
    number of iterations on all rows.
    """

    def validate(self, problem: Problem, parameters: Parameters) -> Validation:
        """Fit on the training rows of each round."""

        def job(part: Round) -> tuple[Floats, int]:
            fitted = _fit(problem, part.train, parameters, 0)
            return fitted.raw(problem.matrix[part.held]), int(fitted.model.n_iter_)

        results = in_parallel(job, problem.rounds, problem.threads)
        iterations = int(np.median([count for _, count in results]))
        return Validation(tuple(raw for raw, _ in results), iterations)

    def fit(self, problem: Problem, parameters: Parameters, iterations: int) -> FittedHistogram:
        """Fit on all rows with a fixed number of iterations."""

        def job(rows: Rows) -> FittedHistogram:
            return _fit(problem, rows, parameters, iterations)

        return in_parallel(job, [np.arange(len(problem.target))], 1)[0]


def _fit(problem: Problem, rows: Rows, parameters: Parameters, iterations: int) -> FittedHistogram:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingRegressor if problem.task is Task.REGRESSION else HistGradientBoostingClassifier
    fixed = {"max_iter": iterations, "early_stopping": False} if iterations else {}
    model = kind(
        **{**parameters, **fixed},
        categorical_features=list(problem.categorical) or None,
        random_state=problem.seed,
    )
    model.fit(problem.matrix[rows], problem.target[rows])
    return FittedHistogram(model, problem.targets)
