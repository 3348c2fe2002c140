"""From raw scores to probabilities, and how to correct them.

For two classes the raw score is a log-odds and may be corrected by a logistic curve (Platt 1999) or by a monotone
piecewise-linear curve (centred isotonic regression, Oron and Flournoy 2017, over equal-count bins); for several
classes logits may be divided by a temperature (Guo et al. 2017). Which one, if any, is decided by out-of-fold
log-loss; each candidate is fitted on the other folds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stockade.train.problem import Floats
from stockade.train.scoring import row_losses
from stockade.types.scorecard import Task

BIN_ROWS = 30
"""Least rows behind a knot of the isotonic curve."""

BINS = 100
"""Most knots of the isotonic curve."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A correction.

    Attributes:
        method: ``none``, ``sigmoid``, ``isotonic`` or ``temperature``.
        slope: Sigmoid: multiplies the log-odds.
        intercept: Sigmoid: added to it.
        knots: Isotonic: log-odds, rising.
        values: Isotonic: probabilities at the knots, rising, inside (0, 1).
        temperature: Divides logits.
    """

    method: str = "none"
    slope: float = 1.0
    intercept: float = 0.0
    knots: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    temperature: float = 1.0

    def apply(self, raw: Floats) -> Floats:
        """Turn raw scores ``[N, M]`` into probabilities ``[N, K]``."""
        if raw.shape[1] > 1:
            return softmax(raw / self.temperature)
        score = raw[:, 0]
        if self.method == "isotonic":
            positive = self._follow(score)
        elif self.method == "sigmoid":
            positive = sigmoid(self.slope * score + self.intercept)
        else:
            positive = sigmoid(score)
        return np.column_stack([1.0 - positive, positive])

    def segments(self) -> tuple[Floats, Floats, Floats]:
        """The isotonic curve as segments: start, value there, and slope; the first and last are flat."""
        knots, values = np.array(self.knots), np.array(self.values)
        slopes = np.diff(values) / np.diff(knots)
        return (
            np.concatenate((knots[:1], knots)),
            np.concatenate((values[:1], values)),
            np.concatenate(([0.0], slopes, [0.0])),
        )

    def _follow(self, score: Floats) -> Floats:
        starts, values, slopes = self.segments()
        place = np.searchsorted(np.array(self.knots), score, side="right")
        followed: Floats = values[place] + slopes[place] * (score - starts[place])
        return followed

    def to_plain(self) -> dict[str, Any]:
        """Write what the method needs as plain values."""
        wanted = {
            "none": (),
            "sigmoid": ("slope", "intercept"),
            "isotonic": ("knots", "values"),
            "temperature": ("temperature",),
        }[self.method]
        plain: dict[str, Any] = {"method": self.method}
        for name in wanted:
            value = getattr(self, name)
            plain[name] = list(value) if isinstance(value, tuple) else value
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Calibration:
        """Read what `to_plain` wrote."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()
        }
        return cls(**values)


def sigmoid(score: Floats) -> Floats:
    """The logistic function, without overflow."""
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-score))


