"""The figures that rules may speak of: what each is called, where it lies, and what to do when it is not met.

Names are the ones that the assessment writes (`stockade.types.results.Figure`). ``baseline.NAME`` is the same figure
of a constant predictor; ``GAP.COLUMN`` is the largest difference between the groups of a sensitive column.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from difflib import get_close_matches

from stockade.types.results import Severity


@dataclass(frozen=True, slots=True)
class Measure:
    """A kind of figure.

    Attributes:
        name: Name of the figure, or of the family for gaps.
        low: Smallest value that it can have.
        high: Largest value that it can have.
        severity: How much it matters when a limit on it is broken.
        technique: OWASP ML and MITRE ATLAS ids of what the limit guards against; empty where it is about quality.
        advice: What to do when a limit on it is broken.
        of_data: Whether it speaks of the data; other figures speak of the model and count only where the signed
            result names the model's digest.
    """

    name: str
    low: float
    high: float
    severity: Severity
    technique: tuple[str, ...]
    advice: str
    of_data: bool = False


_BETTER = "Give the training more informative columns, more rows or more trials; or lower the limit in policy.toml."
_CALIBRATE = "Probabilities are off: calibrate on held-out rows, or do not use the scores as probabilities."
_FAIR = (
    "Look at the groups in report.html: too few rows, a missing column or a biased target are the usual causes. "
    "Collect more rows of the group, reweigh, or leave its decisions to people; an approver may waive with a reason."
)
_ROBUST = "Small changes of the input turn the answer: use smoother models, fewer noisy columns, or limit the inputs."
_PRIVATE = "The model remembers its training rows: train fewer or shallower trees, or on more rows."
_OVERFIT = "The model is much better on the rows it has seen: regularise, or use fewer trials."
_POISON = "Read the suspects that the audit lists; remove or correct them, and find out how they came in."
_LEAK = "A column foretells the target: exclude it unless it will be known when the model is asked."
_FEW = "Bring more rows: figures on few rows say little."
_SHAPE = "Read the quarantine: correct the source or the bounds in schema.toml."

_EVADE = ("ML01", "AML.T0015", "AML.T0043")
_MEMBER = ("ML04", "AML.T0024.000")
_POISONING = ("ML02", "AML.T0020")


def _quality(*names: str, low: float = 0.0, high: float = 1.0, advice: str = _BETTER) -> list[Measure]:
    return [Measure(name, low, high, Severity.HIGH, (), advice) for name in names]


def _gaps(*names: str, high: float = 1.0) -> list[Measure]:
    return [Measure(name, 0.0, high, Severity.HIGH, (), _FAIR) for name in names]


def _data(
    *names: str,
    high: float = 1.0,
    severity: Severity = Severity.MEDIUM,
    technique: tuple[str, ...] = _POISONING,
    advice: str = _POISON,
) -> list[Measure]:
    return [Measure(name, 0.0, high, severity, technique, advice, of_data=True) for name in names]


_PERFORMANCE = [
    *_quality("accuracy", "balanced_accuracy", "precision", "recall", "f1", "auc", "average_precision"),
    *_quality("r2", low=-math.inf),
    *_quality("log_loss", "rmse", "mae", "median_absolute_error", high=math.inf),
    *_quality("brier", high=2.0, advice=_CALIBRATE),
    *_quality("ece", advice=_CALIBRATE),
]
_OTHERS = [
    *_quality("slice.worst", low=-math.inf, high=math.inf, advice=_FAIR),
    Measure("robustness.accuracy", 0.0, 1.0, Severity.MEDIUM, _EVADE, _ROBUST),
    Measure("robustness.median_distance", 0.0, math.inf, Severity.MEDIUM, _EVADE, _ROBUST),
    Measure("membership.auc", 0.0, 1.0, Severity.HIGH, _MEMBER, _PRIVATE),
    Measure("membership.tpr_at_1pct_fpr", 0.0, 1.0, Severity.HIGH, _MEMBER, _PRIVATE),
    Measure("generalisation_gap", -math.inf, math.inf, Severity.MEDIUM, _MEMBER, _OVERFIT),
    *_data("rows", high=math.inf, technique=(), advice=_FEW),
    *_data("rejected_share", severity=Severity.HIGH, advice=_SHAPE),
    *_data("duplicate_share", "duplicate_share.without_identifiers", "duplicate_share.features", "conflict_share"),
    *_data("label_noise.share", severity=Severity.HIGH),
    *_data("leakage.max_score", "missing.max_association", severity=Severity.HIGH, technique=(), advice=_LEAK),
]
_BASELINES = [
    Measure(f"baseline.{item.name}", item.low, item.high, item.severity, (), item.advice) for item in _PERFORMANCE
]

MEASURES = {item.name: item for item in [*_PERFORMANCE, *_BASELINES, *_OTHERS]}
"""Every figure that is not a gap, by name."""

GAPS = {
    item.name: item
    for item in [*_gaps("tpr_gap", "fpr_gap", "selection_gap", "accuracy_gap"), *_gaps("mae_gap", high=math.inf)]
}
"""Families of figures that exist once for every sensitive column, by the part before the first dot."""


def measure_of(figure: str) -> Measure | None:
    """The measure that a figure's name belongs to, ``None`` for a name that no assessment writes."""
    if found := MEASURES.get(figure):
        return found
    family, dot, column = figure.partition(".")
    return GAPS.get(family) if dot and column else None


def suggest(word: str, known: list[str] | tuple[str, ...]) -> str:
    """A remedy for a mistyped word: what was probably meant, or what there is."""
    close = get_close_matches(word, known, n=1, cutoff=0.55)
    return f"did you mean {close[0]!r}?" if close else f"use one of: {', '.join(known)}"


def suggest_figure(word: str) -> str:
    """A remedy for a mistyped name of a figure."""
    family, dot, column = word.partition(".")
    if dot and (close := get_close_matches(family, list(GAPS), n=1, cutoff=0.75)):
        return f"did you mean {close[0] + '.' + column!r}?"
    return suggest(word, [*MEASURES, *(f"{gap}.COLUMN" for gap in GAPS)])
