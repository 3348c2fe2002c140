"""Calibration is chosen by what it gains out of fold."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.train.calibration import Calibration, choose, sigmoid
from stockade.train.scoring import row_losses
from stockade.types.scorecard import Task


def _sample(distort, rows=4000, seed=0):
    random = np.random.default_rng(seed)
    score = random.normal(size=rows) * 2
    truth = (random.random(rows) < sigmoid(score)).astype(float)
    return distort(score)[:, None], truth, np.arange(rows) % 5


@pytest.mark.parametrize(
    ("distort", "method"),
    [
        (lambda z: z, "none"),
        (lambda z: 3 * z + 1, "sigmoid"),
        (lambda z: np.where(z > 0, 4 * z, np.tanh(z)), "isotonic"),
    ],
)
def test_the_fitting_method_is_chosen(distort, method):
    """Sound log-odds stay, stretched ones get a sigmoid, crooked ones a curve; and the losses fall."""
    raw, truth, fold = _sample(distort)
    calibration = choose("auto", Task.BINARY, raw, truth, fold)
    assert calibration.method == method
    fresh, answers, _ = _sample(distort, seed=1)
    before = row_losses(answers, Calibration().apply(fresh)).mean()
    after = row_losses(answers, calibration.apply(fresh)).mean()
    assert after == before if method == "none" else after < before - 0.01


def test_several_classes_get_a_temperature():
    """Overconfident logits are cooled by the factor they were heated with."""
    random = np.random.default_rng(0)
    logits = random.normal(size=(5000, 4)) * 1.5
    truth = np.array([random.choice(4, p=np.exp(row) / np.exp(row).sum()) for row in logits], dtype=float)
    calibration = choose("auto", Task.MULTICLASS, logits * 2.5, truth, np.arange(5000) % 5)
    assert calibration.method == "temperature"
    assert abs(calibration.temperature - 2.5) < 0.2


@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(40, 600),
    method=st.sampled_from(["sigmoid", "isotonic"]),
    ties=st.integers(1, 50),
)
@settings(max_examples=60, deadline=None)
def test_curves_rise_and_stay_between_zero_and_one(seed, rows, method, ties):
    """Whatever the scores, ties included, a calibrated probability rises with the score and is never 0 or 1."""
    random = np.random.default_rng(seed)
    raw = np.round(random.normal(size=(rows, 1)) * ties) / 3
    truth = (random.random(rows) < 0.4).astype(float)
    calibration = choose(method, Task.BINARY, raw, truth, np.arange(rows) % 3)
    line = np.linspace(-400, 400, 3001)[:, None]
    positive = calibration.apply(line)[:, 1]
    assert (np.diff(positive) >= 0).all()
    assert ((positive >= 0) & (positive <= 1)).all()
    if calibration.method == "isotonic":
        assert 0 < positive[0] < positive[-1] < 1


def test_plain_values_round_trip():
    """What a plan stores of a calibration makes the same calibration again."""
    for calibration in (
        Calibration(),
        Calibration("sigmoid", slope=0.1, intercept=1 / 3),
        Calibration("isotonic", knots=(-1.0, 2 / 3), values=(0.1, 0.9)),
        Calibration("temperature", temperature=1.1),
    ):
        assert Calibration.from_plain(json.loads(json.dumps(calibration.to_plain()))) == calibration


def test_ordered_rounds_are_corrected_only_on_request():
    """Where rows are ordered in time ``auto`` corrects nothing, and a method that is asked for is fitted."""
    raw, truth, fold = _sample(lambda z: 3 * z)
    assert choose("auto", Task.BINARY, raw, truth, fold, ordered=True).method == "none"
    assert choose("sigmoid", Task.BINARY, raw, truth, fold, ordered=True).method == "sigmoid"
