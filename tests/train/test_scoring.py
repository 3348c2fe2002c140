"""Scores agree with scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from stockade.train.scoring import METRICS, score


def _sample(classes, seed=0):
    random = np.random.default_rng(seed)
    output = np.round(random.dirichlet(np.ones(classes), 400), 2) + 1e-3
    output /= output.sum(axis=1, keepdims=True)
    return random.integers(classes, size=400).astype(float), output


def test_two_classes():
    """All scores of two classes are scikit-learn's, ties included."""
    truth, output = _sample(2)
    label, positive = output.argmax(axis=1), output[:, 1]
    expected = {
        "log_loss": metrics.log_loss(truth, positive),
        "auc": metrics.roc_auc_score(truth, positive),
        "average_precision": metrics.average_precision_score(truth, positive),
        "accuracy": metrics.accuracy_score(truth, label),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, label),
        "f1": metrics.f1_score(truth, label),
        "brier": metrics.brier_score_loss(truth, positive),
    }
    for name, value in expected.items():
        assert score(name, truth, output) == pytest.approx(value), name


def test_several_classes():
    """All scores of several classes are scikit-learn's macro averages."""
    truth, output = _sample(4)
    label = output.argmax(axis=1)
    expected = {
        "log_loss": metrics.log_loss(truth, output),
        "auc": metrics.roc_auc_score(truth, output, multi_class="ovr"),
        "accuracy": metrics.accuracy_score(truth, label),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, label),
        "f1": metrics.f1_score(truth, label, average="macro"),
    }
    for name, value in expected.items():
        assert score(name, truth, output) == pytest.approx(value), name


def test_numbers():
    """Scores of numbers are scikit-learn's."""
    random = np.random.default_rng(0)
    truth = random.normal(size=300)
    output = truth + random.normal(size=300)
    assert score("rmse", truth, output) == pytest.approx(metrics.root_mean_squared_error(truth, output))
    assert score("mae", truth, output) == pytest.approx(metrics.mean_absolute_error(truth, output))
    assert score("r2", truth, output) == pytest.approx(metrics.r2_score(truth, output))


def test_one_class_has_no_ranking():
    """Where a score is undefined it is NaN, and nothing is raised."""
    truth, output = np.ones(10), np.tile([0.4, 0.6], (10, 1))
    assert np.isnan(score("auc", truth, output))
    assert np.isnan(score("average_precision", 1 - truth, output))
    for name, metric in METRICS.items():
        assert metric.tasks, name
