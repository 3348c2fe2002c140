"""The parts of the test rows where the model does worst."""

from __future__ import annotations

import numpy as np

from stockade.assess.bins import Condition, conditions
from stockade.assess.exam import Exam
from stockade.assess.performance import figure
from stockade.metrics.arrays import Bools
from stockade.metrics.intervals import Estimate, mean, wilson
from stockade.metrics.slices import FoundSlice, worst_slices
from stockade.types.results import Figure
from stockade.types.scorecard import Slice, Task

MOST_COLUMNS = 100
"""Columns that conditions are made of; of more, the first."""

_LEAST_ROWS = 30
_SHARE = 0.01
_DOUBTFUL = 0.05
_UNPROVEN = 3


def support_of(rows: int) -> int:
    """Least rows of a slice: 1 % of the test rows, and at least 30."""
    return max(_LEAST_ROWS, int(np.ceil(rows * _SHARE)))


def find(exam: Exam) -> tuple[Slice, ...]:
    """Search slices of one or two conditions on features and sensitive columns, worst first.

    Classes are compared by accuracy, numbers by mean absolute error: measures that every row has its own part in. At
    most ten slices whose adjusted p-value is at most 0.05 are returned; where there is none, the three worst.
    """
    support = support_of(exam.test.rows)
    tests: list[Condition] = []
    column_of: list[int] = []
    for index, name in enumerate(_columns(exam)):
        found = conditions(exam.test.table.get_column(name), support)
        tests += found
        column_of += [index] * len(found)
    if not tests:
        return ()
    member = np.stack([test.member for test in tests], axis=1)
    losses = exam.test.mistakes()
    slices = worst_slices(losses, member, np.array(column_of, dtype=np.int64), support=support)
    proven = [part for part in slices if part.p_value <= _DOUBTFUL]
    return tuple(_slice(exam, part, tests, member) for part in (proven or slices[:_UNPROVEN]))


def worst(slices: tuple[Slice, ...]) -> Figure | None:
    """The figure ``slice.worst``; ``None`` where no slice is worse than the whole."""
    if not slices:
        return None
    inside = slices[0].figure
    return Figure("slice.worst", inside.value, inside.low, inside.high, inside.count)


def _columns(exam: Exam) -> list[str]:
    names = [feature.name for feature in exam.model.signature.features]
    names += [column.name for column in exam.schema.sensitive() if column.name not in names]
    present = set(exam.test.table.columns) - {exam.schema.target, exam.model.signature.target}
    return [name for name in names if name in present][:MOST_COLUMNS]


def _slice(exam: Exam, part: FoundSlice, tests: list[Condition], member: Bools) -> Slice:
    inside = np.all(member[:, list(part.conditions)], axis=1)
    losses = exam.test.mistakes()
    text = " and ".join(tests[index].text for index in part.conditions)
    if exam.task is Task.REGRESSION:
        found, name, overall = mean(losses[inside]), "mae", float(losses.mean())
        found = Estimate(found.value, max(found.low, 0.0), found.high)
    else:
        found, name = wilson(int((losses[inside] == 0).sum()), part.count), "accuracy"
        overall = 1 - float(losses.mean())
    return Slice(text, part.count, figure(name, found, part.count), overall, part.p_value)
