"""What contenders are given: a matrix, a target, and the rounds of cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from stockade.train.trees import Forest
from stockade.types.scorecard import Task

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Value = int | float | str | bool
Parameters = dict[str, Value]
T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Round:
    """Rows that train and rows that are held out."""

    train: Rows
    held: Rows


@dataclass(frozen=True, slots=True)
class Problem:
    """A task as trainers see it.

    Attributes:
        task: Kind of task.
        matrix: float64 ``[N, F]``; NaN is missing.
        target: float64 ``[N]``: class indices, or standardised numbers (mean 0, deviation 1).
        classes: Number of classes, 0 for regression.
        categorical: Columns that hold codes.
        rounds: Cross-validation.
        seed: Of every fit.
        threads: Fits at once.
    """

    task: Task
    matrix: Floats
    target: Floats
    classes: int
    categorical: tuple[int, ...]
    rounds: tuple[Round, ...]
    seed: int
    threads: int

    @property
    def targets(self) -> int:
        """Raw scores per row: one a class for several classes, else one."""
        return self.classes if self.task is Task.MULTICLASS else 1


@dataclass(frozen=True, slots=True)
class LinearForm:
    """A linear model over numbers and words.

    A number is imputed with its median, standardised and clipped to ``[-CLIP, CLIP]``; a word adds its row of
    weights.

    Attributes:
        numeric: Columns that hold numbers.
        median: Imputed values, as many.
        mean: Subtracted, as many.
        scale: Divided by, as many.
        weights: float64 ``[len(numeric), M]``.
        lacking: Columns among `numeric` whose absence has a weight of its own, as positions.
        lacking_weights: float64 ``[len(lacking), M]``.
        tables: For each categorical column its weights, float64 ``[codes, M]``.
        intercept: float64 ``[M]``.
    """

    numeric: tuple[int, ...]
    median: Floats
    mean: Floats
    scale: Floats
    weights: Floats
    lacking: tuple[int, ...]
    lacking_weights: Floats
    tables: dict[int, Floats]
    intercept: Floats


Form = Forest | LinearForm


class Fitted(Protocol):
    """A fitted model: the trainer's own prediction, and the form from which the export is written.

    `raw` must come from the trainer's library and `form` from its parameters, so that the replay compares two
    independent computations.
    """

    def raw(self, matrix: Floats) -> Floats:
        """Raw scores, float64 ``[N, M]``: log-odds, logits of each class, or the standardised number."""
        ...

    def form(self) -> Form:
        """The model's numbers."""
        ...


@dataclass(frozen=True, slots=True)
class Validation:
    """What cross-validation of one contender gave.

    Attributes:
        raws: Raw scores of the held-out rows, one array ``[n, M]`` a round.
        iterations: Boosting iterations for the final fit, 0 where there are none.
    """

    raws: tuple[Floats, ...]
    iterations: int = 0


class Trainer(Protocol):
    """A contender. Implementations keep no state between calls and use one thread a fit."""

    def validate(self, problem: Problem, parameters: Parameters) -> Validation:
        """Fit on the training rows of each round and score its held-out rows."""
        ...

    def fit(self, problem: Problem, parameters: Parameters, iterations: int) -> Fitted:
        """Fit on all rows."""
        ...


def in_parallel(job: Callable[[S], T], items: Sequence[S], threads: int) -> list[T]:
    """Run a job on each item, at most `threads` at once, each on one core; results come in the order of items."""

    def alone(item: S) -> T:
        with _one_core():
            return job(item)

    if threads == 1 or len(items) == 1:
        return [alone(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(alone, items))


def _one_core() -> threadpool_limits:
    # OpenMP's limit belongs to the calling thread, so each worker sets its own.
    return threadpool_limits(limits=1, user_api="openmp")


def batches(items: Sequence[S], size: int) -> Iterator[Sequence[S]]:
    """Cut a sequence into runs of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
