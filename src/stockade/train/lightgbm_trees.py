"""LightGBM's trees, read from its model text, which prints every number with all its digits.

Source of the text's meaning: LightGBM 4, ``src/io/tree.cpp`` (``Tree::Tree(const char*)``) and
``include/LightGBM/tree.h`` (``NumericalDecision``, ``CategoricalDecision``).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, nextafter

from stockade.errors import ExportError
from stockade.train.trees import Child, Forest, Question, Split

_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_NONE, _MISSING_NAN = 0, 2
_ZERO = 1.0000000180025095e-35  # kZeroThreshold, a float32: LightGBM reads what is no larger as 0


def read_forest(text: str, targets: int) -> Forest:
    """Read the trees of a model text; tree i belongs to target ``i mod targets``.

    Raises:
        ExportError: the text holds something that this reader does not know.
    """
    forest = Forest(targets)
    body = text.partition("\nend of trees")[0]
    for number, block in enumerate(body.split("\nTree=")[1:]):
        entries = dict(line.partition("=")[::2] for line in block.splitlines() if "=" in line)
        _read_tree(entries, forest, number % targets)
    return forest


def _read_tree(entries: Mapping[str, str], forest: Forest, target: int) -> None:
    if entries.get("is_linear", "0") != "0":
        raise ExportError("LightGBM trees with linear leaves cannot be exported")
    leaves = [float(value) for value in entries["leaf_value"].split()]
    if len(leaves) == 1:
        forest.add_constant(leaves[0], target)
        return
    features, decisions, left, right, boundaries, words = (
        [int(value) for value in entries.get(key, "").split()]
        for key in ("split_feature", "decision_type", "left_child", "right_child", "cat_boundaries", "cat_threshold")
    )
    thresholds = [float(value) for value in entries["threshold"].split()]
    splits = []
    for index, (feature, decision) in enumerate(zip(features, decisions, strict=True)):
        true, false = _child(left[index]), _child(right[index])
        if decision & _CATEGORICAL:
            position = int(thresholds[index])
            bits = words[boundaries[position] : boundaries[position + 1]]
            # NaN and negative codes are never members, and go right.
            splits.append(
                Split(feature, Question.MEMBER, 0.0, _members(bits), missing_true=False, true=true, false=false)
            )
            continue
        missing = _missing_goes_left(decision, thresholds[index])
        threshold = _beside_zero(thresholds[index])
        splits.append(Split(feature, Question.AT_MOST, threshold, (), missing, true, false))
    forest.add(splits, leaves, target)


def _missing_goes_left(decision: int, threshold: float) -> bool:
    kind = decision >> 2 & 3
    if kind == _MISSING_NONE:
        return threshold >= 0.0  # LightGBM reads NaN as 0 where training saw no NaN
    if kind == _MISSING_NAN:
        return bool(decision & _DEFAULT_LEFT)
    raise ExportError("LightGBM trees that take zero for missing cannot be exported")


def _beside_zero(threshold: float) -> float:
    """Move a threshold among the numbers that LightGBM reads as 0 to their edge, so that they all answer as 0 does."""
    if -_ZERO <= threshold < 0.0:
        return nextafter(-_ZERO, -inf)
    return _ZERO if 0.0 <= threshold < _ZERO else threshold


def _child(index: int) -> Child:
    return Child(leaf=True, index=~index) if index < 0 else Child(leaf=False, index=index)


def _members(bits: list[int]) -> tuple[float, ...]:
    return tuple(float(32 * place + bit) for place, word in enumerate(bits) for bit in range(32) if word >> bit & 1)
