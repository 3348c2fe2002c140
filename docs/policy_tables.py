"""The tables of docs/policy.md, from what the policy engine itself knows."""

from __future__ import annotations

import math

from stockade.policy.bound import Bound
from stockade.policy.document import ALIASES, Document
from stockade.policy.rules import Rule, clauses
from stockade.policy.vocabulary import GAPS, MEASURES, Measure

MEANINGS = {
    "accuracy": "share of rows whose most probable class is the true one",
    "balanced_accuracy": "mean of the recalls of all classes",
    "precision": "of the rows said to be positive, the share that are; mean over classes when there are more than two",
    "recall": "of the positive rows, the share found; mean over classes when there are more than two",
    "f1": "harmonic mean of precision and recall",
    "auc": "area under the ROC curve; mean of one class against the rest when there are more than two",
    "average_precision": "area under the precision-recall curve",
    "r2": "share of the target's variance that is explained",
    "log_loss": "mean negative logarithm of the true class's probability",
    "rmse": "root of the mean squared error",
    "mae": "mean absolute error",
    "median_absolute_error": "median absolute error",
    "brier": "mean squared error of the probabilities",
    "ece": "expected calibration error: how far probabilities are from frequencies",
    "slice.worst": "the selection metric on the weakest slice; missing where no slice is worse than the whole",
    "robustness.accuracy": "accuracy left under the evasion attack, at its budget",
    "robustness.median_distance": "median size of the change that turned an answer, where most rows could be turned",
    "membership.auc": "how well an attacker tells training rows from others; 0.5 is guessing",
    "membership.tpr_at_1pct_fpr": "training rows recognised when one in a hundred others is taken for one",
    "generalisation_gap": "how much better the selection metric is on training rows than on test rows",
    "rows": "rows read",
    "rejected_share": "share of rows set aside by validation",
    "duplicate_share": "share of rows that repeat another",
    "duplicate_share.without_identifiers": "the same, identifiers left out of account",
    "duplicate_share.features": "the same, features alone",
    "conflict_share": "share of rows with equal features and another target",
    "label_noise.share": "estimated share of wrong targets",
    "leakage.max_score": "how well the most telling column alone foretells the target: AUC, or squared correlation",
    "missing.max_association": "largest correlation of the target with the absence of a column's value",
}
"""What each figure measures; a figure without an entry here fails the documentation's test."""

GAP_MEANINGS = {
    "tpr_gap": "difference of the share of positives found; two classes",
    "fpr_gap": "difference of the share of false alarms; two classes",
    "selection_gap": "difference of the share said to be positive; two classes",
    "accuracy_gap": "difference of accuracy; more than two classes",
    "mae_gap": "difference of the mean absolute error, relative to that over all rows; numbers",
}

_COLUMN, _STEP = "COLUMN", "STEP"


def figures() -> str:
    """Every figure that a threshold may name."""
    lines = ["| figure | range | of | severity | meaning |", "|---|---|---|---|---|"]
    for name, measure in MEASURES.items():
        if not name.startswith("baseline."):
            lines.append(_figure(f"`{name}`", measure, MEANINGS[name]))
    names = ", ".join(f"`{name}`" for name in MEASURES if name.startswith("baseline."))
    lines += ["", f"Of a constant predictor, to hold a figure against: {names}."]
    return "\n".join(lines)


def gaps() -> str:
    """Every family of differences between groups."""
    lines = ["| key | range | of | severity | meaning |", "|---|---|---|---|---|"]
    lines += [_figure(f"`{name}`", measure, GAP_MEANINGS[name]) for name, measure in GAPS.items()]
    return "\n".join(lines)


def _figure(shown: str, measure: Measure, meaning: str) -> str:
    about = "data" if measure.of_data else "model"
    return f"| {shown} | {_range(measure.low, measure.high)} | {about} | {measure.severity.value} | {meaning} |"


def _range(low: float, high: float) -> str:
    if math.isinf(low):
        return "any" if math.isinf(high) else f"up to {high:g}"
    return f"from {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"


def families() -> dict[str, Rule]:
    """One rule of each kind that a policy.toml can stand for, by its id with the variable part in capitals."""
    bounds = (Bound(">=", 0), Bound("<=", 0), Bound(">", 0, "baseline.auc"))
    document = Document(
        thresholds={"auc": bounds},
        columns=(_COLUMN,),
        gaps={"tpr_gap": Bound("<=", 0)},
        required_steps=(_STEP,),
        forbid_custom=(_STEP,),
        forbid_failed=(_STEP,),
        approvals=dict.fromkeys(ALIASES[:1], 2),
    )
    found = {}
    for clause in clauses(document):
        name = clause.rule.id.replace(f".tpr_gap.{_COLUMN}", ".GAP.COLUMN")
        name = name.replace(f"approvals.{ALIASES[0]}", "approvals.ALIAS")
        if clause.rule.figure == "auc":
            name = name.replace(".auc", ".FIGURE")
        found[name] = clause.rule
    return found


_HOLDS = {
    "min.FIGURE": "the figure is at least, or above, a number",
    "max.FIGURE": "the figure is at most, or below, a number",
    "baseline.FIGURE": "the figure is better than another figure, by a margin if one is given",
    "fairness.GAP.COLUMN": "the gap between the groups of a sensitive column is at most a number",
    "approvals.ALIAS": "so many other persons approve",
    "evidence.isolation": "every step ran with the minimum isolation or better",
}


def rules() -> str:
    """Every kind of rule."""
    lines = ["| rule | what must hold | waivable | guards against |", "|---|---|---|---|"]
    for name, rule in families().items():
        by_figure = rule.figure and rule.figure != "rows"
        guards = "depends on the figure" if by_figure else ", ".join(rule.technique) or "-"
        waivable = "yes" if rule.waivable else "no"
        lines.append(f"| `{name}` | {_HOLDS.get(name, rule.title)} | {waivable} | {guards} |")
    return "\n".join(lines)


REGIONS = {"rules": rules, "figures": figures, "gaps": gaps}
