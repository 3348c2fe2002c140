"""How hard a model is examined."""

from __future__ import annotations

from dataclasses import dataclass

from stockade.errors import ConfigError
from stockade.metrics.scores import default_metric, metrics_of
from stockade.types.scorecard import Task


@dataclass(frozen=True, slots=True)
class Settings:
    """How to assess.

    Attributes:
        metric: What the model was selected by, a name of `stockade.metrics.scores.MAXIMIZE`; ``auto`` is ``log_loss``
            for classes and ``rmse`` for numbers.
        sensitive: Columns to report groups by, besides those that the schema calls sensitive.
        attacks: Whether the evasion and membership attacks run.
        rows: Test rows that the evasion attack is tried on.
        queries: Model queries that it may spend on each row.
        epsilon: Cost, in standard deviations, within which a changed answer counts (`stockade.adversary.space`).
        tolerance: Regression: how far a prediction must move to count as changed, in standard deviations of the
            target.
        slices: Whether weak slices are searched for.
        seed: Of samples, bootstrap and attacks, 0 to 2**31 - 1.

    Raises:
        ConfigError: a value is out of range.
    """

    metric: str = "auto"
    sensitive: tuple[str, ...] = ()
    attacks: bool = True
    rows: int = 500
    queries: int = 200
    epsilon: float = 0.1
    tolerance: float = 0.25
    slices: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        bounds = (("rows", 1, 1_000_000), ("queries", 10, 100_000), ("seed", 0, 2**31 - 1))
        for name, low, high in bounds:
            if not low <= getattr(self, name) <= high:
                raise _unfit(name, getattr(self, name), f"{low} to {high}")
        for name in ("epsilon", "tolerance"):
            if not 0 < getattr(self, name) <= 100:
                raise _unfit(name, getattr(self, name), "a number above 0, at most 100")

    def metric_for(self, task: Task) -> str:
        """The metric that the model was selected by.

        Raises:
            ConfigError: the metric is not one of the task's.
        """
        if self.metric == "auto":
            return default_metric(task)
        if self.metric not in metrics_of(task):
            raise _unfit("metric", f"{self.metric} for a {task.value} task", ", ".join(metrics_of(task)))
        return self.metric


def _unfit(key: str, value: object, allowed: str) -> ConfigError:
    return ConfigError(f"{value} cannot be used", where=f"[assess] {key}", remedy=f"Choose among: {allowed}.")
