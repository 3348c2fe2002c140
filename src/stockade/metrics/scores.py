"""Every score of a task in one call, each with a 95 % interval.

    estimates = classification(truth, probabilities, seed=0)
    estimates["auc"].low

Intervals: Wilson's for proportions (accuracy; precision and recall of two classes), DeLong's for the AUC, and a
bootstrap stratified by class for the rest.
"""

from __future__ import annotations

import math

import numpy as np

from stockade.metrics.arrays import Floats, Ints
from stockade.metrics.bootstrap import intervals
from stockade.metrics.intervals import Estimate, median, wilson
from stockade.metrics.probability import Bins, brier_losses, confidences, log_losses
from stockade.metrics.ranking import Ordering, auc, macro_auc, placements
from stockade.types.scorecard import Task

MAXIMIZE = {
    "accuracy": True,
    "balanced_accuracy": True,
    "precision": True,
    "recall": True,
    "f1": True,
    "auc": True,
    "average_precision": True,
    "log_loss": False,
    "brier": False,
    "ece": False,
    "rmse": False,
    "mae": False,
    "r2": True,
    "median_absolute_error": False,
}
"""Every metric by its figure name, and whether more of it is better."""

REGRESSION_METRICS = ("rmse", "mae", "r2", "median_absolute_error")
"""Metrics of a regression."""

CLASSIFICATION_METRICS = tuple(name for name in MAXIMIZE if name not in REGRESSION_METRICS)
"""Metrics of a classification."""


def metrics_of(task: Task) -> tuple[str, ...]:
    """Names of the metrics that a task has."""
    return REGRESSION_METRICS if task is Task.REGRESSION else CLASSIFICATION_METRICS


def default_metric(task: Task) -> str:
    """The metric a model is selected by when nobody says otherwise."""
    return "rmse" if task is Task.REGRESSION else "log_loss"


def confusion(truth: Ints, predicted: Ints, classes: int) -> Ints:
    """Confusion matrix ``[K, K]``: rows true, columns predicted."""
    counts: Ints = np.bincount(truth * classes + predicted, minlength=classes * classes).astype(np.int64)
    matrix: Ints = counts.reshape(classes, classes)
    return matrix


def predicted_class(probabilities: Floats) -> Ints:
    """The most probable class of each row ``[N]``; with two classes the threshold is 0.5; the first wins a tie."""
    index: Ints = np.argmax(probabilities, axis=1).astype(np.int64)
    return index


def from_confusion(matrix: Floats) -> dict[str, Floats]:
    """Scores of confusion matrices ``[R, K, K]``, ``[R]`` each.

    With two classes precision, recall and F1 are those of the second, the positive class; with more they are means
    over the classes that occur in the truth. A class that is never predicted has precision 0.
    """
    correct = np.diagonal(matrix, axis1=1, axis2=2)
    true, predicted = matrix.sum(axis=2), matrix.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = correct / true
        precision = np.where(predicted > 0, correct / predicted, 0.0)
        harmonic = 2 * correct / (true + predicted)
        accuracy = correct.sum(axis=1) / true.sum(axis=1)
    present = true > 0
    if matrix.shape[1] == 2:
        means = [np.where(present[:, 1], value[:, 1], np.nan) for value in (precision, recall, harmonic)]
    else:
        means = [_mean_present(value, present) for value in (precision, recall, harmonic)]
    names = ("accuracy", "balanced_accuracy", "precision", "recall", "f1")
    return dict(zip(names, (accuracy, _mean_present(recall, present), *means), strict=True))


def _mean_present(values: Floats, present: Floats) -> Floats:
    mean: Floats = np.where(present, values, 0.0).sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    return mean


def classification(truth: Ints, probabilities: Floats, *, seed: int) -> dict[str, Estimate]:
    """Score probabilities.

    With two classes, the second is positive. With more, precision, recall, F1, average precision and the AUC
    (one-vs-rest) are means over the classes that occur in the truth.

    Args:
        truth: Class indices ``[N]``, ``N >= 1``.
        probabilities: ``[N, K]``, rows sum to 1.
        seed: Of the bootstrap.

    Returns:
        Estimates by metric name; a metric that the rows leave undefined (the AUC of one class) is absent.
    """
    classes = probabilities.shape[1]
    predicted = predicted_class(probabilities)
    cells = np.zeros((len(truth), classes * classes)) if classes <= 12 else None
    if cells is not None:
        cells[np.arange(len(truth)), truth * classes + predicted] = 1.0
    bins = Bins(*confidences(truth, probabilities))
    orderings = _orderings(truth, probabilities)
    rows = {"log_loss": log_losses(truth, probabilities), "brier": brier_losses(truth, probabilities)}

    def statistics(weights: Floats) -> dict[str, Floats]:
        flat = weights @ cells if cells is not None else _tally(weights, truth * classes + predicted, classes**2)
        result = from_confusion(flat.reshape(-1, classes, classes))
        total = weights.sum(axis=1)
        result |= {name: weights @ losses / total for name, losses in rows.items()}
        result["ece"] = bins.calibration_error(weights)
        precisions = [ordering.average_precision(weights) for ordering in orderings]
        result["average_precision"] = np.mean(precisions, axis=0)
        return result

    estimates = _bounded(intervals(statistics, truth, seed, draws=len(truth) * len(orderings)))
    ranking = auc(truth == 1, probabilities[:, 1]) if classes == 2 else macro_auc(truth, probabilities)
    if ranking is not None:
        estimates["auc"] = ranking
    estimates |= _proportions(confusion(truth, predicted, classes))
    return {name: estimates[name] for name in CLASSIFICATION_METRICS if name in estimates}


