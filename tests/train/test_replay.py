"""An export that does not reproduce the trainer is withheld."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from stockade.errors import ExportError
from stockade.train import training, writer
from stockade.train.calibration import Calibration
from stockade.train.contest import FITTERS
from stockade.train.replay import edge_rows, replay
from stockade.train.settings import Settings
from stockade.train.trees import Forest, Question
from stockade.train.writer import Blueprint, write
from stockade.types.scorecard import Task
from train.making import folds, prepared, schema, table


def _single_precision(forest):
    splits = [dataclasses.replace(split, threshold=float(np.float32(split.threshold))) for split in forest.splits]
    return Forest(forest.targets, splits, forest.leaves, forest.roots)


def _missing_turned(forest):
    splits = [dataclasses.replace(split, missing_true=not split.missing_true) for split in forest.splits]
    return Forest(forest.targets, splits, forest.leaves, forest.roots)


def _strict(forest):
    splits = [
        dataclasses.replace(split, question=Question.BELOW) if split.question is Question.AT_MOST else split
        for split in forest.splits
    ]
    return Forest(forest.targets, splits, forest.leaves, forest.roots)


def _word_lost(forest):
    splits = [dataclasses.replace(split, members=split.members[1:]) for split in forest.splits]
    return Forest(forest.targets, splits, forest.leaves, forest.roots)


def _leaf_nudged(forest):
    leaves = [(target, weight * (1 + 1e-8)) for target, weight in forest.leaves]
    return Forest(forest.targets, forest.splits, leaves, forest.roots)


@pytest.mark.parametrize("wrong", [_single_precision, _missing_turned, _strict, _word_lost, _leaf_nudged])
@pytest.mark.parametrize("trainer", ["lightgbm", "histogram"])
def test_a_wrong_writer_is_refused(monkeypatch, wrong, trainer):
    """float32 thresholds, turned missing values, < for <=, a lost word and a nudged leaf are each found."""
    attributes = writer.forest_attributes
    monkeypatch.setattr(writer, "forest_attributes", lambda forest: attributes(wrong(forest)))
    with pytest.raises(ExportError, match="differs from the trained one"):
        training.train(
            table(Task.BINARY, 600, 3), folds(600), schema(Task.BINARY), Settings(trainers=(trainer,), trials=0)
        )


def test_a_wrong_calibration_is_refused():
    """A calibration left out of the export is found."""
    frame = table(Task.BINARY, 400, 1)
    signature, columns, encoder, problem = prepared(Task.BINARY, frame)
    fitted = FITTERS["lightgbm"]().fit(problem, {}, 20)
    data = write(Blueprint(signature, encoder, (fitted.form(),)))
    calibration = Calibration("sigmoid", slope=1.0001)
    with pytest.raises(ExportError):
        replay(data, lambda part: calibration.apply(fitted.raw(encoder.encode(part))), columns, columns)


def test_a_label_that_flips_is_refused_however_small_the_difference():
    """Probabilities within the tolerance do not excuse another label."""
    frame = table(Task.BINARY, 100, 1)
    signature, columns, encoder, _problem = prepared(Task.BINARY, frame)
    forest = Forest(1)
    forest.add_constant(0.0, 0)
    data = write(Blueprint(signature, encoder, (forest,)))
    with pytest.raises(ExportError, match="200 of 200 labels"):
        replay(data, lambda _: np.tile([0.5 - 1e-15, 0.5 + 1e-15], (100, 1)), columns, columns)


def test_values_that_are_not_numbers_are_refused():
    """A NaN from the export is a difference, not an agreement."""
    frame = table(Task.BINARY, 100, 1)
    signature, columns, encoder, _ = prepared(Task.BINARY, frame)
    forest = Forest(1)
    forest.add_constant(float("nan"), 0)
    data = write(Blueprint(signature, encoder, (forest,)))
    with pytest.raises(ExportError):
        replay(data, lambda _: np.full((100, 2), np.nan), columns, columns)


def test_edge_rows_sit_on_thresholds():
    """Every column gets its missing value, and split columns get thresholds with both neighbours."""
    frame = table(Task.BINARY, 800, 1)
    _, columns, encoder, problem = prepared(Task.BINARY, frame)
    form = FITTERS["lightgbm"]().fit(problem, {}, 20).form()
    edges = edge_rows(encoder, (form,), columns, 0)
    lengths = {len(column) for column in edges.values()}
    assert len(lengths) == 1
    assert lengths.pop() < 8_000
    thresholds = {split.threshold for split in form.splits if split.feature == 0 and split.question is Question.AT_MOST}
    values = set(edges["when"].tolist())
    on = [value for value in thresholds if value in values]
    assert on
    assert all(np.nextafter(value, np.inf) in values and np.nextafter(value, -np.inf) in values for value in on)
    assert all("" in set(edges[name].tolist()) for name in ("word", "many words"))
    assert all(np.isnan(edges[name]).any() for name in ("when", "cents", "code", "small", "flag"))
