"""Rates by group of each sensitive column, and the gaps between groups."""

from __future__ import annotations

from dataclasses import dataclass

from stockade.assess.bins import Condition, groups
from stockade.assess.exam import Exam
from stockade.assess.performance import figure
from stockade.metrics.groups import Gap, Rate, class_rates, gap, number_rates
from stockade.metrics.intervals import Estimate
from stockade.types.results import Figure
from stockade.types.scorecard import Group, Task

GAP_OF = {"tpr": "tpr_gap", "fpr": "fpr_gap", "selection_rate": "selection_gap"}
"""Rates of a binary task that have a gap, and the gap's figure name."""


@dataclass(frozen=True, slots=True)
class ColumnGap:
    """A gap with the names of the two groups it lies between.

    Attributes:
        column: The sensitive column.
        rate: Name of the rate.
        figure: The gap.
        highest: Group with the highest rate, and the rate.
        lowest: Group with the lowest rate, and the rate.
    """

    column: str
    rate: str
    figure: Figure
    highest: tuple[str, float]
    lowest: tuple[str, float]


@dataclass(frozen=True, slots=True)
class Fairness:
    """All groups, and all gaps between them."""

    groups: tuple[Group, ...]
    gaps: tuple[ColumnGap, ...]


def columns_of(exam: Exam) -> tuple[str, ...]:
    """The sensitive columns that the test part has, in the schema's order."""
    wished = [column.name for column in exam.schema.sensitive()]
    wished += [name for name in exam.settings.sensitive if name not in wished]
    return tuple(name for name in wished if name in exam.test.table.columns and name != exam.schema.target)


def compare(exam: Exam) -> Fairness:
    """Measure every group of every sensitive column of the test part."""
    found_groups: list[Group] = []
    found_gaps: list[ColumnGap] = []
    for column in columns_of(exam):
        parts = groups(exam.test.table.get_column(column))
        rates = [_rates(exam, part) for part in parts]
        for part, of_part in zip(parts, rates, strict=True):
            found_groups.append(_group(column, part, of_part))
        found_gaps += _gaps(exam, column, parts, rates)
    return Fairness(tuple(found_groups), tuple(found_gaps))


def _rates(exam: Exam, part: Condition) -> dict[str, Rate]:
    if exam.task is Task.REGRESSION:
        return number_rates(exam.test.truth, exam.test.output, part.member)
    return class_rates(exam.test.truth, exam.test.classes, part.member, binary=exam.task is Task.BINARY)


def _group(column: str, part: Condition, rates: dict[str, Rate]) -> Group:
    figures = tuple(figure(name, rate.estimate, rate.count) for name, rate in rates.items())
    small = not any(rate.judged for rate in rates.values())
    return Group(column, part.text, int(part.member.sum()), figures, small)


def _gaps(exam: Exam, column: str, parts: list[Condition], rates: list[dict[str, Rate]]) -> list[ColumnGap]:
    names = {Task.BINARY: GAP_OF, Task.MULTICLASS: {"accuracy": "accuracy_gap"}, Task.REGRESSION: {"mae": "mae_gap"}}
    overall = float(exam.test.mistakes().mean()) if exam.task is Task.REGRESSION else 1.0
    found = []
    for rate, name in names[exam.task].items():
        between = gap([of_part.get(rate) for of_part in rates])
        if between is None or not overall:
            continue
        value = _relative(between, overall)
        found.append(
            ColumnGap(
                column,
                rate,
                figure(f"{name}.{column}", value, between.count),
                (parts[between.highest].text, rates[between.highest][rate].estimate.value),
                (parts[between.lowest].text, rates[between.lowest][rate].estimate.value),
            )
        )
    return found


def _relative(between: Gap, overall: float) -> Estimate:
    estimate = between.estimate
    return Estimate(estimate.value / overall, estimate.low / overall, estimate.high / overall)
