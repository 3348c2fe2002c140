"""What an attacker may do to a row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.adversary.space import Dimension, Space

SPACE = Space(
    (
        Dimension("real", -1.0, 1.0, 0.5),
        Dimension("whole", 0.0, 10.0, 2.0, integer=True),
        Dimension.of_categories("word", 3),
        Dimension.of_numbers("constant", np.full(9, 7.0), integer=False),
    )
)


def test_wishes_are_brought_back_to_what_is_allowed():
    """Ranges hold, whole numbers stay whole, and what has no spread stays as it is."""
    original = np.array([0.0, 3.0, 1.0, 7.0])
    assert SPACE.confine(np.array([5.0, 4.6, 2.0, 9.0]), original).tolist() == [1.0, 5.0, 2.0, 7.0]


def test_a_row_outside_the_range_may_stay_there_and_go_no_further():
    """A test row may lie outside what training saw; the attacker may keep that, and come back."""
    original = np.array([3.0, 3.0, 1.0, 7.0])
    assert SPACE.confine(np.array([9.0, 3.0, 1.0, 7.0]), original)[0] == 3.0
    assert SPACE.confine(np.array([0.5, 3.0, 1.0, 7.0]), original)[0] == 0.5


def test_missing_stays_missing_and_nothing_becomes_missing():
    """The attacker neither fills nor empties a cell."""
    gaps = np.array([np.nan, 3.0, np.nan, 7.0])
    confined = SPACE.confine(np.array([0.5, np.nan, 2.0, 7.0]), gaps)
    assert np.isnan(confined[[0, 2]]).all()
    assert confined[1] == 3.0
    assert SPACE.distance(confined, gaps) == 0


def test_costs_are_standard_deviations_and_one_for_a_category():
    """Half a unit of a column with deviation 0.5 costs 1, and so does another word."""
    original = np.array([0.0, 3.0, 1.0, 7.0])
    assert SPACE.distance(np.array([0.5, 3.0, 1.0, 7.0]), original) == 1.0
    assert SPACE.distance(np.array([0.0, 3.0, 2.0, 7.0]), original) == 1.0
    assert SPACE.distance(np.array([0.5, 5.0, 2.0, 7.0]), original) == pytest.approx(np.sqrt(3))


@given(st.lists(st.floats(-50, 50), min_size=4, max_size=4), st.lists(st.floats(-50, 50), min_size=4, max_size=4))
def test_confining_twice_changes_nothing(wished, original):
    """What is allowed is allowed."""
    start = SPACE.confine(np.array(original), np.array([0.0, 3.0, 1.0, 7.0]))
    once = SPACE.confine(np.array(wished), start)
    assert np.array_equal(SPACE.confine(once, start), once)


def test_the_nearest_rows_of_the_pool_come_first():
    """Only eligible rows are taken, nearest first, and what is missing is said to be."""
    pool = np.array([[0.9, 3.0, 1.0, 7.0], [0.2, 3.0, 1.0, 7.0], [0.1, 3.0, 1.0, 7.0]])
    found, exists = SPACE.nearest(np.array([[0.0, 3.0, 1.0, 7.0]]), pool, np.array([[True, True, False]]), 4)
    assert found[0, :2, 0].tolist() == [0.2, 0.9]
    assert exists.tolist() == [[True, True, False, False]]


def test_a_dimension_needs_a_scale_and_a_range():
    """Nonsense is refused where it is made."""
    with pytest.raises(ValueError, match="no scale"):
        Dimension("x", 0, 1, 0)
    with pytest.raises(ValueError, match="no range"):
        Dimension("x", 2, 1, 1)


def test_a_few_huge_values_do_not_make_small_changes_cheap():
    """The unit of cost is that of the bulk of a column; of a column that is mostly one value, its deviation."""
    rng = np.random.default_rng(0)
    values = rng.normal(0, 2, 4000)
    assert Dimension.of_numbers("x", values, integer=False).scale == pytest.approx(2, rel=0.05)
    values[:80] = 365243
    assert Dimension.of_numbers("x", values, integer=False).scale == pytest.approx(2, rel=0.05)
    mostly = np.where(rng.random(4000) < 0.9, 0.0, values)
    assert Dimension.of_numbers("x", mostly, integer=False).scale == pytest.approx(mostly.std())
