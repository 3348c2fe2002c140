"""A blend is chosen where cross-validation says so, and never above the best baseline."""

from __future__ import annotations

import numpy as np
import pytest

from stockade.train.blend import blend, mean, together
from stockade.train.problem import Validation

TRUTH = np.zeros((4, 1))


def _loss(validation):
    return float(np.mean([np.mean(np.abs(raw - TRUTH)) for raw in validation.raws])) + 1.0


def _validation(*values):
    return Validation((np.array(values, dtype=float)[:, None],))


def test_errors_that_cancel_are_blended():
    """Two contenders that err on opposite sides are better together, and a third that adds nothing stays out."""
    contenders = [_validation(1, 1, -1, -1), _validation(-1, -1, 1, 1), _validation(3, 3, 3, 3)]
    assert blend(contenders, _loss, ordered=False, ceiling=9.0) == (0, 1)


@pytest.mark.parametrize("ordered", [False, True])
def test_a_worse_blend_is_not_chosen(ordered):
    """Contenders that err on the same side stay apart."""
    contenders = [_validation(1, 1, 1, 1), _validation(2, 2, 2, 2)]
    assert blend(contenders, _loss, ordered=ordered, ceiling=9.0) == (0,)


def test_ordered_rows_allow_a_little_but_never_more_than_the_best_baseline():
    """In time a blend may cost half a percent, as long as it stays below the ceiling."""
    contenders = [_validation(1, 1, 1, 1), _validation(1.01, 1.01, 1.01, 1.01)]
    assert blend(contenders, _loss, ordered=False, ceiling=9.0) == (0,)
    assert blend(contenders, _loss, ordered=True, ceiling=2.01) == (0, 1)
    assert blend(contenders, _loss, ordered=True, ceiling=2.001) == (0,)


def test_the_mean_of_one_is_itself():
    """A single member keeps every bit."""
    raw = np.random.default_rng(0).normal(size=(5, 2))
    assert mean([raw]) is raw
    assert np.allclose(together([Validation((raw,)), Validation((3 * raw,))]).raws[0], 2 * raw)
