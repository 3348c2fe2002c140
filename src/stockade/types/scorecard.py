"""Records about models: who competed, and what the exported bytes achieve."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from stockade.types.results import Figure


class Task(StrEnum):
    """What is predicted."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One contender of training.

    Attributes:
        name: Shown name, such as ``lightgbm, searched``.
        trainer: Stable id of the trainer, such as ``lightgbm``.
        parameters: Name and value as text, in a fixed order.
        scores: Metric on each held-out fold.
        mean: Mean of ``scores``.
        deviation: Standard deviation of ``scores``.
        seconds: CPU seconds spent.
        chosen: Whether this one became the model.
        note: A sentence for people, such as how many trials were searched.
    """

    name: str
    trainer: str
    parameters: tuple[tuple[str, str], ...]
    scores: tuple[float, ...]
    mean: float
    deviation: float
    seconds: float
    chosen: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """All contenders, best first.

    Attributes:
        metric: Name of the metric in ``scores``.
        maximize: Whether more is better.
        candidates: Best first.
    """

    metric: str
    maximize: bool
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """A line to draw.

    Attributes:
        name: ``roc``, ``precision_recall``, ``calibration`` or ``residuals``.
        label: Which class or series it belongs to.
        x: Abscissae, at most 200.
        y: Ordinates, as many.
        weight: Rows behind each point, empty where it means nothing.
    """

    name: str
    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    weight: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Rates of one group of a sensitive column.

    Attributes:
        column: The sensitive column.
        value: The group, such as ``yes`` or ``16 to 24``.
        count: Test rows in it.
        figures: Rates with intervals; ``selection_rate tpr fpr accuracy`` for classes, ``mae bias`` for numbers.
        small: True when the group is too small to be judged; it is shown, and left out of gaps.
    """

    column: str
    value: str
    count: int
    figures: tuple[Figure, ...]
    small: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the test rows where the model does worse than on the whole.

    Attributes:
        description: Conjunction of conditions in words, such as ``age < 25 and sex = female``.
        count: Test rows in it.
        figure: The metric inside, with its interval.
        overall: The metric on all test rows.
        p_value: Adjusted for the number of slices looked at.
    """

    description: str
    count: int
    figure: Figure
    overall: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Scorecard:
    """All that `assess` found out about the exported bytes of one model.

    Attributes:
        task: Kind of task.
        metric: Name of the metric the model was selected by.
        rows: Test rows.
        classes: Class names in the order of the probability columns; empty for regression.
        figures: All figures, by their policy names.
        curves: Lines to draw.
        confusion: Square matrix, rows true, columns predicted; empty for regression.
        groups: Rates per sensitive group.
        slices: Worst first.
        notes: Method and limits of each assessment, one sentence each.
    """

    task: Task
    metric: str
    rows: int
    classes: tuple[str, ...]
    figures: tuple[Figure, ...]
    curves: tuple[Curve, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    groups: tuple[Group, ...] = ()
    slices: tuple[Slice, ...] = ()
    notes: tuple[str, ...] = ()
