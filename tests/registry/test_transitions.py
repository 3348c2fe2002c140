"""The table of transitions and what sequences of moves add up to."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.errors import TransitionError
from stockade.registry.transitions import ALIASES, ALLOWED, NONE, RETIRED, Standing, require

STATES = (NONE, *ALIASES, RETIRED)


@pytest.mark.parametrize(("source", "target"), list(itertools.product(STATES, STATES)))
def test_a_move_is_in_the_table_or_refused(source, target):
    """Every pair of states is either permitted or a TransitionError."""
    if (source, target) in ALLOWED:
        require(source, target)
    else:
        with pytest.raises(TransitionError):
            require(source, target)


def test_nothing_leaves_retirement():
    """A retired version stays so."""
    assert not [pair for pair in ALLOWED if pair[0] == RETIRED]


MOVES = st.one_of(
    st.tuples(st.just("promote"), st.integers(1, 4), st.sampled_from([*ALIASES, RETIRED])),
    st.tuples(st.just("roll_back"), st.integers(1, 4), st.sampled_from(ALIASES)),
)


@given(st.lists(MOVES, max_size=30))
def test_whatever_is_decided_an_alias_has_one_holder(moves):
    """No sequence of moves gives an alias two holders, a version two aliases, or a retired version any."""
    standing = Standing()
    for kind, version, target in moves:
        before = dict(standing.states)
        try:
            (standing.promote if kind == "promote" else standing.roll_back)(version, target)
        except TransitionError:
            assert standing.states == before
        states = [standing.state(number) for number in range(1, 5)]
        for alias in ALIASES:
            assert states.count(alias) <= 1
            holder = standing.holder(alias)
            assert (holder is None) == (states.count(alias) == 0)
            assert holder is None or standing.state(holder) == alias
        for number, state in before.items():
            if state == RETIRED:
                assert standing.state(number) == RETIRED


def test_a_rollback_goes_back_through_all_earlier_holders():
    """Roll-backs restore the holders before, newest first, leaving out those rolled back from and retired."""
    standing = Standing()
    for version in (1, 2, 3, 4):
        standing.promote(version, "staging")
        standing.promote(version, "production")
    standing.promote(2, RETIRED)
    assert standing.previous("production") == 3
    standing.roll_back(3, "production")
    with pytest.raises(TransitionError):
        standing.roll_back(4, "production")
    standing.roll_back(1, "production")
    with pytest.raises(TransitionError):
        standing.previous("production")
    with pytest.raises(TransitionError):
        standing.previous("staging")
