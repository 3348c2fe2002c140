"""Scores that rank contenders on held-out folds, computed from class probabilities or predicted numbers.

Probabilities are float64 ``[N, K]``, truths class indices ``[N]``; for regression both are float64 ``[N]``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stockade.types.scorecard import Task

Floats = npt.NDArray[np.float64]

FLOOR = 1e-15
"""Probabilities are kept this far from 0 and 1 where their logarithm is taken."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A score.

    Attributes:
        maximize: Whether more is better.
        tasks: Tasks it applies to.
        compute: Truth and output to score; NaN where it is undefined, such as the AUC of a single class.
    """

    maximize: bool
    tasks: tuple[Task, ...]
    compute: Callable[[Floats, Floats], float]


def row_losses(truth: Floats, probabilities: Floats) -> Floats:
    """Negative log-likelihood of each row, in nats."""
    picked = probabilities[np.arange(len(truth)), truth.astype(np.intp)]
    return -np.log(np.clip(picked, FLOOR, 1.0))


def score(name: str, truth: Floats, output: Floats) -> float:
    """Compute a metric of `METRICS` by name; NaN where it is undefined."""
    return float(METRICS[name].compute(truth, output))


def _log_loss(truth: Floats, output: Floats) -> float:
    return float(row_losses(truth, output).mean())


def _brier(truth: Floats, output: Floats) -> float:
    if output.shape[1] == 2:
        return float(np.mean((output[:, 1] - truth) ** 2))
    return float(np.mean(np.sum((output - np.eye(output.shape[1])[truth.astype(np.intp)]) ** 2, axis=1)))


def _auc(truth: Floats, output: Floats) -> float:
    """Area under the ROC curve; for several classes the mean over classes, each against the rest."""
    if output.shape[1] == 2:
        return _auc_of(truth == 1, output[:, 1])
    return float(np.mean([_auc_of(truth == index, output[:, index]) for index in range(output.shape[1])]))


def _auc_of(positive: npt.NDArray[np.bool_], value: Floats) -> float:
    count = int(positive.sum())
    if not 0 < count < len(positive):
        return float("nan")
    from scipy.stats import rankdata

    ranks = rankdata(value)
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(positive) - count)))


def _average_precision(truth: Floats, output: Floats) -> float:
    columns = [1] if output.shape[1] == 2 else range(output.shape[1])
    return float(np.mean([_average_precision_of(truth == index, output[:, index]) for index in columns]))


def _average_precision_of(positive: npt.NDArray[np.bool_], value: Floats) -> float:
    count = int(positive.sum())
    if count == 0:
        return float("nan")
    order = np.argsort(-value, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(value[order])), len(value) - 1)
    hits = np.cumsum(positive[order])[ends]
    precision = hits / (ends + 1)
    return float(np.sum(np.diff(np.concatenate(([0], hits))) / count * precision))


def _confusion(truth: Floats, output: Floats) -> Floats:
    size = output.shape[1]
    cells = truth.astype(np.intp) * size + np.argmax(output, axis=1)
    return np.bincount(cells, minlength=size * size).reshape(size, size).astype(np.float64)


def _accuracy(truth: Floats, output: Floats) -> float:
    return float(np.mean(np.argmax(output, axis=1) == truth))


def _balanced_accuracy(truth: Floats, output: Floats) -> float:
    table = _confusion(truth, output)
    present = table.sum(axis=1) > 0
    return float(np.mean(np.diag(table)[present] / table.sum(axis=1)[present]))


def _f1(truth: Floats, output: Floats) -> float:
    """F1 of the last class of two; the mean over classes of several."""
    table = _confusion(truth, output)
    sizes = table.sum(axis=0) + table.sum(axis=1)
    each = 2 * np.diag(table) / np.where(sizes > 0, sizes, 1)
    return float(each[1] if len(each) == 2 else each.mean())


def _rmse(truth: Floats, output: Floats) -> float:
    return float(np.sqrt(np.mean((truth - output) ** 2)))


def _mae(truth: Floats, output: Floats) -> float:
    return float(np.mean(np.abs(truth - output)))


def _r2(truth: Floats, output: Floats) -> float:
    spread = float(np.sum((truth - truth.mean()) ** 2))
    return 1.0 - float(np.sum((truth - output) ** 2)) / spread if spread > 0 else float("nan")


_CLASSES, _NUMBERS = (Task.BINARY, Task.MULTICLASS), (Task.REGRESSION,)

METRICS: Mapping[str, Metric] = {
    "log_loss": Metric(maximize=False, tasks=_CLASSES, compute=_log_loss),
    "auc": Metric(maximize=True, tasks=_CLASSES, compute=_auc),
    "average_precision": Metric(maximize=True, tasks=_CLASSES, compute=_average_precision),
    "accuracy": Metric(maximize=True, tasks=_CLASSES, compute=_accuracy),
    "balanced_accuracy": Metric(maximize=True, tasks=_CLASSES, compute=_balanced_accuracy),
    "f1": Metric(maximize=True, tasks=_CLASSES, compute=_f1),
    "brier": Metric(maximize=False, tasks=_CLASSES, compute=_brier),
    "rmse": Metric(maximize=False, tasks=_NUMBERS, compute=_rmse),
    "mae": Metric(maximize=False, tasks=_NUMBERS, compute=_mae),
    "r2": Metric(maximize=True, tasks=_NUMBERS, compute=_r2),
}
"""Scores by name."""
