"""LightGBM: its defaults, and the fits that the search asks for.

All folds of a contender share one number of iterations: the best of the mean learning curve. Single folds stop when
their own loss has not improved for `PATIENCE` iterations, so that curve is known well beyond its minimum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stockade.train.effort import Meter
from stockade.train.lightgbm_trees import read_forest
from stockade.train.problem import Floats, Form, Parameters, Problem, Round, Validation, batches, in_parallel
from stockade.types.scorecard import Task

PATIENCE = 30
"""Iterations without a better loss after which a fold stops."""

LIMIT = 1_500
"""Most iterations of any fit."""

DEFAULTS: Parameters = {"learning_rate": 0.1, "num_leaves": 31, "min_data_in_leaf": 20}
"""LightGBM's own defaults, spelt out."""

_FIXED: Parameters = {
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
    "feature_pre_filter": False,
    "boost_from_average": True,
}
_OBJECTIVES = {
    Task.BINARY: ("binary", "binary_logloss"),
    Task.MULTICLASS: ("multiclass", "multi_logloss"),
    Task.REGRESSION: ("regression", "l2"),
}


@dataclass(frozen=True, slots=True)
class FittedBoosting:
    """A fitted booster, used up to a number of iterations."""

    booster: Any
    iterations: int
    targets: int

    def raw(self, matrix: Floats) -> Floats:
        """Raw scores by LightGBM."""
        raw: Floats = self.booster.predict(matrix, raw_score=True, num_iteration=self.iterations, num_threads=1)
        return raw.reshape(len(matrix), self.targets)

    def form(self) -> Form:
        """The booster's trees."""
        return read_forest(self.booster.model_to_string(num_iteration=self.iterations), self.targets)


@dataclass(frozen=True, slots=True)
class Fold:
    """One round with its data binned, so that many fits share the work."""

    part: Round
    train: Any
    held: Any


class BoostingTrainer:
    """Fits LightGBM. Parameters are LightGBM's own; those not given are its defaults."""

    def validate(self, problem: Problem, parameters: Parameters) -> Validation:
        """Fit on the training rows of each round."""
        result = validate(problem, folds_of(problem), parameters)
        assert result is not None  # noqa: S101 - only an `abandon` makes it None
        return result

    def fit(self, problem: Problem, parameters: Parameters, iterations: int) -> FittedBoosting:
        """Fit on all rows with a fixed number of iterations."""
        import lightgbm

        booster = lightgbm.train(
            _parameters(problem, parameters),
            _dataset(problem, np.arange(len(problem.target))).construct(),
            num_boost_round=max(iterations, 1),
        )
        return FittedBoosting(booster, max(iterations, 1), problem.targets)


def folds_of(problem: Problem) -> tuple[Fold, ...]:
    """Bin the rows of every round; held-out rows take the bins of the training rows."""
    folds = []
    for part in problem.rounds:
        train = _dataset(problem, part.train).construct()
        held = train.create_valid(
            problem.matrix[part.held], label=problem.target[part.held], params=dict(_FIXED)
        ).construct()
        folds.append(Fold(part, train, held))
    return tuple(folds)


def validate(
    problem: Problem,
    folds: Sequence[Fold],
    parameters: Parameters,
    *,
    abandon: Callable[[Sequence[float]], bool] | None = None,
    meter: Meter | None = None,
) -> Validation | None:
    """Cross-validate one set of parameters.

    Args:
        problem: What is to be learnt.
        folds: From `folds_of`.
        parameters: LightGBM's.
        abandon: Asked after each pair of folds with the best loss of each fold so far; true gives the rest up.
        meter: Counts the work.

    Returns:
        Held-out raw scores and the common number of iterations; ``None`` when given up.
    """

    def job(fold: Fold) -> tuple[Any, Floats]:
        return _learn(problem, fold, parameters)

    results: list[tuple[Any, Floats]] = []
    for batch in batches(folds, 2):  # pairs whatever the threads, so that what is given up does not depend on them
        results += in_parallel(job, batch, problem.threads)
        for fold, (_, curve) in zip(batch, results[-len(batch) :], strict=True):
            (meter or Meter()).count(len(fold.part.train), problem.matrix.shape[1], len(curve) * problem.targets)
        if len(results) < len(folds) and abandon and abandon([float(curve.min()) for _, curve in results]):
            return None
    length = min(len(curve) for _, curve in results)
    iterations = int(np.argmin(np.mean([curve[:length] for _, curve in results], axis=0))) + 1
    raws = tuple(
        FittedBoosting(booster, iterations, problem.targets).raw(problem.matrix[fold.part.held])
        for (booster, _), fold in zip(results, folds, strict=True)
    )
    return Validation(raws, iterations)


def _learn(problem: Problem, fold: Fold, parameters: Parameters) -> tuple[Any, Floats]:
    """Grow trees until the held-out loss has not improved for `PATIENCE` iterations."""
    import lightgbm

    booster = lightgbm.Booster(_parameters(problem, parameters), fold.train)
    booster.add_valid(fold.held, "held")
    curve: list[float] = []
    best = 0
    while len(curve) < LIMIT:
        finished = booster.update()
        curve.append(float(booster.eval_valid()[0][2]))
        if curve[-1] < curve[best]:
            best = len(curve) - 1
        if finished or len(curve) - 1 - best >= PATIENCE:
            break
    return booster, np.array(curve)


def _parameters(problem: Problem, parameters: Parameters) -> dict[str, Any]:
    objective, metric = _OBJECTIVES[problem.task]
    chosen: dict[str, Any] = {**DEFAULTS, **parameters, **_FIXED, "objective": objective, "metric": metric}
    chosen["seed"] = problem.seed
    if problem.task is Task.MULTICLASS:
        chosen["num_class"] = problem.classes
    return chosen


def _dataset(problem: Problem, rows: Any) -> Any:
    import lightgbm

    return lightgbm.Dataset(
        problem.matrix[rows],
        label=problem.target[rows],
        categorical_feature=list(problem.categorical),
        params=dict(_FIXED),
        free_raw_data=True,
    )
