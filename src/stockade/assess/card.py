"""The model card: what a model is for, what it was made of, what it does and does not do, in plain sentences.

After Mitchell et al. (2019), "Model Cards for Model Reporting". The card says only what was measured or declared; its
record is what `to_markdown` writes out and what the bill of materials repeats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stockade.schema.column import Role, Schema
from stockade.types.results import Figure
from stockade.types.scorecard import Candidate, Group, Leaderboard, Scorecard, Slice, Task
from stockade.types.table import Profile

_TASKS = {
    Task.BINARY: "binary classification",
    Task.MULTICLASS: "classification into {count} classes",
    Task.REGRESSION: "regression",
}
_SLICES = 5


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model card.

    Attributes:
        name: Name of the model.
        purpose: What it is for, in its owner's words; empty where nobody said.
        task: Kind of task.
        summary: What it predicts and how well, one sentence.
        target: The predicted column.
        classes: Class names; empty for regression.
        features: Columns it looks at.
        sensitive: Columns that groups were compared by.
        data: About the data, a sentence each.
        training: About training, a sentence each.
        metric: What it was selected by.
        figures: What it achieves, and what a constant would.
        groups: Rates by group.
        slices: Where it does worst.
        limits: What it should not be used for and what is not known, a sentence each.
        methods: How the figures were measured, a sentence each.
        format: Version of this record.
    """

    name: str
    purpose: str
    task: Task
    summary: str
    target: str
    classes: tuple[str, ...]
    features: tuple[str, ...]
    sensitive: tuple[str, ...]
    data: tuple[str, ...]
    training: tuple[str, ...]
    metric: str
    figures: tuple[Figure, ...]
    groups: tuple[Group, ...]
    slices: tuple[Slice, ...]
    limits: tuple[str, ...]
    methods: tuple[str, ...]
    format: int = 1


def build_card(
    name: str,
    scorecard: Scorecard,
    schema: Schema,
    *,
    profile: Profile | None = None,
    purpose: str = "",
    leaderboard: Leaderboard | None = None,
    plan: Mapping[str, Any] | None = None,
) -> ModelCard:
    """Write a model card from what was measured and declared.

    Args:
        name: Name of the model.
        scorecard: Of its exported bytes.
        schema: Of the tables it was trained and tested on.
        profile: Of the rows that satisfied the schema.
        purpose: The owner's statement.
        leaderboard: Who competed.
        plan: The plan that training sealed; only its ``seed``, ``rows``, ``folds`` and ``calibration`` are read.
    """
    return ModelCard(
        name=name,
        purpose=purpose,
        task=scorecard.task,
        summary=_summary(scorecard, schema),
        target=schema.target,
        classes=scorecard.classes,
        features=tuple(column.name for column in schema.features()),
        sensitive=tuple(dict.fromkeys(group.column for group in scorecard.groups)),
        data=tuple(_data(scorecard, schema, profile)),
        training=tuple(_training(leaderboard, plan or {})),
        metric=scorecard.metric,
        figures=scorecard.figures,
        groups=scorecard.groups,
        slices=scorecard.slices[:_SLICES],
        limits=tuple(_limits(scorecard, schema, purpose)),
        methods=scorecard.notes,
    )


def describe(figure: Figure) -> str:
    """A figure with its interval: ``0.852 (0.845 to 0.859)``."""
    if figure.low is None and figure.high is None:
        return f"{figure.value:.4g}"
    low = "…" if figure.low is None else f"{figure.low:.4g}"
    high = "…" if figure.high is None else f"{figure.high:.4g}"
    return f"{figure.value:.4g} ({low} to {high})"


def task_of(scorecard: Scorecard) -> str:
    """The task in words."""
    return _TASKS[scorecard.task].format(count=len(scorecard.classes))


def _summary(scorecard: Scorecard, schema: Schema) -> str:
    figures = {figure.name: figure for figure in scorecard.figures}
    shown = [scorecard.metric, *(name for name in ("auc", "accuracy", "mae") if name != scorecard.metric)]
    told = []
    for name in shown:
        if name in figures:
            constant = figures.get(f"baseline.{name}")
            against = f", where a constant has {constant.value:.4g}" if constant else ""
            told.append(f"{name} {describe(figures[name])}{against}")
    return (
        f"Predicts {schema.target!r} by {task_of(scorecard)}; on {scorecard.rows:,} rows that training never saw: "
        f"{'; '.join(told[:2])}."
    )


