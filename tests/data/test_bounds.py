import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.data.bounds import propose

AGES = np.random.default_rng(1).integers(16, 95, 20_000).astype(float)


@pytest.mark.parametrize("damage", [[-5, 212, 999], [212] * 20, [-1], [-999] * 5 + [999] * 5, [130, 150, 999], [1e12]])
def test_impossible_ages_do_not_widen_the_bounds(damage):
    """At most one row in a thousand that stands apart is left outside the bounds."""
    bounds = propose(np.append(AGES, damage))
    assert bounds == propose(AGES)
    assert all(not bounds.minimum <= value <= bounds.maximum for value in damage)


def clean_columns(seed, size):
    """Money, counts, shares, heights, moments in time, refunds and heavy tails."""
    rng = np.random.default_rng(seed)
    return (
        np.exp(rng.normal(10, 2, size)).round(2),
        np.exp(rng.normal(12, 1, size)).round(),
        rng.poisson(0.3, size),
        rng.poisson(4, size),
        rng.exponential(3, size),
        rng.beta(0.5, 5, size),
        rng.normal(170, 10, size),
        rng.standard_t(3, size),
        rng.pareto(1.1, size),
        rng.uniform(1.4e9, 1.5e9, size).round(),
        np.where(rng.random(size) < 0.9, 0, rng.lognormal(8, 1.5, size)),
        np.where(rng.random(size) < 0.005, -1, 1) * rng.lognormal(4, 1, size),
    )


@pytest.mark.parametrize(("size", "most"), [(30, 0), (60, 0), (300, 5), (1000, 8), (20_000, 3)])
def test_clean_rows_are_hardly_ever_lost(size, most):
    """Of 240 clean columns at most a few lose a row, and none more than one in a thousand."""
    losses = []
    for seed in range(20):
        for values in clean_columns(seed, size):
            low, high = propose(np.asarray(values, dtype=float))
            lost = (values < (-np.inf if low is None else low)) | (values > (np.inf if high is None else high))
            losses.append(int(lost.sum()))
    assert sum(loss > 0 for loss in losses) <= most
    assert max(losses) <= max(1, size // 1000)


def test_moments_stay_open_to_the_future():
    """Seconds and milliseconds since 1970 are not held to the months that were seen."""
    seen = np.arange(1.42e9, 1.43e9, 1000)
    assert propose(seen).maximum > 4e9
    assert propose(seen * 1000).maximum > 4e12


def test_zeros_and_ones_keep_to_themselves():
    """A column of zeros and ones admits nothing beyond them."""
    assert propose(np.array([0.0, 1.0] * 50)) == (0.0, 1.0)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=60))
def test_any_numbers_have_bounds(values):
    """Any finite numbers have bounds or none; bounds are in order, and with few rows hold them all."""
    low, high = propose(np.array(values, dtype=float))
    for value in values:
        assert low is None or low <= value
        assert high is None or value <= high


def test_nothing_is_said_of_a_tail_that_was_hardly_seen():
    """A column of zeros but for a few rows has no upper bound, for nothing is known of what it may hold."""
    assert propose(np.array([0.0] * 9990 + [3.0] * 10)) == (0.0, None)
