"""The exported bytes predict what the trainer predicts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.train.calibration import Calibration
from stockade.types.scorecard import Task
from train.making import both_ways, table

FITTERS = ("constant", "linear", "histogram", "lightgbm")


def _hostile(fresh: pl.DataFrame) -> pl.DataFrame:
    """Put unseen words, fractions of codes and the ends of the number scale into a table."""
    rows = len(fresh)
    extremes = np.resize(
        [
            1e308,
            -1e308,
            np.inf,
            -np.inf,
            5e-324,
            1e-35,
            -1e-35,
            float(np.float32(1e-35)),
            -float(np.float32(1e-35)),
            3.4e38,
            np.nan,
            -0.0,
        ],
        rows,
    )
    pick = pl.Series(np.arange(rows) % 7 == 0)
    return fresh.with_columns(
        pl.when(pick).then(pl.Series(extremes)).otherwise(pl.col("when")).alias("when"),
        pl.when(pick.shift(1, fill_value=False)).then(pl.Series(extremes)).otherwise(pl.col("small")).alias("small"),
        pl.when(pick.shift(2, fill_value=False))
        .then(pl.Series(extremes[::-1].copy()))
        .otherwise(pl.col("code").cast(pl.Float64))
        .alias("code"),
        pl.when(pick.shift(3, fill_value=False)).then(pl.lit("never seen")).otherwise(pl.col("word")).alias("word"),
        pl.when(pick.shift(4, fill_value=False))
        .then(pl.lit("W1 "))
        .otherwise(pl.col("many words"))
        .alias("many words"),
    )


def _assert_same(task: Task, native: np.ndarray, exported: np.ndarray) -> None:
    assert native.shape == exported.shape
    assert np.isfinite(native).all()
    if task is Task.REGRESSION:
        assert (np.abs(native - exported) / np.maximum(np.abs(native), 1e6)).max() <= 1e-12
        return
    assert np.abs(native - exported).max() <= 1e-12
    assert (native.argmax(axis=1) == exported.argmax(axis=1)).all()
    assert np.allclose(exported.sum(axis=1), 1.0, atol=1e-12)


@pytest.mark.parametrize("trainer", FITTERS)
@given(task=st.sampled_from(list(Task)), rows=st.integers(60, 700), seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_fresh_rows_are_predicted_alike(trainer, task, rows, seed):
    """On rows never trained on, with missing, unseen and extreme values, labels agree and values to 1e-12."""
    native, exported = both_ways(trainer, task, table(task, rows, seed), _hostile(table(task, 300, seed + 1)))
    _assert_same(task, native, exported)


@pytest.mark.parametrize("trainer", ["histogram", "lightgbm"])
def test_trees_are_bit_equal_where_nothing_follows_them(trainer):
    """A regression with unit scale shows the sums of leaves themselves, and they are equal in every bit."""
    frame = table(Task.REGRESSION, 800, 5)
    native, exported = both_ways(trainer, Task.REGRESSION, frame, _hostile(table(Task.REGRESSION, 800, 6)))
    assert (native == exported).all()


@pytest.mark.parametrize(
    "calibration",
    [
        Calibration("sigmoid", slope=0.7, intercept=-0.2),
        Calibration("isotonic", knots=(-2.0, -0.5, 0.0, 0.75, 3.0), values=(0.01, 0.2, 0.4, 0.6, 0.97)),
        Calibration("isotonic", knots=(0.0, 1.0), values=(0.3, 0.7)),
    ],
)
@pytest.mark.parametrize("trainer", ["lightgbm", "linear"])
def test_calibrated_probabilities_are_predicted_alike(trainer, calibration):
    """Sigmoid and isotonic corrections survive the export."""
    native, exported = both_ways(
        trainer, Task.BINARY, table(Task.BINARY, 500, 1), _hostile(table(Task.BINARY, 500, 2)), calibration
    )
    _assert_same(Task.BINARY, native, exported)
    assert len(np.unique(native[:, 1])) > 50


def test_temperature_is_predicted_alike():
    """A temperature survives the export."""
    native, exported = both_ways(
        "lightgbm",
        Task.MULTICLASS,
        table(Task.MULTICLASS, 500, 1),
        table(Task.MULTICLASS, 500, 2),
        Calibration("temperature", temperature=1.7),
    )
    _assert_same(Task.MULTICLASS, native, exported)


@pytest.mark.parametrize("scale", [1e200, 1e-200, 1e307])
def test_the_linear_model_bears_numbers_of_any_size(scale):
    """A column whose squares leave the range of numbers still counts, and is exported exactly."""
    frame = table(Task.BINARY, 500, 1).with_columns(pl.col("small") / pl.col("small").abs().max() * scale)
    fresh = table(Task.BINARY, 500, 2).with_columns(pl.col("small") / pl.col("small").abs().max() * scale)
    native, exported = both_ways("linear", Task.BINARY, frame, _hostile(fresh))
    _assert_same(Task.BINARY, native, exported)
    constant, _ = both_ways("linear", Task.BINARY, frame, fresh.with_columns(pl.lit(0.0).alias("small")))
    moved, _ = both_ways("linear", Task.BINARY, frame, fresh.with_columns(pl.lit(scale).alias("small")))
    assert not np.allclose(constant, moved, atol=1e-6)
