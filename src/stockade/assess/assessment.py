"""The whole assessment of one model.

scorecard, results = assess(path.read_bytes(), train, test, schema, Settings())
results.outcome                          # Outcome.WARNED
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from stockade.assess import attacked, fairness, findings, notes, performance, weakness
from stockade.assess.exam import Exam, prepare
from stockade.assess.settings import Settings
from stockade.schema.column import Schema
from stockade.types import progress
from stockade.types.results import Figure, Finding, Results
from stockade.types.scorecard import Group, Scorecard, Slice


def assess(
    model: bytes, train: pl.DataFrame, test: pl.DataFrame, schema: Schema, settings: Settings | None = None
) -> tuple[Scorecard, Results]:
    """Measure a model's exported bytes on rows that training never saw.

    Args:
        model: The ONNX file.
        train: Rows it was trained on.
        test: Rows it never saw, with their targets.
        schema: Of both tables.
        settings: How hard to examine.

    Returns:
        All that was found, and the figures and findings to attest and to hold against policy.

    Raises:
        ModelFormatError: the bytes are not a model that can be run.
        ColumnError: a table lacks a feature or the target, or one is of another kind.
        TooFewRowsError: a part has no row with a usable target.
        ConfigError: the settings do not fit the model's task.
    """
    progress.report(0, len(_STAGES), "ask the model")
    exam = prepare(model, train, test, schema, settings or Settings())
    sheet = _Sheet(findings=findings.of_rows(exam))
    for number, (text, stage) in enumerate(_STAGES):
        progress.report(number, len(_STAGES), text)
        stage(exam, sheet)
    progress.report(len(_STAGES), len(_STAGES), "assessed")
    figures = tuple(sheet.figures.values())
    scorecard = Scorecard(
        task=exam.task,
        metric=exam.metric,
        rows=exam.test.rows,
        classes=exam.classes,
        figures=figures,
        curves=performance.curves(exam),
        confusion=performance.confusion_matrix(exam),
        groups=sheet.groups,
        slices=sheet.slices,
        notes=tuple(sheet.notes),
    )
    gravest_first = sorted(sheet.findings, key=lambda finding: -finding.severity.rank)
    return scorecard, Results(figures, tuple(gravest_first), tuple(sheet.checks))


@dataclass(slots=True)
class _Sheet:
    """What was found so far."""

    figures: dict[str, Figure] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    checks: list[str] = field(default_factory=lambda: ["assess.rows"])
    notes: list[str] = field(default_factory=list)
    groups: tuple[Group, ...] = ()
    slices: tuple[Slice, ...] = ()

    def add(self, *figures: Figure | None) -> None:
        self.figures |= {figure.name: figure for figure in figures if figure is not None}


def _performance(exam: Exam, sheet: _Sheet) -> None:
    found = performance.scores(exam)
    sheet.add(*(performance.figure(name, estimate, exam.test.rows) for name, estimate in found.items()))
    sheet.add(*performance.baseline(exam), performance.generalisation_gap(exam, found))
    sheet.findings += findings.of_performance(exam, sheet.figures)
    sheet.checks += ["assess.no_better_than_constant", "assess.overfit"]
    sheet.checks += ["assess.miscalibrated"] if "ece" in found else []
    sheet.notes += notes.on_performance(exam)


def _fairness(exam: Exam, sheet: _Sheet) -> None:
    found = fairness.compare(exam)
    if not found.groups:
        sheet.notes.append("No column is named as sensitive, so no groups were compared.")
        return
    sheet.groups = found.groups
    sheet.add(*(gap.figure for gap in found.gaps))
    sheet.findings += findings.of_groups(exam.task, found.gaps, found.groups)
    sheet.checks += ["assess.group_gap", "assess.small_group"]
    sheet.notes.append(notes.on_groups(exam.task))


def _slices(exam: Exam, sheet: _Sheet) -> None:
    if not exam.settings.slices:
        sheet.notes.append("Weak slices were not searched for.")
        return
    sheet.slices = weakness.find(exam)
    sheet.add(weakness.worst(sheet.slices))
    sheet.findings += findings.of_slices(exam.task, sheet.slices)
    sheet.checks.append("assess.weak_slice")
    sheet.notes.append(notes.on_slices(exam))


def _evasion(exam: Exam, sheet: _Sheet) -> None:
    if not exam.settings.attacks:
        sheet.notes.append("The model was not attacked.")
        return
    found = attacked.resist(exam)
    sheet.add(*found.figures)
    sheet.checks.append("assess.fragile")
    sheet.notes += notes.on_robustness(exam, found)


def _membership(exam: Exam, sheet: _Sheet) -> None:
    if not exam.settings.attacks:
        return
    sheet.add(*attacked.leak(exam))
    sheet.findings += findings.of_attacks(sheet.figures, exam.settings.epsilon)
    sheet.checks.append("assess.membership")
    sheet.notes += notes.on_membership()


_STAGES: tuple[tuple[str, Callable[[Exam, _Sheet], None]], ...] = (
    ("score", _performance),
    ("compare groups", _fairness),
    ("search weak slices", _slices),
    ("attack decisions", _evasion),
    ("infer membership", _membership),
)

__all__ = ["Settings", "assess"]
