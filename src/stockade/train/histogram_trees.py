"""The trees of scikit-learn's HistGradientBoosting, read from its node arrays.

scikit-learn puts categorical columns first and numbers their codes anew before it grows trees; both are undone here,
so that the splits speak of the matrix that `fit` was given. Source of the arrays' meaning: scikit-learn 1.8 and 1.9,
``sklearn/ensemble/_hist_gradient_boosting/_predictor.pyx``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stockade.train.trees import Child, Forest, Question, Split


def read_forest(estimator: Any) -> Forest:
    """Read the trees of a fitted HistGradientBoostingClassifier or HistGradientBoostingRegressor.

    The baseline becomes a first tree of a single leaf, so that sums are made in the estimator's own order.
    """
    forest = Forest(int(estimator.n_trees_per_iteration_))
    for target, weight in enumerate(np.asarray(estimator._baseline_prediction).ravel()):  # noqa: SLF001
        forest.add_constant(float(weight), target)
    columns, codes = _columns(estimator)
    for trees in estimator._predictors:  # noqa: SLF001
        for target, tree in enumerate(trees):
            _read_tree(tree, forest, target, columns, codes)
    return forest


def _columns(estimator: Any) -> tuple[list[int], dict[int, list[float]]]:
    """Map the estimator's inner columns to the matrix's, and list the codes of the categorical ones."""
    total = int(estimator.n_features_in_)
    mask = estimator.is_categorical_
    if mask is None:
        return list(range(total)), {}
    outer = [index for index in range(total) if mask[index]]
    encoder = estimator._preprocessor.named_transformers_["encoder"]  # noqa: SLF001
    codes = {
        column: [float(code) for code in categories if not np.isnan(code)]
        for column, categories in zip(outer, encoder.categories_, strict=True)
    }
    return outer + [index for index in range(total) if not mask[index]], codes


def _read_tree(tree: Any, forest: Forest, target: int, columns: list[int], codes: dict[int, list[float]]) -> None:
    nodes = tree.nodes
    places: dict[int, Child] = {}
    leaves: list[float] = []
    inner: list[int] = []
    for number, node in enumerate(nodes):
        if node["is_leaf"]:
            places[number] = Child(leaf=True, index=len(leaves))
            leaves.append(float(node["value"]))
        else:
            places[number] = Child(leaf=False, index=len(inner))
            inner.append(number)
    if not inner:
        forest.add_constant(leaves[0], target)
        return
    splits = []
    for number in inner:
        node = nodes[number]
        left, right = places[int(node["left"])], places[int(node["right"])]
        column, missing_left = columns[int(node["feature_idx"])], bool(node["missing_go_to_left"])
        if not node["is_categorical"]:
            threshold = float(node["num_threshold"])
            splits.append(Split(column, Question.AT_MOST, threshold, (), missing_left, left, right))
            continue
        chosen = _chosen(tree.raw_left_cat_bitsets[int(node["bitset_idx"])], codes[column])
        # Codes that the estimator never met go where missing values go, so the question is asked of the side
        # to which missing values do not go.
        if missing_left:
            others = tuple(code for code in codes[column] if code not in chosen)
            splits.append(Split(column, Question.MEMBER, 0.0, others, missing_true=False, true=right, false=left))
        else:
            splits.append(Split(column, Question.MEMBER, 0.0, chosen, missing_true=False, true=left, false=right))
    forest.add(splits, leaves, target)


def _chosen(bits: Any, codes: list[float]) -> tuple[float, ...]:
    return tuple(code for place, code in enumerate(codes) if int(bits[place // 32]) >> (place % 32) & 1)
