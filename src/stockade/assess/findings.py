"""What a person should know of a scorecard. Findings warn, at most with severity medium; policy decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from stockade.assess.exam import Exam
from stockade.assess.fairness import ColumnGap
from stockade.metrics.scores import MAXIMIZE
from stockade.types.results import Figure, Finding, Severity
from stockade.types.scorecard import Group, Slice, Task

EVASION = ("ML01", "AML.T0015", "AML.T0043")
"""Catalogue ids of evasion."""

MEMBERSHIP = ("ML04", "AML.T0024.000")
"""Catalogue ids of membership inference."""

_FEW_ROWS = 200
_GAP = 0.10
_MAE_GAP = 0.25
_SLICE_DROP = 0.10
_SLICE_GROWTH = 1.5
_MISCALIBRATION = 0.05
_FRAGILE = 0.5
_MEMBERS = 0.55
_MEMBERS_MUCH = 0.60
_OVERFIT = 0.05
_OVERFIT_LOSS = 0.5

Figures = Mapping[str, Figure]


def of_rows(exam: Exam) -> list[Finding]:
    """Too few test rows, classes that the test part lacks, rows that could not be used."""
    found = []
    if exam.test.rows < _FEW_ROWS:
        found.append(
            Finding(
                "assess.few_rows",
                "test part",
                f"the test part has {exam.test.rows} rows; intervals are wide, and small effects cannot be seen",
                Severity.LOW,
                "rows",
                float(exam.test.rows),
                float(_FEW_ROWS),
                remedy="Collect more rows, or give a larger share of them to the test part.",
            )
        )
    if exam.unknown:
        found.append(
            Finding(
                "assess.unknown_target",
                f"column {exam.schema.target}",
                f"{exam.unknown} test rows have no target that the model knows, and were left out",
                Severity.LOW,
                "rows",
                float(exam.unknown),
                0.0,
                remedy="Validate the data with the schema that the model was trained on.",
            )
        )
    counts = np.bincount(exam.test.truth, minlength=len(exam.classes)) if exam.classes else np.zeros(0)
    found += [
        Finding(
            "assess.class_missing",
            f"class {exam.classes[index]}",
            f"no test row is of class {exam.classes[index]!r}, so nothing is known about it",
            Severity.LOW,
            "rows",
            0.0,
            1.0,
            remedy="Split again with strata, or collect rows of this class.",
        )
        for index in np.flatnonzero(counts == 0)
    ]
    return found


def of_performance(exam: Exam, figures: Figures) -> list[Finding]:
    """No better than a constant, miscalibrated, or much better on the rows it has seen."""
    return [
        *_against_baseline(exam.metric, figures),
        *_calibration(figures.get("ece")),
        *_overfit(exam.metric, figures),
    ]


def _against_baseline(metric: str, figures: Figures) -> list[Finding]:
    own, constant = figures.get(metric), figures.get(f"baseline.{metric}")
    if own is None or constant is None:
        return []
    bound = own.low if MAXIMIZE[metric] else own.high
    better = bound is not None and (bound > constant.value if MAXIMIZE[metric] else bound < constant.value)
    if better:
        return []
    return [
        Finding(
            "assess.no_better_than_constant",
            "model",
            f"{metric} is {own.value:.4g}{_interval(own)}; a constant answer reaches {constant.value:.4g}",
            Severity.MEDIUM,
            metric,
            own.value,
            constant.value,
            remedy="Give the training columns that inform about the target, or more rows.",
        )
    ]


def _calibration(error: Figure | None) -> list[Finding]:
    if error is None or error.value <= _MISCALIBRATION or (error.low or 0.0) <= _MISCALIBRATION / 2:
        return []
    return [
        Finding(
            "assess.miscalibrated",
            "model",
            f"probabilities are {error.value:.3f} off the observed shares on the average{_interval(error)}",
            Severity.LOW,
            "ece",
            error.value,
            _MISCALIBRATION,
            remedy="Calibrate on held-out rows, or do not read the scores as probabilities.",
        )
    ]


def _overfit(metric: str, figures: Figures) -> list[Finding]:
    gap, own = figures.get("generalisation_gap"), figures.get(metric)
    if gap is None or own is None or gap.low is None:
        return []
    # Losses have units of their own and are held against the test loss; the rest lie between 0 and 1.
    limit = _OVERFIT if MAXIMIZE[metric] else _OVERFIT_LOSS * own.value
    if gap.low <= limit:
        return []
    return [
        Finding(
            "assess.overfit",
            "model",
            f"{metric} is {gap.value:.4g}{_interval(gap)} better on training rows than on test rows",
            Severity.LOW,
            "generalisation_gap",
            gap.value,
            limit,
            technique=MEMBERSHIP,
            remedy="Regularise more, search less, or train on more rows.",
        )
    ]


def of_groups(task: Task, gaps: Sequence[ColumnGap], groups: Sequence[Group]) -> list[Finding]:
    """Gaps between sensitive groups, and groups too small to be judged."""
    limit = _MAE_GAP if task is Task.REGRESSION else _GAP
    found = []
    for gap in gaps:
        figure = gap.figure
        if figure.value <= limit or not figure.low:
            continue
        (high, most), (low, least) = gap.highest, gap.lowest
        found.append(
            Finding(
                "assess.group_gap",
                f"column {gap.column}",
                f"{gap.rate} is {least:.3g} for {gap.column} = {low} and {most:.3g} for {gap.column} = {high}: "
                f"a gap of {figure.value:.3g}{_interval(figure)}",
                Severity.MEDIUM if figure.low > limit else Severity.LOW,
                figure.name,
                figure.value,
                limit,
                remedy="Look for too few rows, a missing column or a biased target of the group; collect, reweigh, or "
                "leave its decisions to people.",
            )
        )
    return found + _small(groups)


def _small(groups: Sequence[Group]) -> list[Finding]:
    found = []
    for column in dict.fromkeys(group.column for group in groups):
        small = [group for group in groups if group.column == column and group.small]
        if small:
            names = ", ".join(f"{group.value} ({group.count})" for group in small[:5])
            more = f" and {len(small) - 5} more" if len(small) > 5 else ""
            found.append(
                Finding(
                    "assess.small_group",
                    f"column {column}",
                    f"too few test rows to judge: {names}{more}",
                    Severity.INFO,
                    remedy="Collect more rows of these groups before relying on the model for them.",
                )
            )
    return found


def of_slices(task: Task, slices: Sequence[Slice]) -> list[Finding]:
    """The worst slice, where it is proven and matters."""
    if not slices or slices[0].p_value > 0.05:
        return []
    part = slices[0]
    if task is Task.REGRESSION:
        matters = part.figure.value > _SLICE_GROWTH * part.overall
    else:
        matters = part.figure.value < part.overall - _SLICE_DROP
    if not matters:
        return []
    return [
        Finding(
            "assess.weak_slice",
            part.description,
            f"{part.figure.name} is {part.figure.value:.3g}{_interval(part.figure)} on the {part.count} rows where "
            f"{part.description}, and {part.overall:.3g} on all (adjusted p = {part.p_value:.2g})",
            Severity.LOW,
            "slice.worst",
            part.figure.value,
            part.overall,
            remedy="Collect more such rows or columns that explain them, or leave them to people.",
        )
    ]


def of_attacks(figures: Figures, epsilon: float) -> list[Finding]:
    """Decisions that small changes turn, and training rows that can be told from others."""
    found = []
    robust, accuracy = figures.get("robustness.accuracy"), figures.get("accuracy")
    before = accuracy.value if accuracy else 1.0
    if robust is not None and robust.value < _FRAGILE * before:
        found.append(
            Finding(
                "assess.fragile",
                "model",
                f"changes of at most {epsilon:g} standard deviations leave {robust.value:.1%}{_interval(robust)} "
                f"of the answers standing, where {before:.1%} were",
                Severity.MEDIUM,
                "robustness.accuracy",
                robust.value,
                _FRAGILE * before,
                technique=EVASION,
                remedy="Use a smoother model or fewer noisy columns, and bound what callers may send.",
            )
        )
    members = figures.get("membership.auc")
    if members is not None and (members.low or 0.0) > _MEMBERS:
        found.append(
            Finding(
                "assess.membership",
                "model",
                f"training rows can be told from others with an AUC of {members.value:.3f}{_interval(members)}",
                Severity.MEDIUM if (members.low or 0.0) > _MEMBERS_MUCH else Severity.LOW,
                "membership.auc",
                members.value,
                _MEMBERS,
                technique=MEMBERSHIP,
                remedy="Train fewer or shallower trees, or on more rows; round what the endpoint answers.",
            )
        )
    return found


def _interval(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return ""
    return f" [{figure.low:.4g}, {figure.high:.4g}]"
