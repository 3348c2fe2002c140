"""The ONNX writer: preprocessing, model and calibration in one graph, every number in double precision.

Operators: ai.onnx 21 and ai.onnx.ml 5 (TreeEnsemble with float64 splits and leaves). The same model gives the same
bytes: no time, path or version of a tool is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from stockade.model.signature import METADATA_KEY, FeatureKind, ModelSignature
from stockade.train.calibration import Calibration
from stockade.train.encoding import Coding, Encoder
from stockade.train.linear import CLIP
from stockade.train.problem import Floats, Form, LinearForm
from stockade.train.trees import Forest, Question
from stockade.types.scorecard import Task

OPSET, OPSET_ML, IR_VERSION = 21, 5, 10
_ML = "ai.onnx.ml"


@dataclass(frozen=True, slots=True)
class Blueprint:
    """All that the export is written from.

    Attributes:
        signature: Inputs and output.
        encoder: How columns become the matrix.
        forms: The fitted members; raw scores are the mean of theirs.
        calibration: From raw scores to probabilities.
        centre: Added to a regression's standardised number after `spread`.
        spread: Multiplies a regression's standardised number.
    """

    signature: ModelSignature
    encoder: Encoder
    forms: tuple[Form, ...]
    calibration: Calibration = Calibration()  # noqa: RUF009 - frozen
    centre: float = 0.0
    spread: float = 1.0


def write(blueprint: Blueprint) -> bytes:
    """Write a model file."""
    graph = _Graph(blueprint)
    graph.finish(graph.mean(blueprint.forms))
    data: bytes = graph.model().SerializeToString(deterministic=True)
    return data


def forest_attributes(forest: Forest) -> dict[str, Any]:
    """Attributes of the TreeEnsemble node that means the same as a forest."""
    members: list[float] = []
    for split in forest.splits:
        if split.question is Question.MEMBER:
            # An empty set would be ambiguous; codes are never negative, so this member is never met.
            members += [*(split.members or (-1.0,)), float("nan")]
    attributes: dict[str, Any] = {
        "n_targets": forest.targets,
        "aggregate_function": 1,
        "post_transform": 0,
        "tree_roots": forest.roots,
        "nodes_featureids": [split.feature for split in forest.splits],
        "nodes_modes": _tensor([int(split.question) for split in forest.splits], np.uint8),
        "nodes_splits": _tensor([split.threshold for split in forest.splits], np.float64),
        "nodes_missing_value_tracks_true": [int(split.missing_true) for split in forest.splits],
        "nodes_truenodeids": [split.true.index for split in forest.splits],
        "nodes_trueleafs": [int(split.true.leaf) for split in forest.splits],
        "nodes_falsenodeids": [split.false.index for split in forest.splits],
        "nodes_falseleafs": [int(split.false.leaf) for split in forest.splits],
        "leaf_targetids": [target for target, _ in forest.leaves],
        "leaf_weights": _tensor([weight for _, weight in forest.leaves], np.float64),
    }
    if members:
        attributes["membership_values"] = _tensor(members, np.float64)
    return attributes


class _Graph:
    """The graph while it is written. Inner names start with a prefix that no input has."""

    def __init__(self, blueprint: Blueprint) -> None:
        self._blueprint = blueprint
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self._matrix = ""
        self._prefix = "_"
        while any(name.startswith(self._prefix) for name in blueprint.signature.inputs):
            self._prefix += "_"

    def _node(self, operator: str, *inputs: str, domain: str = "", output: str = "", **attributes: Any) -> str:
        output = output or f"{self._prefix}{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [output], domain=domain, **attributes))
        return output

    def _constant(self, values: Any, kind: Any = np.float64) -> str:
        name = f"{self._prefix}c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(values, dtype=kind), name))
        return name

    def _code(self, coding: Coding, name: str) -> str:
        """Codes of one feature, double ``[N, 1]``; what `Coding.encode` does."""
        if not coding.categorical:
            return name
        words = ["", *coding.words]
        return self._node(
            "LabelEncoder",
            name,
            domain=_ML,
            keys_tensor=_texts(words),
            values_tensor=_tensor([coding.missing, *range(len(coding.words))], np.float64),
            default_tensor=_tensor([coding.other], np.float64),
        )

    def mean(self, forms: tuple[Form, ...]) -> str:
        """Mean of the members' raw scores, double ``[N, M]``."""
        raws = [self._forest(form) if isinstance(form, Forest) else self._linear(form) for form in forms]
        total = raws[0]
        for raw in raws[1:]:
            total = self._node("Add", total, raw)
        return self._node("Div", total, self._constant(float(len(raws)))) if len(raws) > 1 else total

    def _forest(self, forest: Forest) -> str:
        """Raw scores of a forest."""
        if not self._matrix:
            pairs = zip(self._blueprint.encoder.codings, self._blueprint.signature.inputs, strict=True)
            codes = [self._code(coding, name) for coding, name in pairs]
            self._matrix = self._node("Concat", *codes, axis=1)
        return self._node("TreeEnsemble", self._matrix, domain=_ML, **forest_attributes(forest))

    def _linear(self, form: LinearForm) -> str:
        """Raw scores of a linear model."""
        inputs = self._blueprint.signature.inputs
        terms = [self._constant(form.intercept.reshape(1, -1))]
        if form.numeric:
            terms += self._numbers(form, [inputs[column] for column in form.numeric])
        for column, table in form.tables.items():
            terms.append(self._word(self._blueprint.encoder.codings[column], inputs[column], table))
        total = terms[1] if len(terms) > 1 else terms[0]
        for term in [*terms[2:], terms[0]]:
            total = self._node("Add", total, term)
        return total

    def _numbers(self, form: LinearForm, names: list[str]) -> list[str]:
        columns = self._node("Concat", *names, axis=1)
        absent = self._node("IsNaN", columns)
        filled = self._node("Where", absent, self._constant(form.median), columns)
        centred = self._node("Sub", filled, self._constant(form.mean))
        standard = self._node("Div", centred, self._constant(form.scale))
        clipped = self._node("Clip", standard, self._constant(-CLIP), self._constant(CLIP))
        terms = [self._node("MatMul", clipped, self._constant(form.weights))]
        if form.lacking:
            some = self._node("Gather", absent, self._constant(form.lacking, np.int64), axis=1)
            flags = self._node("Cast", some, to=TensorProto.DOUBLE)
            terms.append(self._node("MatMul", flags, self._constant(form.lacking_weights)))
        return terms

    def _word(self, coding: Coding, name: str, table: Floats) -> str:
        """Look a word's weights up; words without any find a row of zeros at the end."""
        last = len(table)

        def row(code: float) -> int:
            return int(code) if code < last else last  # NaN compares false

        place = self._node(
            "LabelEncoder",
            name,
            domain=_ML,
            keys_tensor=_texts(["", *coding.words]),
            values_tensor=_tensor([row(coding.missing), *(row(code) for code in range(len(coding.words)))], np.int64),
            default_tensor=_tensor([row(coding.other)], np.int64),
        )
        flat = self._node("Squeeze", place, self._constant([1], np.int64))
        weights = np.vstack([table, np.zeros((1, table.shape[1]))])
        return self._node("Gather", self._constant(weights), flat, axis=0)

    def finish(self, raw: str) -> None:
        """From raw scores to the output."""
        plan, output = self._blueprint, self._blueprint.signature.output
        if plan.signature.task is Task.REGRESSION:
            scaled = self._node("Mul", raw, self._constant(plan.spread))
            self._node("Add", scaled, self._constant(plan.centre), output=output)
        elif plan.signature.task is Task.MULTICLASS:
            cooled = self._node("Div", raw, self._constant(plan.calibration.temperature))
            self._node("Softmax", cooled, output=output, axis=1)
        else:
            positive = self._positive(raw)
            negative = self._node("Sub", self._constant(1.0), positive)
            self._node("Concat", negative, positive, output=output, axis=1)

    def _positive(self, raw: str) -> str:
        calibration = self._blueprint.calibration
        if calibration.method == "isotonic":
            return self._follow(raw)
        if calibration.method == "sigmoid":
            sloped = self._node("Mul", raw, self._constant(calibration.slope))
            raw = self._node("Add", sloped, self._constant(calibration.intercept))
        return self._node("Sigmoid", raw)

    def _follow(self, raw: str) -> str:
        """The isotonic curve: three binary trees find start, value and slope of the segment a score falls into."""
        lookup = Forest(3)
        for target, leaves in enumerate(self._blueprint.calibration.segments()):
            add_lookup(lookup, self._blueprint.calibration.knots, [float(leaf) for leaf in leaves], target)
        found = self._node("TreeEnsemble", raw, domain=_ML, **forest_attributes(lookup))
        start, value, slope = (
            self._node("Gather", found, self._constant([column], np.int64), axis=1) for column in range(3)
        )
        rise = self._node("Mul", slope, self._node("Sub", raw, start))
        return self._node("Add", value, rise)

    def model(self) -> ModelProto:
        """The finished file."""
        signature = self._blueprint.signature
        kinds = {FeatureKind.NUMBER: TensorProto.DOUBLE, FeatureKind.CATEGORY: TensorProto.STRING}
        inputs = [
            helper.make_tensor_value_info(name, kinds[feature.kind], ["N", 1])
            for name, feature in zip(signature.inputs, signature.features, strict=True)
        ]
        width = max(len(signature.classes), 1)
        output = helper.make_tensor_value_info(signature.output, TensorProto.DOUBLE, ["N", width])
        graph = helper.make_graph(self._nodes, "model", inputs, [output], self._constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(_ML, OPSET_ML)]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="stockade")
        model.ir_version = IR_VERSION
        helper.set_model_props(model, {METADATA_KEY: signature.to_json()})
        return model


def add_lookup(forest: Forest, knots: tuple[float, ...], leaves: list[float], target: int) -> None:
    """Add a balanced tree that gives ``leaves[i]`` to a score with exactly i knots at or below it."""
    from stockade.train.trees import Child, Split

    splits: list[Split | None] = []

    def grow(low: int, high: int) -> Child:
        if low == high:
            return Child(leaf=True, index=low)
        middle = (low + high) // 2
        place = len(splits)
        splits.append(None)
        below, above = grow(low, middle), grow(middle + 1, high)
        splits[place] = Split(0, Question.BELOW, knots[middle], (), missing_true=False, true=below, false=above)
        return Child(leaf=False, index=place)

    grow(0, len(knots))
    forest.add([split for split in splits if split is not None], leaves, target)


def _tensor(values: Any, kind: Any) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, dtype=kind))


def _texts(words: list[str]) -> TensorProto:
    return helper.make_tensor("", TensorProto.STRING, [len(words)], [word.encode() for word in words])