def _tally(weights: Floats, cell: Ints, size: int) -> Floats:
    """Sum weights ``[R, N]`` by cell, where a membership matrix would be too wide."""
    return np.stack([np.bincount(cell, weights=row, minlength=size) for row in weights])


def _proportions(matrix: Ints) -> dict[str, Estimate]:
    """Accuracy, and precision and recall of two classes, with Wilson's interval."""
    result = {"accuracy": wilson(int(np.trace(matrix)), int(matrix.sum()))}
    if len(matrix) == 2 and matrix[1].sum():
        result["recall"] = wilson(int(matrix[1, 1]), int(matrix[1].sum()))
        if matrix[:, 1].sum():
            result["precision"] = wilson(int(matrix[1, 1]), int(matrix[:, 1].sum()))
    return result


def _bounded(estimates: dict[str, Estimate]) -> dict[str, Estimate]:
    """Keep intervals inside the range that a metric has: [0, 1], or from 0 up for losses."""
    result = {}
    for name, estimate in estimates.items():
        top = math.inf if name in {"log_loss", "brier"} else 1.0
        # Sums of shares may pass 1 by rounding.
        value = min(max(estimate.value, 0.0), top)
        result[name] = Estimate(value, max(estimate.low, 0.0), max(min(estimate.high, top), value))
    return result


def regression(truth: Floats, predictions: Floats, *, seed: int) -> dict[str, Estimate]:
    """Score predicted numbers.

    Args:
        truth: ``[N]``, ``N >= 1``.
        predictions: ``[N]``.
        seed: Of the bootstrap.

    Returns:
        Estimates by metric name; R2 is absent where the truth is constant.
    """
    absolute = np.abs(predictions - truth)
    # The mean of equal numbers may differ from them by rounding, which must not pass for spread.
    centred = truth - np.mean(truth) if np.ptp(truth) > 0 else np.zeros(len(truth))
    squares = absolute**2

    def statistics(weights: Floats) -> dict[str, Floats]:
        total = weights.sum(axis=1)
        mean_square = weights @ squares / total
        spread = weights @ centred**2 / total - (weights @ centred / total) ** 2
        with np.errstate(invalid="ignore", divide="ignore"):
            r2 = np.where(spread > 0, 1 - mean_square / spread, np.nan)
        return {"rmse": np.sqrt(mean_square), "mae": weights @ absolute / total, "r2": r2}

    estimates = intervals(statistics, np.zeros(len(truth), dtype=np.int64), seed)
    for name in ("rmse", "mae"):
        estimates[name] = Estimate(estimates[name].value, max(estimates[name].low, 0.0), estimates[name].high)
    if "r2" in estimates:
        estimates["r2"] = Estimate(estimates["r2"].value, estimates["r2"].low, min(estimates["r2"].high, 1.0))
    estimates["median_absolute_error"] = median(absolute)
    return {name: estimates[name] for name in REGRESSION_METRICS if name in estimates}


def score(metric: str, truth: Ints | Floats, prediction: Floats) -> float:
    """Compute one metric without an interval, for searches that call it often; NaN where it is undefined.

    Args:
        metric: A name of `MAXIMIZE`.
        truth: Class indices or numbers, ``[N]``.
        prediction: Probabilities ``[N, K]``, or numbers ``[N]``.

    Raises:
        ValueError: the metric is unknown, or is not one of the prediction's task.
    """
    if metric in REGRESSION_METRICS and prediction.ndim == 1:
        return _regression_score(metric, np.asarray(truth, dtype=np.float64), prediction)
    if metric in CLASSIFICATION_METRICS and prediction.ndim == 2:
        return _classification_score(metric, np.asarray(truth, dtype=np.int64), prediction)
    raise ValueError(f"{metric!r} is not a metric of this task")


def _regression_score(metric: str, truth: Floats, prediction: Floats) -> float:
    error = np.abs(prediction - truth)
    if metric == "mae":
        return float(np.mean(error))
    if metric == "median_absolute_error":
        return float(np.median(error))
    square = float(np.mean(error**2))
    if metric == "rmse":
        return math.sqrt(square)
    return 1 - square / float(np.var(truth)) if np.ptp(truth) > 0 else math.nan


def _classification_score(metric: str, truth: Ints, probabilities: Floats) -> float:
    classes = probabilities.shape[1]
    if metric == "auc":
        return _auc_alone(truth, probabilities)
    if metric in {"log_loss", "brier"}:
        losses = log_losses if metric == "log_loss" else brier_losses
        return float(np.mean(losses(truth, probabilities)))
    ones = np.ones((1, len(truth)))
    if metric == "ece":
        return float(Bins(*confidences(truth, probabilities)).calibration_error(ones)[0])
    if metric == "average_precision":
        parts = [ordering.average_precision(ones)[0] for ordering in _orderings(truth, probabilities)]
        return float(np.mean(parts))
    matrix = confusion(truth, predicted_class(probabilities), classes)[None].astype(np.float64)
    return float(from_confusion(matrix)[metric][0])


def _auc_alone(truth: Ints, probabilities: Floats) -> float:
    positives = [1] if probabilities.shape[1] == 2 else np.unique(truth).tolist()
    if len(np.unique(truth)) < 2:
        return math.nan
    return float(np.mean([placements(truth == index, probabilities[:, index])[0] for index in positives]))


def _orderings(truth: Ints, probabilities: Floats) -> list[Ordering]:
    """An ordering for the positive class of two, or for each class that occurs of more."""
    positives = [1] if probabilities.shape[1] == 2 else np.unique(truth).tolist()
    return [Ordering(truth == index, probabilities[:, index]) for index in positives]
