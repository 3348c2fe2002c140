"""Small ONNX files for the tests of models, sound and hostile."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from stockade.model.signature import METADATA_KEY, Feature, FeatureKind, ModelSignature
from stockade.types.scorecard import Task

SIGNATURE = ModelSignature(
    Task.BINARY,
    "bought",
    ("no", "yes"),
    (
        Feature("age", FeatureKind.NUMBER, nullable=False, minimum=0.0, maximum=120.0),
        Feature("colour", FeatureKind.CATEGORY, categories=("red", "grün")),
    ),
)


def proto(signature: ModelSignature = SIGNATURE, nodes: list[Any] | None = None, metadata: Any = None) -> Any:
    """A model that knows a row by its colour, and adds a thousandth of its age."""
    age, colour = signature.inputs
    usual = [
        helper.make_node(
            "LabelEncoder",
            [colour],
            ["_w"],
            domain="ai.onnx.ml",
            keys_tensor=helper.make_tensor("", TensorProto.STRING, [2], [b"red", "grün".encode()]),
            values_tensor=numpy_helper.from_array(np.array([0.1, 0.8])),
            default_tensor=numpy_helper.from_array(np.array([0.5])),
        ),
        helper.make_node("IsNaN", [age], ["_n"]),
        helper.make_node("Where", ["_n", "_zero", age], ["_a"]),
        helper.make_node("Mul", ["_a", "_step"], ["_b"]),
        helper.make_node("Add", ["_w", "_b"], ["_p"]),
        helper.make_node("Sub", ["_one", "_p"], ["_q"]),
        helper.make_node("Concat", ["_q", "_p"], [signature.output], axis=1),
    ]
    constants = [
        numpy_helper.from_array(np.array([value]), name)
        for name, value in (("_zero", 0.0), ("_one", 1.0), ("_step", 0.001))
    ]
    graph = helper.make_graph(
        usual + (nodes or []),
        "test",
        [
            helper.make_tensor_value_info(age, TensorProto.DOUBLE, ["N", 1]),
            helper.make_tensor_value_info(colour, TensorProto.STRING, ["N", 1]),
        ],
        [helper.make_tensor_value_info(signature.output, TensorProto.DOUBLE, ["N", 2])],
        constants,
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    model = helper.make_model(graph, opset_imports=opsets)
    model.ir_version = 10
    helper.set_model_props(model, {METADATA_KEY: signature.to_json()} if metadata is None else metadata)
    return model


def sound() -> bytes:
    """The model as bytes."""
    data: bytes = proto().SerializeToString()
    return data