def softmax(scores: Floats) -> Floats:
    """Shares of exponentials, row by row, without overflow."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def choose(
    method: str, task: Task, raw: Floats, truth: Floats, fold: npt.NDArray[np.intp], *, ordered: bool = False
) -> Calibration:
    """Fit the calibration that out-of-fold log-loss prefers, or the one that is asked for.

    A correction is preferred to a simpler one, or to none, only when it gains more than one standard error of the
    paired row losses.

    Args:
        method: ``auto`` or a method.
        task: Kind of task; regression is never calibrated.
        raw: Out-of-fold raw scores ``[N, M]``.
        truth: Class indices ``[N]``.
        fold: Round in which each row was held out ``[N]``.
        ordered: Whether rounds are ordered in time. ``auto`` then corrects nothing: on drifting data, corrections
            learnt from earlier rounds made later ones worse.
    """
    fitting = {Task.BINARY: ("sigmoid", "isotonic"), Task.MULTICLASS: ("temperature",)}.get(task, ())
    if method == "none" or not fitting or len(set(fold.tolist())) < 2 or len(np.unique(truth)) < 2:
        return Calibration()
    if method in fitting:
        return _fit(method, raw, truth)
    if ordered:
        return Calibration()
    best, best_losses = "none", row_losses(truth, Calibration().apply(raw))
    for candidate in fitting:
        losses = row_losses(truth, _held_out(candidate, raw, truth, fold))
        gain = best_losses - losses
        if gain.mean() > gain.std() / max(len(gain), 1) ** 0.5:
            best, best_losses = candidate, losses
    return Calibration() if best == "none" else _fit(best, raw, truth)


def _held_out(method: str, raw: Floats, truth: Floats, fold: npt.NDArray[np.intp]) -> Floats:
    """Calibrate each fold with what the others teach."""
    result = Calibration().apply(raw)
    for number in np.unique(fold):
        held = fold == number
        if len(np.unique(truth[~held])) > 1:
            result[held] = _fit(method, raw[~held], truth[~held]).apply(raw[held])
    return result


def _fit(method: str, raw: Floats, truth: Floats) -> Calibration:
    if method == "sigmoid":
        return _fit_sigmoid(raw[:, 0], truth)
    return _fit_isotonic(raw[:, 0], truth) if method == "isotonic" else _fit_temperature(raw, truth)


def _fit_sigmoid(score: Floats, truth: Floats) -> Calibration:
    """Newton's method with halved steps on slope and intercept, with Platt's smoothed targets."""
    positives = float(truth.sum())
    negatives = len(truth) - positives
    aim = np.where(truth == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    columns = np.column_stack([score, np.ones_like(score)])

    def loss(weights: Floats) -> float:
        line = columns @ weights
        return float(np.sum(np.logaddexp(0.0, line) - aim * line))

    weights = np.array([0.0, np.log((positives + 1) / (negatives + 1))])
    current = loss(weights)
    for _ in range(100):
        fitted = sigmoid(columns @ weights)
        curvature = (columns * (fitted * (1 - fitted))[:, None]).T @ columns + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, columns.T @ (fitted - aim))
        while loss(weights - step) > current and abs(step).max() > 1e-10:
            step = step / 2
        weights, before = weights - step, current
        current = loss(weights)
        if before - current <= 1e-12 * before:
            break
    if not np.isfinite(weights).all() or weights[0] <= 0:
        return Calibration()
    return Calibration("sigmoid", slope=float(weights[0]), intercept=float(weights[1]))


def _fit_isotonic(score: Floats, truth: Floats) -> Calibration:
    from sklearn.isotonic import isotonic_regression

    order = np.argsort(score, kind="stable")
    parts = np.array_split(order, max(1, min(BINS, len(order) // BIN_ROWS)))
    centres = np.array([score[part].mean() for part in parts])
    shares = np.array([truth[part].mean() for part in parts])
    sizes = np.array([len(part) for part in parts], dtype=np.float64)
    pooled = isotonic_regression(shares, sample_weight=sizes)
    knots: list[float] = []
    values: list[float] = []
    gap = 1e-3 * max(float(score.std()), 1e-9)  # steeper segments would magnify the last digit of a score
    for value in np.unique(pooled):
        block = pooled == value
        centre = float(np.average(centres[block], weights=sizes[block]))
        least = 1.0 / (float(sizes[block].sum()) + 2.0)
        if not knots or centre - knots[-1] > gap:
            knots.append(centre)
            values.append(float(np.clip(value, least, 1.0 - least)))
    if len(knots) < 2 or (np.diff(values) <= 0).any():
        return Calibration()
    return Calibration("isotonic", knots=tuple(knots), values=tuple(values))


def _fit_temperature(raw: Floats, truth: Floats) -> Calibration:
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        return float(row_losses(truth, softmax(raw / np.exp(log_temperature))).mean())

    found = minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded", options={"xatol": 1e-6})
    return Calibration("temperature", temperature=float(np.exp(found.x)))
