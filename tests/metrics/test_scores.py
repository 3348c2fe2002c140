"""Scores agree with scikit-learn, and their intervals cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from stockade.metrics.bootstrap import replicates_for, weights
from stockade.metrics.probability import Bins, confidences
from stockade.metrics.scores import (
    CLASSIFICATION_METRICS,
    MAXIMIZE,
    REGRESSION_METRICS,
    classification,
    confusion,
    regression,
    score,
)


def binary(rows: int, seed: int, digits: int = 2):
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, rows)
    positive = np.clip(0.5 + 0.3 * (truth - 0.5) + 0.25 * random.normal(size=rows), 0.01, 0.99).round(digits)
    return truth, np.column_stack((1 - positive, positive))


def several(rows: int, classes: int, seed: int):
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, rows)
    logits = random.normal(size=(rows, classes))
    logits[np.arange(rows), truth] += 1.5
    probabilities = np.exp(logits)
    return truth, probabilities / probabilities.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(4))
def test_binary_scores_are_scikit_learns(seed):
    """Every score of two classes equals scikit-learn's, ties included."""
    truth, probabilities = binary(400, seed)
    predicted, positive = probabilities.argmax(axis=1), probabilities[:, 1]
    found = classification(truth, probabilities, seed=0)
    expected = {
        "accuracy": sk.accuracy_score(truth, predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, predicted),
        "precision": sk.precision_score(truth, predicted),
        "recall": sk.recall_score(truth, predicted),
        "f1": sk.f1_score(truth, predicted),
        "auc": sk.roc_auc_score(truth, positive),
        "average_precision": sk.average_precision_score(truth, positive),
        "log_loss": sk.log_loss(truth, probabilities),
        "brier": sk.brier_score_loss(truth, positive),
    }
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, abs=1e-12), name
        assert score(name, truth, probabilities) == pytest.approx(value, abs=1e-12), name


@pytest.mark.parametrize("seed", range(3))
def test_multiclass_scores_are_scikit_learns_macro(seed):
    """Scores of many classes are the macro means of scikit-learn, the AUC one-vs-rest."""
    truth, probabilities = several(500, 5, seed)
    predicted = probabilities.argmax(axis=1)
    found = classification(truth, probabilities, seed=0)
    expected = {
        "accuracy": sk.accuracy_score(truth, predicted),
        "precision": sk.precision_score(truth, predicted, average="macro"),
        "recall": sk.recall_score(truth, predicted, average="macro"),
        "f1": sk.f1_score(truth, predicted, average="macro"),
        "auc": sk.roc_auc_score(truth, probabilities, multi_class="ovr"),
        "average_precision": sk.average_precision_score(truth, probabilities),
        "log_loss": sk.log_loss(truth, probabilities),
        "brier": float(np.mean(np.sum((probabilities - np.eye(5)[truth]) ** 2, axis=1))),
    }
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, abs=1e-12), name
        assert score(name, truth, probabilities) == pytest.approx(value, abs=1e-12), name
    assert (confusion(truth, predicted, 5) == sk.confusion_matrix(truth, predicted)).all()


def test_regression_scores_are_scikit_learns():
    """Every score of numbers equals scikit-learn's."""
    random = np.random.default_rng(1)
    truth = random.normal(size=301) * 10 + 5
    predictions = truth + random.standard_t(3, size=301)
    found = regression(truth, predictions, seed=0)
    expected = {
        "rmse": sk.root_mean_squared_error(truth, predictions),
        "mae": sk.mean_absolute_error(truth, predictions),
        "r2": sk.r2_score(truth, predictions),
        "median_absolute_error": sk.median_absolute_error(truth, predictions),
    }
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, abs=1e-12), name
        assert score(name, truth, predictions) == pytest.approx(value, abs=1e-12), name


def test_every_metric_has_one_home_and_a_direction():
    """Metrics of classes and of numbers are apart, and a metric of the other task is refused."""
    assert set(CLASSIFICATION_METRICS) | set(REGRESSION_METRICS) == set(MAXIMIZE)
    assert not set(CLASSIFICATION_METRICS) & set(REGRESSION_METRICS)
    with pytest.raises(ValueError, match="not a metric of this task"):
        score("rmse", np.array([0, 1]), np.eye(2))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(2, 4), st.integers(0, 10_000))
