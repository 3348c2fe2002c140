"""The constant contender: class shares, or the mean. Whatever cannot beat it has learnt nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stockade.train.problem import Floats, Form, Parameters, Problem, Rows, Validation
from stockade.train.trees import Forest
from stockade.types.scorecard import Task


@dataclass(frozen=True, slots=True)
class FittedConstant:
    """One raw score for every row; float64 ``[M]``."""

    value: Floats

    def raw(self, matrix: Floats) -> Floats:
        """The same for every row."""
        return np.tile(self.value, (len(matrix), 1))

    def form(self) -> Form:
        """A forest of single leaves."""
        forest = Forest(len(self.value))
        for target, weight in enumerate(self.value):
            forest.add_constant(float(weight), target)
        return forest


class ConstantTrainer:
    """Fits class shares or the mean."""

    def validate(self, problem: Problem, parameters: Parameters) -> Validation:
        """Fit on the training rows of each round."""
        del parameters
        return Validation(tuple(_fit(problem, part.train).raw(problem.matrix[part.held]) for part in problem.rounds))

    def fit(self, problem: Problem, parameters: Parameters, iterations: int) -> FittedConstant:
        """Fit on all rows."""
        del parameters, iterations
        return _fit(problem, np.arange(len(problem.target)))


def _fit(problem: Problem, rows: Rows) -> FittedConstant:
    target = problem.target[rows]
    if problem.task is Task.REGRESSION:
        return FittedConstant(np.array([target.mean()]))
    # Half a row is added to each class, so that a class without rows keeps a finite score.
    shares = np.bincount(target.astype(np.intp), minlength=problem.classes) + 0.5
    scores = np.log(shares)
    return FittedConstant(scores if problem.task is Task.MULTICLASS else scores[1:] - scores[:1])
