"""How to train: the settings a project may choose."""

from __future__ import annotations

from dataclasses import dataclass

from stockade.errors import ConfigError
from stockade.train.scoring import METRICS
from stockade.types.scorecard import Task

TRAINERS = ("constant", "linear", "histogram", "lightgbm", "search", "blend")
"""Stable ids of the built-in contenders, in the order in which they compete."""

CALIBRATIONS = ("auto", "none", "sigmoid", "isotonic", "temperature")
"""How probabilities may be calibrated; ``auto`` decides by out-of-fold log-loss."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train.

    Attributes:
        metric: What contenders are ranked by, a key of `stockade.train.scoring.METRICS`; ``auto`` is ``log_loss`` for
            classes and ``rmse`` for numbers.
        trials: Parameter sets that the search tries, 0 for no search.
        seed: Of the search and of every fit, 0 to 2**31 - 1.
        trainers: Contenders, ids of `TRAINERS`; the constant always competes.
        time_ordered: Whether fold k is predicted from the folds before it only; fold 0 then only trains.
        calibration: One of `CALIBRATIONS`.
        threads: Fits that run at once; each uses one thread, so the result does not depend on it.

    Raises:
        ConfigError: a value is out of range or unknown.
    """

    metric: str = "auto"
    trials: int = 20
    seed: int = 0
    trainers: tuple[str, ...] = TRAINERS
    time_ordered: bool = False
    calibration: str = "auto"
    threads: int = 2

    def __post_init__(self) -> None:
        _expect(self.metric == "auto" or self.metric in METRICS, "metric", self.metric, ("auto", *METRICS))
        _expect(0 <= self.trials <= 10_000, "trials", self.trials, ("0 to 10000",))
        _expect(0 <= self.seed < 1 << 31, "seed", self.seed, ("0 to 2147483647",))
        for trainer in self.trainers:
            _expect(trainer in TRAINERS, "trainers", trainer, TRAINERS)
        _expect(self.calibration in CALIBRATIONS, "calibration", self.calibration, CALIBRATIONS)
        _expect(1 <= self.threads <= 64, "threads", self.threads, ("1 to 64",))

    def metric_for(self, task: Task) -> str:
        """The metric that contenders for `task` are ranked by.

        Raises:
            ConfigError: the metric does not apply to the task.
        """
        if self.metric == "auto":
            return "rmse" if task is Task.REGRESSION else "log_loss"
        fitting = tuple(name for name, metric in METRICS.items() if task in metric.tasks)
        _expect(self.metric in fitting, "metric", f"{self.metric} for a {task} task", fitting)
        return self.metric


def _expect(holds: bool, key: str, value: object, allowed: tuple[str, ...]) -> None:  # noqa: FBT001 - an assertion
    if not holds:
        raise ConfigError(
            f"{value} cannot be used", where=f"[train] {key}", remedy=f"Choose among: {', '.join(allowed)}."
        )
