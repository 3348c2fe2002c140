"""How good probabilities are in themselves: log-loss, Brier score, calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stockade.metrics.arrays import Bools, Floats, Ints

BINS = 15
"""Most bins of a calibration error or curve."""

_ROWS_PER_BIN = 20
_EPSILON = float(np.finfo(np.float64).eps)


def log_losses(truth: Ints, probabilities: Floats) -> Floats:
    """Each row's negative log-likelihood ``[N]``, natural logarithm; probabilities are kept 2.2e-16 off 0 and 1."""
    chosen = probabilities[np.arange(len(truth)), truth]
    losses: Floats = -np.log(np.clip(chosen, _EPSILON, 1 - _EPSILON))
    return losses


def brier_losses(truth: Ints, probabilities: Floats) -> Floats:
    """Each row's squared distance from the truth ``[N]``.

    With two classes that of the positive class alone, in [0, 1]; with more the sum over classes, in [0, 2]
    (Brier 1950).
    """
    if probabilities.shape[1] == 2:
        return np.asarray((probabilities[:, 1] - truth) ** 2, dtype=np.float64)
    squares = np.sum(probabilities**2, axis=1)
    chosen = probabilities[np.arange(len(truth)), truth]
    return np.asarray(squares - 2 * chosen + 1, dtype=np.float64)


def confidences(truth: Ints, probabilities: Floats) -> tuple[Floats, Bools]:
    """What calibration is measured on: a probability and whether its event happened, both ``[N]``.

    With two classes the probability of the positive class; with more that of the predicted class.
    """
    if probabilities.shape[1] == 2:
        return probabilities[:, 1], truth == 1
    predicted = np.argmax(probabilities, axis=1)
    return probabilities[np.arange(len(truth)), predicted], predicted == truth


class Bins:
    """Bins of about equal mass over a probability: at most 15, of at least 20 rows; equal values share a bin.

    Args:
        confidence: Probabilities ``[N]``.
        happened: Whether the event happened, ``[N]``.
    """

    def __init__(self, confidence: Floats, happened: Bools) -> None:
        count = int(np.clip(len(confidence) // _ROWS_PER_BIN, 1, BINS))
        inner = np.quantile(confidence, np.linspace(0, 1, count + 1)[1:-1]) if count > 1 else np.zeros(0)
        self._bin = np.searchsorted(np.unique(inner), confidence, side="left")
        size = int(self._bin.max()) + 1
        self._member = np.zeros((len(confidence), size))
        self._member[np.arange(len(confidence)), self._bin] = 1.0
        self._confidence = confidence[:, None] * self._member
        self._happened = happened[:, None] * self._member

    def calibration_error(self, weights: Floats) -> Floats:
        """Expected calibration error ``[R]`` for weights ``[R, N]``: mean absolute gap, bins weighted by mass."""
        gap = weights @ self._confidence - weights @ self._happened
        result: Floats = np.sum(np.abs(gap), axis=1) / np.sum(weights, axis=1)
        return result

    def curve(self) -> CalibrationCurve:
        """Mean probability against observed share, a point for each bin that holds rows."""
        counts = self._member.sum(axis=0)
        used = counts > 0
        counts = counts[used]
        return CalibrationCurve(
            self._confidence.sum(axis=0)[used] / counts,
            self._happened.sum(axis=0)[used] / counts,
            counts.astype(np.int64),
        )


@dataclass(frozen=True, slots=True)
class CalibrationCurve:
    """Predicted probability, observed share, and rows behind each point; ``[B]`` each."""

    predicted: Floats
    observed: Floats
    rows: Ints