def _data(scorecard: Scorecard, schema: Schema, profile: Profile | None) -> list[str]:
    sentences = []
    if profile is not None:
        missing = sum(column.nulls for column in profile.columns)
        sentences.append(
            f"{profile.rows:,} rows satisfied the schema of {len(schema.columns)} columns; "
            + (f"{missing:,} values in them are missing." if missing else "no value in them is missing.")
        )
    sentences.append(
        f"{scorecard.rows:,} rows were kept for this assessment; equal rows are never on both sides."
        if not schema.ordered
        else f"The last {scorecard.rows:,} rows in time were kept for this assessment; training never saw the future."
    )
    features = schema.features()
    sentences.append(f"The model looks at {len(features)} columns.")
    for role, told in (
        (Role.IDENTIFIER, "Identifiers, not used: {names}."),
        (Role.EXCLUDED, "Excluded by the owner, not used: {names}."),
        (Role.CONSTANT, "Constant, not used: {names}."),
    ):
        names = ", ".join(column.name for column in schema.with_role(role))
        if names:
            sentences.append(told.format(names=names))
    sensitive = [column for column in schema.sensitive() if column in features]
    if sensitive:
        names = ", ".join(column.name for column in sensitive)
        sentences.append(f"Sensitive columns among the features: {names}.")
    return sentences


def _training(leaderboard: Leaderboard | None, plan: Mapping[str, Any]) -> list[str]:
    sentences = []
    if leaderboard is not None and leaderboard.candidates:
        best = _chosen(leaderboard)
        others = ", ".join(
            f"{candidate.name} {candidate.mean:.4g}" for candidate in leaderboard.candidates if candidate is not best
        )
        sentences.append(
            f"{best.name} won by {leaderboard.metric} {best.mean:.4g} (standard deviation {best.deviation:.2g}) over "
            f"{len(best.scores)} held-out folds." + (f" The others: {others}." if others else "")
        )
        if best.note:
            sentences.append(best.note[0].upper() + best.note[1:].rstrip(".") + ".")
    folds, calibration = plan.get("folds"), plan.get("calibration")
    if isinstance(folds, Mapping) and "rounds" in folds:
        order = "in the order of time" if folds.get("ordered") else "dealt by chance"
        sentences.append(f"Cross-validation had {folds['rounds']} rounds, {order}.")
    if isinstance(calibration, Mapping) and calibration.get("method", "none") != "none":
        sentences.append(f"Probabilities were calibrated by the method {calibration['method']!r} on held-out rows.")
    if "seed" in plan:
        sentences.append(f"The seed was {plan['seed']}; the sealed plan repeats the final fit.")
    return sentences or ["How it was trained was not recorded."]


def _chosen(leaderboard: Leaderboard) -> Candidate:
    return next((candidate for candidate in leaderboard.candidates if candidate.chosen), leaderboard.candidates[0])


def _limits(scorecard: Scorecard, schema: Schema, purpose: str) -> list[str]:
    limits = []
    if purpose:
        limits.append("Nothing but the stated purpose was considered when it was assessed.")
    else:
        limits.append("Its owner has not stated a purpose, so its fitness for any is unknown.")
    limits.append("It knows rows like those it was trained on; on other populations or later times it may be wrong.")
    small = [f"{group.column} = {group.value}" for group in scorecard.groups if group.small]
    if small:
        limits.append(f"Too few test rows to judge: {'; '.join(small)}.")
    if not scorecard.groups:
        limits.append("No sensitive column was named, so nothing is known about differences between groups.")
    proven = [part for part in scorecard.slices if part.p_value <= 0.05]
    if proven:
        part = proven[0]
        limits.append(
            f"It is weakest where {part.description}: {part.figure.name} {describe(part.figure)}, "
            f"{part.overall:.4g} on all rows."
        )
    gaps = [figure for figure in scorecard.figures if "_gap." in figure.name]
    if gaps:
        widest = max(gaps, key=lambda figure: figure.value)
        limits.append(f"The widest gap between groups is {widest.name}: {describe(widest)}.")
    strict = [column for column in schema.features() if not column.nullable]
    if strict:
        limits.append(
            f"The schema allows no missing values in {len(strict)} of its {len(schema.features())} columns; "
            "how it does without them was not measured."
        )
    return limits
