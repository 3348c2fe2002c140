"""Models from elsewhere enter by the same contract."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from stockade.model.session import Model
from stockade.model.signature import Feature, FeatureKind, ModelFormatError, ModelSignature
from stockade.train.attach import attach, check
from stockade.types.scorecard import Task

SIGNATURE = ModelSignature(Task.BINARY, "y", ("no", "yes"), (Feature("x", FeatureKind.NUMBER),))


def foreign(*, output="probabilities", kind=TensorProto.DOUBLE, shift=0.0):
    """Someone's logistic regression of one number."""
    nodes = [
        helper.make_node("Cast", ["x"], ["x32"], to=kind),
        helper.make_node("Sigmoid", ["x32"], ["p"]),
        helper.make_node("Sub", ["one", "p"], ["q"]),
        helper.make_node("Concat", ["q", "p"], [output], axis=1),
    ]
    one = numpy_helper.from_array(np.array([1.0 + shift], dtype=helper.tensor_dtype_to_np_dtype(kind)), "one")
    graph = helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["N", 1])],
        [helper.make_tensor_value_info(output, kind, ["N", 2])],
        [one],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    model.ir_version = 10
    return model.SerializeToString()


def test_an_attached_model_predicts():
    """With a signature a foreign model is a model like ours."""
    data = attach(foreign(), SIGNATURE)
    assert check(data) == SIGNATURE
    output = Model(data).predict({"x": np.array([0.0, 100.0])})
    assert np.allclose(output, [[0.5, 0.5], [0.0, 1.0]])


def test_attaching_again_replaces_the_signature():
    """A file has one signature, and other metadata stays."""
    once = attach(foreign(), SIGNATURE)
    model = onnx.load_model_from_string(once)
    model.metadata_props.add(key="author", value="someone")
    other = ModelSignature(Task.BINARY, "y", ("0", "1"), SIGNATURE.features)
    twice = attach(model.SerializeToString(), other)
    assert check(twice) == other
    metadata = {entry.key: entry.value for entry in onnx.load_model_from_string(twice).metadata_props}
    assert metadata["author"] == "someone"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (foreign(output="scores"), "named 'probabilities'"),
        (foreign(kind=TensorProto.FLOAT), "double"),
        (foreign(shift=0.5), "not sound"),
        (b"not a model", "ONNX"),
        (b"", "0 graphs"),
    ],
)
def test_what_does_not_fit_is_refused(data, words):
    """Another output, single precision, sums beyond one and no model at all are refused, each by name."""
    with pytest.raises(ModelFormatError, match=words):
        attach(data, SIGNATURE)


def test_a_signature_of_another_width_is_refused():
    """Three classes do not fit two columns."""
    wide = ModelSignature(Task.MULTICLASS, "y", ("a", "b", "c"), SIGNATURE.features)
    with pytest.raises(ModelFormatError, match=r"\[N, 3\]"):
        attach(foreign(), wide)


def test_a_signature_of_other_features_is_refused():
    """Inputs must be the signature's features, by name and kind."""
    for feature in (Feature("z", FeatureKind.NUMBER), Feature("x", FeatureKind.CATEGORY)):
        with pytest.raises(ModelFormatError, match="inputs"):
            attach(foreign(), ModelSignature(Task.BINARY, "y", ("no", "yes"), (feature,)))
