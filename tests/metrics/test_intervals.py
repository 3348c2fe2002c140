"""Closed-form intervals agree with scipy, and with the papers' own examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stockade.metrics.intervals import Estimate, clopper_pearson, difference, mean, median, product, wilson
from stockade.metrics.special import beta_cdf, beta_quantile, student_tail


@given(st.integers(1, 500).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_proportions_have_scipys_intervals(counts):
    """Wilson's and the exact interval equal scipy's, at the ends too."""
    successes, trials = counts
    test = stats.binomtest(successes, trials)
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        found, expected = ours(successes, trials), test.proportion_ci(method=method)
        assert found.low == pytest.approx(expected.low, abs=1e-9)
        assert found.high == pytest.approx(expected.high, abs=1e-9)
        assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize("counts", [(0, 0), (3, 2), (-1, 5)])
def test_impossible_counts_are_refused(counts):
    """There is no proportion of nothing."""
    with pytest.raises(ValueError, match="trials"):
        wilson(*counts)


def test_newcombes_example():
    """The difference 56/70 - 48/80 has the interval of Newcombe (1998), table II, method 10."""
    found = difference(wilson(56, 70), wilson(48, 80))
    assert found.value == pytest.approx(0.2, abs=1e-12)
    assert found.low == pytest.approx(0.0524, abs=5e-5)
    assert found.high == pytest.approx(0.3339, abs=5e-5)


def test_a_product_by_one_is_the_other_estimate():
    """A certain factor scales, and adds no width."""
    found = product(Estimate(1.0, 1.0, 1.0), Estimate(0.8, 0.7, 0.9))
    assert (found.value, found.low, found.high) == pytest.approx((0.8, 0.7, 0.9))


def test_the_median_of_ten_lies_between_the_second_and_ninth():
    """The distribution-free 95 % interval of ten values is a textbook one."""
    assert median(np.arange(1.0, 11.0)) == Estimate(5.5, 2.0, 9.0)
    assert median(np.array([3.0])) == Estimate(3.0, 3.0, 3.0)


def test_the_median_bears_what_was_never_reached():
    """Infinite values count as larger than all others."""
    found = median(np.array([1.0, 2.0, 3.0, math.inf, math.inf]))
    assert found.value == 3.0
    assert found.high == math.inf
    assert median(np.array([math.inf] * 4)).value == math.inf


def test_means_have_the_normal_interval():
    """A mean is 1.96 standard errors wide to either side; of one value it has no width, of none no meaning."""
    values = np.array([1.0, 2.0, 3.0, 4.0])
    found = mean(values)
    assert found.high - found.value == pytest.approx(1.959964 * stats.sem(values), rel=1e-6)
    assert mean(np.array([2.0])) == Estimate(2.0, 2.0, 2.0)
    for undefined in (mean, median):
        with pytest.raises(ValueError, match="nothing"):
            undefined(np.zeros(0))


def test_special_functions_are_scipys():
    """The beta and Student distributions agree with scipy to eleven digits, far into the tails."""
    random = np.random.default_rng(0)
    a, b, x = random.uniform(0.1, 500, 500), random.uniform(0.1, 500, 500), random.random(500)
    assert np.abs(beta_cdf(a, b, x) - stats.beta.cdf(x, a, b)).max() < 1e-11
    t, freedom = random.normal(size=500) * 6, random.uniform(1, 1e5, 500)
    assert np.abs(student_tail(t, freedom) / stats.t.sf(t, freedom) - 1).max() < 1e-8
    assert beta_quantile(3, 18, 0.025) == pytest.approx(stats.beta.ppf(0.025, 3, 18), abs=1e-12)
    assert beta_cdf(2.0, 3.0, np.array([0.0, 1.0])).tolist() == [0.0, 1.0]
