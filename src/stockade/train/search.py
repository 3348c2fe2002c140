"""The search: LightGBM's parameters by a tree-structured Parzen estimator, counted in trials.

Source of the method: Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization", as implemented by Optuna.
Nothing depends on time or threads, so a search repeats exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from stockade.train.boosting import DEFAULTS, Fold, validate
from stockade.train.effort import SEARCH, Meter
from stockade.train.problem import Parameters, Problem, Validation

Score = Callable[[Validation], float]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave.

    Attributes:
        parameters: The best set.
        validation: Its cross-validation.
        trials: Sets tried.
        abandoned: Sets given up after some folds.
    """

    parameters: Parameters
    validation: Validation
    trials: int
    abandoned: int


def search(
    problem: Problem, folds: Sequence[Fold], trials: int, loss: Score, progress: Callable[[int, str], None]
) -> Found:
    """Search for the parameters with the smallest cross-validated loss.

    The first trial is LightGBM's default. A trial that is behind the best one on each of its first folds is given up.
    After the trials the best set is tried once more at a third of its learning rate. A search ends early once it has
    done `stockade.train.effort.SEARCH` units of work.

    Args:
        problem: What is to be learnt.
        folds: Rounds, binned.
        trials: Sets to try, at least 1.
        loss: Ranks a cross-validation, less is better.
        progress: Called with the number of trials done and a sentence.
    """
    study = _study(problem.seed, trials)
    study.enqueue_trial(_flat(problem))
    best: Found | None = None
    best_loss = float("inf")
    marks: Sequence[float] = ()
    abandoned = 0
    meter, tried = Meter(), 0
    while tried < trials and meter.spent < SEARCH:
        trial = study.ask()
        parameters = _suggest(trial, problem)
        race = _Race(marks)
        validation = validate(problem, folds, parameters, abandon=race.lost, meter=meter)
        tried += 1
        if validation is None:
            abandoned += 1
            study.tell(trial, best_loss + race.behind())
        else:
            value = loss(validation)
            study.tell(trial, value)
            if value < best_loss:
                best_loss, marks = value, race.losses
                best = Found(parameters, validation, tried, abandoned)
        progress(tried, f"trial {tried} of {trials}, best {best_loss:.5g}")
    assert best is not None  # noqa: S101 - the first trial has nothing to be behind of
    return _slower(problem, folds, Found(best.parameters, best.validation, tried, abandoned), loss)


@dataclass(slots=True)
class _Race:
    """One trial against the best so far, fold by fold.

    Attributes:
        marks: Losses of the best trial on its first folds.
        losses: This trial's.
    """

    marks: Sequence[float]
    losses: Sequence[float] = ()

    def lost(self, losses: Sequence[float]) -> bool:
        """Whether every fold so far is worse than the best trial's."""
        self.losses = losses
        return bool(self.marks) and all(loss > mark for loss, mark in zip(losses, self.marks, strict=False))

    def behind(self) -> float:
        """Mean distance to the best trial over the folds that were run."""
        return sum(loss - mark for loss, mark in zip(self.losses, self.marks, strict=False)) / len(self.losses)


def _slower(problem: Problem, folds: Sequence[Fold], found: Found, loss: Score) -> Found:
    rate = round(float(found.parameters["learning_rate"]) / 3, 6)
    parameters = {**found.parameters, "learning_rate": rate}
    validation = validate(problem, folds, parameters)
    if validation is None or loss(validation) >= loss(found.validation):
        return found
    return Found(parameters, validation, found.trials, found.abandoned)


def _study(seed: int, trials: int) -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(4, min(10, trials // 3)))
    return optuna.create_study(sampler=sampler, direction="minimize")


def _flat(problem: Problem) -> dict[str, Any]:
    """LightGBM's default, in the words of the search space."""
    return {
        "num_leaves": int(DEFAULTS["num_leaves"]),
        "min_data_in_leaf": min(20, _most_in_leaf(problem)),
        "feature_fraction": 1.0,
        "bagging_fraction": 1.0,
        "lambda_l2": 0.001,
    }


def _suggest(trial: Any, problem: Problem) -> Parameters:
    """Draw from the search space. The learning rate is fixed while the shape of trees is searched."""
    return {
        "learning_rate": 0.1,
        "num_leaves": trial.suggest_int("num_leaves", 4, 128, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 5, _most_in_leaf(problem), log=True),
        "feature_fraction": round(trial.suggest_float("feature_fraction", 0.3, 1.0), 3),
        "bagging_fraction": round(trial.suggest_float("bagging_fraction", 0.5, 1.0), 3),
        "bagging_freq": 1,
        "lambda_l2": float(f"{trial.suggest_float('lambda_l2', 1e-3, 30.0, log=True):.3g}"),
    }


def _most_in_leaf(problem: Problem) -> int:
    return max(10, min(200, len(problem.target) // 20))