def test_any_rows_give_finite_estimates_inside_their_intervals(rows, classes, seed):
    """One row, one class, constant predictions: nothing is NaN, and no interval leaves its estimate out."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, random.integers(1, classes + 1), rows)
    probabilities = random.dirichlet(np.ones(classes), rows).round(random.integers(0, 3)) + 1e-3
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    for name, estimate in classification(truth, probabilities, seed=seed).items():
        assert math.isfinite(estimate.low), name
        assert math.isfinite(estimate.high), name
        assert estimate.low <= estimate.value <= estimate.high, name
        if name not in {"log_loss", "brier"}:
            assert estimate.low >= 0, name
            assert estimate.high <= 1, name


def test_one_class_leaves_the_auc_undefined():
    """Without positives there is no AUC, no recall and no average precision, and the rest is there."""
    _, probabilities = binary(30, 1)
    found = classification(np.zeros(30, dtype=int), probabilities, seed=0)
    assert set(found) == {"accuracy", "balanced_accuracy", "log_loss", "brier", "ece"}
    assert math.isnan(score("auc", np.zeros(30, dtype=int), probabilities))


def test_a_constant_truth_leaves_r2_undefined():
    """R2 divides by the spread of the truth; without spread it is absent, whatever rounding says."""
    found = regression(np.full(50, 0.1), np.linspace(0, 1, 50), seed=0)
    assert set(found) == {"rmse", "mae", "median_absolute_error"}
    assert math.isnan(score("r2", np.full(50, 0.1), np.linspace(0, 1, 50)))


def test_a_class_without_test_rows_does_not_count():
    """Macro means run over the classes that occur."""
    truth, probabilities = several(300, 3, 4)
    kept = truth != 2
    found = classification(truth[kept], probabilities[kept], seed=0)
    predicted = probabilities[kept].argmax(axis=1)
    expected = sk.f1_score(truth[kept], predicted, labels=[0, 1], average="macro")
    assert found["f1"].value == pytest.approx(expected, abs=1e-12)


def test_the_bootstrap_repeats_and_depends_on_its_seed():
    """Equal seeds give equal intervals, others do not."""
    truth, probabilities = binary(200, 3)
    assert classification(truth, probabilities, seed=5) == classification(truth, probabilities, seed=5)
    assert classification(truth, probabilities, seed=5) != classification(truth, probabilities, seed=6)


def test_bootstrap_weights_keep_the_strata():
    """Every replicate draws as many rows of each class as there are, in however many batches."""
    strata = np.array([0] * 30 + [1] * 5 + [0] * 7)
    drawn = np.concatenate(list(weights(strata, 64, seed=1)))
    assert drawn.shape == (64, 42)
    assert (drawn[:, strata == 1].sum(axis=1) == 5).all()
    assert (drawn[:, strata == 0].sum(axis=1) == 37).all()
    assert [replicates_for(rows) for rows in (10, 60_000, 10**7)] == [1000, 200, 200]


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """Of 120 samples of a known population at least 85 % of the 95 % intervals hold the population's score."""
    truth, probabilities = binary(40_000, 11, digits=4)
    names = ("f1", "log_loss", "average_precision", "auc", "accuracy", "balanced_accuracy", "brier")
    population = {name: score(name, truth, probabilities) for name in names}
    random = np.random.default_rng(2)
    held = dict.fromkeys(names, 0)
    for trial in range(120):
        rows = random.choice(len(truth), 150, replace=False)
        found = classification(truth[rows], probabilities[rows], seed=trial)
        for name in names:
            held[name] += found[name].low <= population[name] <= found[name].high
    assert min(held.values()) >= 102, held


def test_calibration_of_true_probabilities_is_near_zero():
    """Events drawn from their own probabilities are calibrated; doubled odds are not."""
    random = np.random.default_rng(3)
    share = random.random(20_000)
    truth = (random.random(20_000) < share).astype(int)
    good = np.column_stack((1 - share, share))
    bad = np.column_stack((1 - share**3, share**3))
    assert score("ece", truth, good) < 0.02
    assert score("ece", truth, bad) > 0.2
    curve = Bins(*confidences(truth, good)).curve()
    assert curve.rows.sum() == 20_000
    assert len(curve.rows) == 15
    assert np.abs(curve.predicted - curve.observed).max() < 0.05


def test_equal_probabilities_share_a_bin():
    """A constant prediction has one bin, whose error is its distance from the observed share."""
    truth = np.array([0, 0, 0, 1] * 100)
    constant = np.tile([0.5, 0.5], (400, 1))
    assert score("ece", truth, constant) == pytest.approx(0.25)
    assert len(Bins(*confidences(truth, constant)).curve().rows) == 1
