"""Membership inference against losses whose leak is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from stockade.adversary.attacks.membership import infer_membership


def test_equal_losses_leak_nothing():
    """Parts drawn alike are told apart by chance only: AUC near 0.5, one in a hundred found."""
    random = np.random.default_rng(3)
    found = infer_membership(random.exponential(size=4_000), random.exponential(size=4_000), seed=0)
    assert found is not None
    assert found.auc.low < 0.5 < found.auc.high
    assert found.tpr_at_1pct_fpr.low < 0.01 < found.tpr_at_1pct_fpr.high + 0.005


def test_a_memorised_part_is_found():
    """A third of members with tiny losses is found nearly whole at 1 % false alarms."""
    random = np.random.default_rng(1)
    members = random.exponential(size=3_000) + 0.02
    members[:1_000] = random.random(1_000) * 1e-3
    found = infer_membership(members, random.exponential(size=3_000) + 0.02, seed=0)
    assert found is not None
    assert found.auc.low > 0.6
    assert found.tpr_at_1pct_fpr.value == pytest.approx(1 / 3 + 0.01 * 2 / 3, abs=0.02)
    assert found.tpr_at_1pct_fpr.low <= found.tpr_at_1pct_fpr.value <= found.tpr_at_1pct_fpr.high


def test_the_figures_are_scikit_learns():
    """AUC and the interpolated true-positive rate are read off scikit-learn's ROC curve."""
    random = np.random.default_rng(2)
    members, others = random.exponential(0.8, 700).round(2), random.exponential(1.0, 900).round(2)
    truth = np.repeat([1, 0], [700, 900])
    scores = -np.concatenate((members, others))
    x, y, _ = roc_curve(truth, scores, drop_intermediate=False)
    found = infer_membership(members, others, seed=0)
    assert found is not None
    assert found.auc.value == pytest.approx(roc_auc_score(truth, scores))
    assert found.tpr_at_1pct_fpr.value == pytest.approx(np.interp(0.01, x, y))


def test_ties_neither_help_nor_hinder():
    """Where all losses are equal, guessing finds 1 % at 1 %."""
    found = infer_membership(np.ones(300), np.ones(200), seed=0)
    assert found is not None
    assert (found.auc.value, found.tpr_at_1pct_fpr.value) == pytest.approx((0.5, 0.01))


def test_long_parts_are_sampled_and_the_sample_repeats():
    """Parts above 8,000 rows are sampled by the seed; an empty part has no answer."""
    random = np.random.default_rng(3)
    members, others = random.random(9_000), random.random(50)
    found = infer_membership(members, others, seed=1)
    assert found is not None
    assert (found.members, found.others) == (8_000, 50)
    assert found == infer_membership(members, others, seed=1)
    assert infer_membership(members, np.zeros(0), seed=1) is None
