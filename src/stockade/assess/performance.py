"""How well the model predicts: scores, the constant baseline, the generalisation gap, curves, confusion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stockade.assess.exam import Exam
from stockade.metrics.arrays import Floats
from stockade.metrics.intervals import Estimate, difference
from stockade.metrics.probability import Bins, confidences
from stockade.metrics.ranking import Line, precision_recall_curve, roc_curve
from stockade.metrics.scores import MAXIMIZE, classification, confusion, metrics_of, regression, score
from stockade.types.results import Figure
from stockade.types.scorecard import Curve, Task

_MOST_CLASSES = 10
_POINTS_OF_MANY = 50
_RESIDUALS = 200


def figure(name: str, estimate: Estimate, count: int) -> Figure:
    """Write an estimate as a figure; an end of its interval that is not finite is left out."""
    low = estimate.low if np.isfinite(estimate.low) else None
    high = estimate.high if np.isfinite(estimate.high) else None
    return Figure(name, float(estimate.value), low, high, count)


def scores(exam: Exam) -> dict[str, Estimate]:
    """All metrics of the task on the test part."""
    measure = regression if exam.task is Task.REGRESSION else classification
    return measure(exam.test.truth, exam.test.output, seed=exam.settings.seed)


def baseline(exam: Exam) -> tuple[Figure, ...]:
    """What a constant that knows the training targets alone scores on the same rows.

    Classes: their shares in the training part. Numbers: the mean, and the median where absolute errors are scored.
    """
    figures = []
    for metric in metrics_of(exam.task):
        value = score(metric, exam.test.truth, _constant(exam, metric))
        if np.isfinite(value):
            figures.append(Figure(f"baseline.{metric}", value, count=exam.test.rows))
    return tuple(figures)


def _constant(exam: Exam, metric: str) -> Floats:
    truth, rows = exam.train.truth, exam.test.rows
    if exam.task is Task.REGRESSION:
        best = np.median(truth) if metric in {"mae", "median_absolute_error"} else np.mean(truth)
        return np.full(rows, float(best))
    # Half a row a class, so that a class that training lacks does not make the loss infinite.
    counts = np.bincount(truth, minlength=len(exam.classes)) + 0.5
    return np.tile(counts / counts.sum(), (rows, 1))


def generalisation_gap(exam: Exam, found: Mapping[str, Estimate]) -> Figure | None:
    """How much better the selection metric is on the training part; positive means better there.

    Train minus test; test minus train for metrics of which less is better.
    """
    if exam.metric not in found:
        return None
    measure = regression if exam.task is Task.REGRESSION else classification
    seen = measure(exam.train.truth, exam.train.output, seed=exam.settings.seed).get(exam.metric)
    if seen is None:
        return None
    unseen = found[exam.metric]
    between = difference(seen, unseen) if MAXIMIZE[exam.metric] else difference(unseen, seen)
    return figure("generalisation_gap", between, exam.test.rows)


def curves(exam: Exam) -> tuple[Curve, ...]:
    """ROC and precision-recall curves (one for each of the ten most frequent classes of many), and calibration;
    for numbers residuals against predictions, 200 rows at even ranks of the prediction.
    """  # noqa: D205 - one sentence
    test = exam.test
    if exam.task is Task.REGRESSION:
        return (_residuals(exam),)
    found: list[Curve] = []
    many = len(exam.classes) > 2
    counts = np.bincount(test.truth, minlength=len(exam.classes))
    shown = np.sort(np.argsort(-counts, kind="stable")[:_MOST_CLASSES]) if many else np.array([1])
    for index in shown:
        positive = test.truth == index
        if not 0 < positive.sum() < len(positive):
            continue
        label, by = exam.classes[index], test.output[:, index]
        points = (_POINTS_OF_MANY,) if many else ()
        found.append(_curve("roc", label, roc_curve(positive, by, *points)))
        found.append(_curve("precision_recall", label, precision_recall_curve(positive, by, *points)))
    calibration = Bins(*confidences(test.truth, test.output)).curve()
    label = "predicted class" if many else exam.classes[1]
    rows = tuple(int(count) for count in calibration.rows)
    found.append(_curve("calibration", label, Line(calibration.predicted, calibration.observed), rows))
    return tuple(sorted(found, key=lambda curve: ("roc", "precision_recall", "calibration").index(curve.name)))


def _residuals(exam: Exam) -> Curve:
    order = np.argsort(exam.test.output, kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, min(_RESIDUALS, len(order))).astype(np.int64))
    rows = order[places]
    predicted = exam.test.output[rows]
    return _curve("residuals", exam.model.signature.target, Line(predicted, exam.test.truth[rows] - predicted))


def _curve(name: str, label: str, line: Line, weight: tuple[int, ...] = ()) -> Curve:
    # Seven digits draw any line, and keep documents short.
    return Curve(name, label, _short(line.x), _short(line.y), weight)


def _short(values: Floats) -> tuple[float, ...]:
    return tuple(float(f"{value:.7g}") for value in values)


def confusion_matrix(exam: Exam) -> tuple[tuple[int, ...], ...]:
    """Rows true, columns predicted; empty for numbers."""
    if exam.task is Task.REGRESSION:
        return ()
    matrix = confusion(exam.test.truth, exam.test.classes, len(exam.classes))
    return tuple(tuple(int(cell) for cell in row) for row in matrix)
