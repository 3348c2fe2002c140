"""Group rates, gaps, and the search for weak slices."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.metrics.groups import class_rates, gap, number_rates
from stockade.metrics.slices import holm, worst_slices


def test_rates_of_a_group_are_those_of_its_rows():
    """Selection, true and false positive rate and accuracy count the group's rows alone."""
    truth = np.array([1, 1, 0, 0] * 20 + [0] * 10)
    predicted = np.array([1, 0, 1, 0] * 20 + [1] * 10)
    member = np.arange(90) < 80
    rates = class_rates(truth, predicted, member, binary=True)
    assert {name: rate.estimate.value for name, rate in rates.items()} == {
        "selection_rate": 0.5,
        "tpr": 0.5,
        "fpr": 0.5,
        "accuracy": 0.5,
    }
    assert {name: rate.count for name, rate in rates.items()} == {
        "selection_rate": 80,
        "tpr": 40,
        "fpr": 40,
        "accuracy": 80,
    }
    assert set(class_rates(truth, predicted, member, binary=False)) == {"accuracy"}


def test_small_groups_and_few_positives_are_not_judged():
    """29 rows are too few for any rate, 9 positives for a true-positive rate."""
    truth, predicted = np.array([1] * 9 + [0] * 91), np.zeros(100, dtype=int)
    whole = class_rates(truth, predicted, np.ones(100, dtype=bool), binary=True)
    assert not whole["tpr"].judged
    assert whole["fpr"].judged
    part = class_rates(truth, predicted, np.arange(100) >= 71, binary=True)
    assert part["accuracy"].count == 29
    assert not any(rate.judged for rate in part.values())
    assert "tpr" not in part


def test_the_gap_is_between_the_judged_extremes():
    """A small group's rate, however extreme, does not make the gap; one judged group has none."""
    truth = np.ones(350, dtype=int)
    predicted = np.array([1] * 150 + [0] * 50 + [1] * 70 + [0] * 70 + [0] * 10)
    groups = [np.arange(350) < 200, (np.arange(350) >= 200) & (np.arange(350) < 340), np.arange(350) >= 340]
    rates = [class_rates(truth, predicted, member, binary=True).get("tpr") for member in groups]
    found = gap(rates)
    assert found is not None
    assert (found.highest, found.lowest, found.count) == (0, 1, 340)
    assert found.estimate.value == pytest.approx(0.25)
    assert 0 < found.estimate.low < 0.25 < found.estimate.high
    assert gap([rates[0], rates[2], None]) is None


def test_number_rates_have_signs():
    """Bias keeps its sign where the absolute error does not."""
    truth = np.zeros(40)
    rates = number_rates(truth, np.full(40, -2.0), np.ones(40, dtype=bool))
    assert rates["mae"].estimate.value == 2.0
    assert rates["bias"].estimate.value == -2.0
    assert number_rates(truth, truth, np.zeros(40, dtype=bool)) == {}


def conditions(rows: int, columns: int, values: int, seed: int):
    random = np.random.default_rng(seed)
    table = random.integers(0, values, (rows, columns))
    member = np.concatenate([table == value for value in range(values)], axis=1)
    return member, np.tile(np.arange(columns), values), random


def test_a_planted_pair_is_found_first_and_alone():
    """A loss raised where two conditions meet is found as that pair, with a p-value that leaves no doubt."""
    member, column_of, random = conditions(6_000, 8, 3, 0)
    inside = member[:, 1] & member[:, 10]
    losses = (random.random(6_000) < 0.1 + 0.4 * inside).astype(float)
    found = worst_slices(losses, member, column_of, support=100)
    assert found[0].conditions == (1, 10)
    assert found[0].p_value < 1e-20
    assert found[0].count == inside.sum()
    assert found[0].loss == pytest.approx(losses[inside].mean())


def test_a_single_condition_is_not_dressed_up_as_a_pair():
    """Where one condition explains the loss, no pair of it stands before it."""
    member, column_of, random = conditions(6_000, 8, 3, 1)
    losses = (random.random(6_000) < 0.1 + 0.3 * member[:, 4]).astype(float)
    assert worst_slices(losses, member, column_of, support=100)[0].conditions == (4,)


def test_noise_is_rarely_called_a_slice():
    """Over 40 tables without weak parts at most five (5 % plus chance) show an adjusted p-value below 0.05."""
    alarms = 0
    for seed in range(40):
        member, column_of, random = conditions(1_500, 6, 3, seed)
        losses = (random.random(1_500) < 0.2).astype(float)
        found = worst_slices(losses, member, column_of, support=50)
        alarms += any(part.p_value < 0.05 for part in found)
    assert alarms <= 5


def test_the_search_is_fast():
    """12,000 rows and 15 columns of five conditions take less than three seconds of processor time."""
    member, column_of, random = conditions(12_000, 15, 5, 3)
    losses = random.random(12_000)
    begun = time.process_time()
    worst_slices(losses, member, column_of, support=120)
    assert time.process_time() - begun < 3


@pytest.mark.parametrize("rows", [0, 10, 59])
def test_too_few_rows_have_no_slices(rows):
    """A table below twice the support is not searched."""
    assert worst_slices(np.zeros(rows), np.ones((rows, 2), dtype=bool), np.array([0, 1]), support=30) == ()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_is_monotone_and_never_below_the_raw_value(values):
    """Adjusted p-values keep their order, are not smaller than before, and not above 1."""
    raw = np.array(values)
    adjusted = holm(raw)
    order = np.argsort(raw, kind="stable")
    assert (adjusted >= raw).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[order]) >= 0).all()
    assert adjusted[order][0] == pytest.approx(min(1.0, raw.min() * len(raw)))
