"""A model of one's own on a prepared matrix becomes a complete model."""

from __future__ import annotations

import numpy as np
import onnx
import polars as pl
import pytest
from onnx import TensorProto, helper, numpy_helper

from stockade.model.inputs import from_table
from stockade.model.session import Model
from stockade.model.signature import ModelFormatError
from stockade.schema.column import Column, Kind, Role, Schema
from stockade.train.preparation import Preparation
from stockade.types.scorecard import Task
from train import making


def linear(width: int, outputs: int, *, kind: int = TensorProto.DOUBLE, opset: int = 17, inputs: int = 1) -> bytes:
    """Someone's exported model: a matrix product, Softmax where there are classes, and a further output before it."""
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    weights = np.linspace(-1.0, 1.0, width * outputs).reshape(width, outputs).astype(dtype)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["scores"])]
    last = "Softmax" if outputs > 1 else "Identity"
    nodes.append(helper.make_node(last, ["scores"], ["answer"]))
    graph = helper.make_graph(
        nodes,
        "own",
        [helper.make_tensor_value_info(name, kind, ["N", width]) for name in ("x", "y")[:inputs]],
        [helper.make_tensor_value_info(name, kind, ["N", outputs]) for name in ("scores", "answer")],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    return model.SerializeToString()


def expected(prepared: Preparation, matrix: np.ndarray, outputs: int) -> np.ndarray:
    width = len(prepared.columns)
    scores = matrix @ np.linspace(-1.0, 1.0, width * outputs).reshape(width, outputs)
    if outputs == 1:
        return scores[:, 0]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("kind", [TensorProto.DOUBLE, TensorProto.FLOAT])
def test_the_whole_predicts_what_the_part_does_on_the_matrix(task: Task, kind: int) -> None:
    """For every task and precision, columns in give what the own model gives on the prepared matrix."""
    schema, table = making.schema(task), making.table(task, 300, seed=3)
    prepared = Preparation.fit(table, schema)
    matrix = prepared.matrix(table)
    assert matrix.shape == (300, len(prepared.columns))
    assert np.isfinite(matrix).all()
    outputs = max(len(prepared.signature.classes), 1)
    model = Model(prepared.complete(linear(len(prepared.columns), outputs, kind=kind)))
    found = model.predict(from_table(table, prepared.signature))
    assert np.allclose(found, expected(prepared, matrix, outputs), atol=1e-12 if kind == TensorProto.DOUBLE else 1e-3)


def test_the_matrix_is_standardised_and_one_hot() -> None:
    """Numbers have mean 0 and deviation 1 with the median for missing; words have a column each, strangers none."""
    schema = Schema(
        (Column("n", Kind.REAL, nullable=True), Column("w", Kind.CATEGORY), Column("y", Kind.REAL, Role.TARGET)),
        "y",
        Task.REGRESSION,
    )
    prepared = Preparation.fit(pl.DataFrame({"n": [1.0, 3.0, 5.0], "w": ["b", "a", "b"], "y": [1.0, 2.0, 4.0]}), schema)
    assert prepared.columns == ("n", "w = a", "w = b")
    asked = pl.DataFrame({"n": [5.0, None, 1.0], "w": ["a", "never met", None], "y": [0.0, 1.0, 2.0]})
    deviation = np.std([1.0, 3.0, 5.0])
    assert np.allclose(prepared.matrix(asked), [[2 / deviation, 1, 0], [0, 0, 0], [-2 / deviation, 0, 0]])
    assert prepared.target(asked).tolist() == [0.0, 1.0, 2.0]


def test_a_column_without_any_value_becomes_zeros() -> None:
    """Nothing known of a number or a category leaves a column of zeros, or none."""
    schema = Schema(
        (Column("n", Kind.REAL, nullable=True), Column("w", Kind.CATEGORY, nullable=True), making.schema(Task.BINARY).target_column),
        "target",
        Task.BINARY,
    )  # fmt: skip
    empty = {"n": [None, None], "w": [None, None]}
    table = pl.DataFrame({**empty, "target": ["no", "yes"]}, schema_overrides={"n": pl.Float64, "w": pl.String})
    prepared = Preparation.fit(table, schema)
    assert prepared.columns == ("n",)
    assert prepared.matrix(table).tolist() == [[0.0], [0.0]]
    assert prepared.target(table).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("made", "output", "words"),
    [
        (lambda _: b"no model", "", "not an ONNX model"),
        (lambda _: b"", "", "not an ONNX model"),
        (lambda width: linear(width, 2), "other", "no output"),
        (lambda width: linear(width, 2), "scores", "not sound"),
        (lambda width: linear(width, 2, inputs=2), "", "one matrix"),
        (lambda width: linear(width, 2, kind=TensorProto.FLOAT16), "", "one matrix"),
        (lambda width: linear(width + 1, 2), "", "onnxruntime"),
        (lambda width: linear(width, 3), "", r"\[N, 2\]"),
    ],
)
def test_what_does_not_fit_is_refused(made, output, words) -> None:
    """Another file, a wrong output, two inputs, half precision and other widths are refused by name."""
    table = making.table(Task.BINARY, 100, seed=1)
    prepared = Preparation.fit(table, making.schema(Task.BINARY))
    with pytest.raises(ModelFormatError, match=words):
        prepared.complete(made(len(prepared.columns)), output)


def test_newer_operators_are_kept() -> None:
    """The own model's versions of operators hold for the whole."""
    table = making.table(Task.BINARY, 100, seed=1)
    prepared = Preparation.fit(table, making.schema(Task.BINARY))
    data = prepared.complete(linear(len(prepared.columns), 2, opset=21))
    versions = {item.domain: item.version for item in onnx.load_model_from_string(data).opset_import}
    assert versions[""] == 21
