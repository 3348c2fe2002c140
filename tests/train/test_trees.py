"""Trees are read from their libraries as they are, and written as they were read."""

from __future__ import annotations

import numpy as np
import pytest

from stockade.errors import ExportError
from stockade.train import lightgbm_trees
from stockade.train.contest import FITTERS
from stockade.train.trees import Forest, Question
from stockade.types.scorecard import Task
from train.making import prepared, table


def _follow(forest, matrix):
    """Predict by the definition of a forest, slowly."""
    raw = np.zeros((len(matrix), forest.targets))
    for place, row in enumerate(matrix):
        for root in forest.roots:
            split, child = forest.splits[root], None
            while child is None or not child.leaf:
                split = forest.splits[child.index] if child else split
                value = row[split.feature]
                if np.isnan(value):
                    yes = split.missing_true
                elif split.question is Question.MEMBER:
                    yes = value in split.members
                else:
                    yes = value <= split.threshold
                child = split.true if yes else split.false
            target, weight = forest.leaves[child.index]
            raw[place, target] += weight
    return raw


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("trainer", ["lightgbm", "histogram"])
def test_reading_keeps_every_bit(trainer, task):
    """Following the read trees one by one gives the library's raw scores, bit for bit."""
    _, _, _, problem = prepared(task, table(task, 400, 11))
    fitted = FITTERS[trainer]().fit(problem, {}, 12)
    rows = problem.matrix[:120].copy()
    rows[::5, 2] = np.nan
    rows[::7, 3] = 1e-36
    assert (_follow(fitted.form(), rows) == fitted.raw(rows)).all()


def test_missing_words_are_asked_for():
    """A problem with words leads to membership splits, so that the tests above mean something."""
    _, _, _, problem = prepared(Task.BINARY, table(Task.BINARY, 400, 11))
    for trainer in ("lightgbm", "histogram"):
        questions = {split.question for split in FITTERS[trainer]().fit(problem, {}, 12).form().splits}
        assert questions == {Question.AT_MOST, Question.MEMBER}


def test_a_tree_without_splits_is_a_constant():
    """LightGBM writes trees of a single leaf when nothing is worth a split."""
    forest = lightgbm_trees.read_forest("x\nTree=0\nnum_leaves=1\nleaf_value=0.25\n\nend of trees\n", 1)
    assert _follow(forest, np.zeros((2, 1))).tolist() == [[0.25], [0.25]]


@pytest.mark.parametrize("line", ["is_linear=1", "decision_type=4"])
def test_unknown_trees_are_refused(line):
    """Linear leaves, and zero taken for missing, are not read as something else."""
    entries = {
        "num_leaves": "2",
        "split_feature": "0",
        "threshold": "1",
        "decision_type": "0",
        "left_child": "-1",
        "right_child": "-2",
        "leaf_value": "1 2",
    }
    key, _, value = line.partition("=")
    entries[key] = value
    text = "x\nTree=0\n" + "\n".join(f"{name}={entry}" for name, entry in entries.items()) + "\n\nend of trees"
    with pytest.raises(ExportError):
        lightgbm_trees.read_forest(text, 1)


@pytest.mark.parametrize(
    ("threshold", "zero_goes_left"), [(-1.0000000180025095e-35, False), (1.0000000180025095e-35, True), (0.0, True)]
)
def test_numbers_that_lightgbm_reads_as_zero_answer_as_zero(threshold, zero_goes_left):
    """LightGBM takes magnitudes up to 1e-35 for 0, also where a threshold lies among them."""
    text = (
        "x\nTree=0\nnum_leaves=2\nsplit_feature=0\ndecision_type=0\nleft_child=-1\nright_child=-2\nleaf_value=1 2\n"
        f"threshold={threshold!r}\n\nend of trees"
    )
    forest = lightgbm_trees.read_forest(text, 1)
    edge = 1.0000000180025095e-35
    answers = _follow(forest, np.array([[0.0], [edge], [-edge], [1e-40], [-1e-40]])).ravel()
    assert (answers == (1.0 if zero_goes_left else 2.0)).all()
    assert _follow(Forest(1, forest.splits, forest.leaves, forest.roots), np.array([[-2 * edge]]))[0, 0] == 1.0
