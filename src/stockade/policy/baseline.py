"""The policy that a new project starts with: what any model of its kind should meet."""

from __future__ import annotations

import json
from collections.abc import Sequence

from stockade.errors import ConfigError
from stockade.policy.vocabulary import MEASURES, suggest
from stockade.types.scorecard import Task

_SMALLER_IS_BETTER = frozenset({"log_loss", "brier", "ece", "rmse", "mae", "median_absolute_error"})

_HEAD = """\
# What a model must meet before it is promoted. Edit the limits; they compile to Cedar rules, which are what is
# reviewed, hashed and attested. `stockade run` shows every rule beside its figure.
#
# A limit is text: an operator, then a number or another figure: ">= 0.80", "> baseline.auc + 0.02".
# Two limits stand in a list: [">= 0.80", "<= 0.99"]. A figure that is missing refuses.
format = 1

[thresholds]
"""
_SHARED = """\
rejected_share = "<= 0.05"      # rows set aside by validation
"""
_CLASSES = """\
ece = "<= 0.10"                 # calibration: how far probabilities are from frequencies
membership.auc = "<= 0.60"      # 0.5: nobody can tell whether a row was trained on
robustness.accuracy = ">= 0.30" # accuracy left when inputs are changed a little on purpose
"""
_FAIRNESS = """
# The largest difference between the groups of a sensitive column; groups that are too small are left out.
[fairness]
columns = {columns}
{gaps}
"""
_EVIDENCE = """
# Rules about the evidence itself; nobody can waive these, but for findings of severity high.
[evidence]
required_steps = ["validate", "audit", "train", "assess"]
forbid_custom = ["audit", "assess"]   # a model is not judged by code of its own authors
forbid_failed = ["audit"]             # findings such as a column that foretells the target
minimum_isolation = "sandbox"         # none, process, sandbox or strict
allow_trial = true                    # set to false once you have a root of trust of your own

# Approvals by persons who did not run or request it, by alias.
[production]
approvals = 1
"""
_GAPS = {
    Task.BINARY: ('tpr_gap = "<= 0.20"              # cases found', '# fpr_gap = "<= 0.20"            # false alarms'),
    Task.MULTICLASS: ('accuracy_gap = "<= 0.20"',),
    Task.REGRESSION: ('mae_gap = "<= 0.50"              # relative to the mean absolute error over all rows',),
}


def default_policy_toml(task: Task, metric: str, columns: Sequence[str] = ()) -> str:
    """Write the policy.toml of a new project.

    Args:
        task: Kind of task.
        metric: Figure that the model is selected by; it must beat the constant predictor's.
        columns: Sensitive columns, whose gaps are limited.

    Raises:
        ConfigError: there is no figure called `metric`.
    """
    if f"baseline.{metric}" not in MEASURES:
        known = [name.removeprefix("baseline.") for name in MEASURES if name.startswith("baseline.")]
        raise ConfigError(f"there is no metric {metric!r}", where="train.metric", remedy=suggest(metric, known))
    operator = "<" if metric in _SMALLER_IS_BETTER else ">"
    first = f'{metric} = "{operator} baseline.{metric}"'
    limits = f"{first:<31} # better than a constant answer\n"
    if task is not Task.REGRESSION:
        limits += _CLASSES
    listed = "[" + ", ".join(_text(column) for column in columns) + "]"
    fairness = _FAIRNESS.format(columns=listed, gaps="\n".join(_GAPS[task]))
    return _HEAD + limits + _SHARED + fairness + _EVIDENCE


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
