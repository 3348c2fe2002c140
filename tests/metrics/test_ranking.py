"""The AUC, its interval, and the curves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from stockade.metrics.ranking import Ordering, auc, macro_auc, midranks, precision_recall_curve, roc_curve


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=60))
def test_the_auc_counts_pairs_and_ties_half(rows):
    """The AUC is the share of pairs ordered rightly, equal scores counting half."""
    positive = np.array([row[0] for row in rows])
    scores = np.array([row[1] for row in rows], dtype=float)
    found = auc(positive, scores)
    if positive.all() or not positive.any():
        assert found is None
        return
    pairs = scores[positive][:, None] - scores[~positive][None]
    assert found is not None
    assert found.value == pytest.approx(float(np.mean((pairs > 0) + 0.5 * (pairs == 0))))
    assert found.low <= found.value <= found.high


def test_the_variance_is_delongs():
    """The interval's width on the logit scale is that of DeLong's variance, computed by its definition."""
    random = np.random.default_rng(0)
    positive = random.random(200) < 0.3
    scores = (random.normal(size=200) + positive).round(1)
    pairs = scores[positive][:, None] - scores[~positive][None]
    wins = (pairs > 0) + 0.5 * (pairs == 0)
    variance = (
        np.var(wins.mean(axis=1), ddof=1) / positive.sum() + np.var(wins.mean(axis=0), ddof=1) / (~positive).sum()
    )
    found = auc(positive, scores)
    assert found is not None
    width = np.log(found.high / (1 - found.high)) - np.log(found.low / (1 - found.low))
    value = found.value
    assert width == pytest.approx(2 * 1.959964 * np.sqrt(variance) / (value * (1 - value)), rel=1e-6)


def test_two_classes_taken_as_many_have_nearly_the_same_interval():
    """The macro AUC of two classes is the AUC, and its linearised interval is DeLong's but for n against n - 1."""
    random = np.random.default_rng(1)
    truth = random.integers(0, 2, 400)
    share = 1 / (1 + np.exp(-random.normal(size=400) - truth))
    macro, plain = macro_auc(truth, np.column_stack((1 - share, share))), auc(truth == 1, share)
    assert macro is not None
    assert plain is not None
    assert (macro.value, macro.low, macro.high) == pytest.approx((plain.value, plain.low, plain.high), abs=3e-4)


def test_perfect_separation_keeps_an_interval():
    """Ten rows of each class wholly separated do not prove an AUC of 1."""
    found = auc(np.arange(20) >= 10, np.arange(20.0))
    assert found is not None
    assert found.value == found.high == 1.0
    assert 0.6 < found.low < 0.8


def test_midranks_share_ties():
    """Equal values share the mean of their ranks."""
    assert midranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]


def test_curves_are_scikit_learns_where_short():
    """A curve that needs no thinning passes through scikit-learn's points."""
    random = np.random.default_rng(2)
    positive = random.random(90) < 0.4
    scores = random.random(90).round(2)
    line = roc_curve(positive, scores)
    x, y, _ = sk.roc_curve(positive, scores, drop_intermediate=False)
    assert np.allclose(line.x, x)
    assert np.allclose(line.y, y)
    precision, recall, _ = sk.precision_recall_curve(positive, scores)
    line = precision_recall_curve(positive, scores)
    assert np.allclose(line.x[1:], recall[::-1][1:])
    assert np.allclose(line.y[1:], precision[::-1][1:])


def test_long_curves_are_thinned_and_keep_their_area():
    """At most 200 points are left, both ends among them, and the area hardly changes."""
    random = np.random.default_rng(3)
    positive = random.random(50_000) < 0.2
    scores = random.normal(size=50_000) + positive
    line = roc_curve(positive, scores)
    assert len(line.x) <= 200
    assert (line.x[0], line.y[0], line.x[-1], line.y[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(line.y, line.x) == pytest.approx(sk.roc_auc_score(positive, scores), abs=2e-3)
    assert len(precision_recall_curve(positive, scores, 50).x) <= 50


def test_weights_count_like_repeated_rows():
    """A row of weight two is two rows."""
    positive = np.array([True, False, True, False, True])
    scores = np.array([0.9, 0.8, 0.8, 0.3, 0.1])
    repeated = np.array([0, 0, 1, 2, 3, 3, 3, 4])
    weight = np.bincount(repeated, minlength=5).astype(float)[None]
    found = Ordering(positive, scores).average_precision(weight)[0]
    assert found == pytest.approx(sk.average_precision_score(positive[repeated], scores[repeated]))
