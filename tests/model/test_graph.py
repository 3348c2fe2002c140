"""No graph reaches a session that could do more than compute."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from model.building import proto, sound
from stockade.model import graph as graph_module
from stockade.model.graph import OPERATORS, check_graph
from stockade.model.session import Model
from stockade.model.signature import METADATA_KEY, ModelFormatError
from stockade.model.wire import fields


def test_a_sound_model_is_outlined():
    """The outline counts operators and reads versions and metadata as the onnx library does."""
    outline = check_graph(sound())
    model = onnx.load_model_from_string(sound())
    assert outline.nodes == len(model.graph.node)
    assert outline.opsets == {"": 21, "ai.onnx.ml": 5}
    assert outline.operators["ai.onnx.ml:LabelEncoder"] == 1
    assert outline.operators["Add"] == 1
    assert outline.metadata == {METADATA_KEY: model.metadata_props[0].value}


def _external():
    model = proto()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return model


def _external_without_location():
    model = proto()
    model.graph.initializer[0].external_data.add(key="location", value="weights.bin")
    return model


def _external_in_attribute():
    model = proto()
    tensor = numpy_helper.from_array(np.zeros(1))
    tensor.external_data.add(key="location", value="weights.bin")
    model.graph.node.append(helper.make_node("Constant", [], ["_c"], value=tensor))
    return model


def _function():
    model = proto()
    opset = [helper.make_opsetid("", 21)]
    model.functions.append(
        helper.make_function("own", "f", ["a"], ["b"], [helper.make_node("Abs", ["a"], ["b"])], opset)
    )
    return model


def _own_domain():
    model = proto(nodes=[helper.make_node("Shell", ["_p"], ["_s"], domain="com.evil")])
    model.opset_import.append(helper.make_opsetid("com.evil", 1))
    return model


def _own_domain_undeclared():
    return proto(nodes=[helper.make_node("Shell", ["_p"], ["_s"], domain="com.evil")])


def _vendor_domain():
    return proto(nodes=[helper.make_node("Inverse", ["_p"], ["_s"], domain="com.microsoft")])


def _loop():
    body = helper.make_graph([], "body", [], [])
    return proto(nodes=[helper.make_node("If", ["_n"], ["_s"], then_branch=body, else_branch=body)])


def _graph_in_allowed_operator():
    node = helper.make_node("Abs", ["_p"], ["_s"])
    node.attribute.append(helper.make_attribute("body", helper.make_graph([], "body", [], [])))
    return proto(nodes=[node])


def _random():
    return proto(nodes=[helper.make_node("RandomNormalLike", ["_p"], ["_s"])])


def _training():
    model = proto()
    model.training_info.add()
    return model


def _sparse():
    model = proto()
    model.graph.sparse_initializer.add()
    return model


def _reference():
    node = helper.make_node("Abs", ["_p"], ["_s"])
    node.attribute.add(name="x", ref_attr_name="y", type=onnx.AttributeProto.INT)
    return proto(nodes=[node])


@pytest.mark.parametrize(
    ("hostile", "words"),
    [
        (_external, "another file"),
        (_external_without_location, "another file"),
        (_external_in_attribute, "another file"),
        (_function, "functions"),
        (_own_domain, "com.evil"),
        (_own_domain_undeclared, "com.evil"),
        (_vendor_domain, "com.microsoft"),
        (_loop, "graph"),
        (_graph_in_allowed_operator, "holds a graph"),
        (_random, "RandomNormalLike"),
        (_training, "training"),
        (_sparse, "sparse"),
        (_reference, "reference"),
    ],
)
def test_what_could_do_more_than_compute_is_refused(hostile, words):
    """External data, functions, other domains, control flow, randomness and references are refused by name."""
    data = hostile().SerializeToString()
    with pytest.raises(ModelFormatError, match=words):
        check_graph(data)
    with pytest.raises(ModelFormatError, match=words):
        Model(data)


def test_too_large_is_refused(monkeypatch):
    """Files and graphs have a largest size."""
    monkeypatch.setattr(graph_module, "MAX_NODES", 3)
    with pytest.raises(ModelFormatError, match="more than 3 nodes"):
        check_graph(sound())
    monkeypatch.setattr(graph_module, "MAX_BYTES", 10)
    with pytest.raises(ModelFormatError, match="bytes"):
        check_graph(sound())


def test_two_graphs_are_refused():
    """Protobuf lets a later graph override an earlier one; here there is one."""
    with pytest.raises(ModelFormatError, match="2 graphs"):
        check_graph(sound() + proto(metadata={}).SerializeToString())


def test_metadata_named_twice_is_refused():
    """Two signatures in one file would mean two things to two readers."""
    model = proto()
    model.metadata_props.add(key=METADATA_KEY, value="{}")
    with pytest.raises(ModelFormatError, match="twice"):
        check_graph(model.SerializeToString())


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_noise_is_refused(data):
    """Bytes that are no model are refused with the room's own error and no other."""
    with pytest.raises(ModelFormatError):
        check_graph(data)


@given(position=st.integers(0, len(sound()) - 1), value=st.integers(0, 255))
@settings(max_examples=300)
def test_altered_bytes_are_read_or_refused(position, value):
    """A changed byte never leads to another error than the room's own."""
    data = bytearray(sound())
    data[position] = value
    try:
        check_graph(bytes(data))
    except ModelFormatError:
        return


@given(length=st.integers(0, len(sound()) - 1))
@settings(max_examples=100)
def test_a_cut_file_never_has_its_signature(length):
    """Of a file cut short the signature, which is written last, is not believed."""
    try:
        outline = check_graph(sound()[:length])
    except ModelFormatError:
        return
    assert METADATA_KEY not in outline.metadata


def test_the_wire_reader_refuses_what_onnx_never_writes():
    """Groups, overlong numbers, field zero and lengths beyond the end are not read."""
    for data in (
        b"\x0b",
        b"\x0c",
        b"\x08" + b"\xff" * 10,
        b"\x08" + b"\xff" * 9 + b"\x7f",
        b"\x00\x00",
        b"\x0a\x05ab",
        b"\x08",
        b"\x09\x00",
    ):
        with pytest.raises(ValueError, match=r"."):
            list(fields(memoryview(data)))


def test_every_allowed_operator_exists():
    """The list holds operators of the standard, spelt rightly, and no operator that takes a graph or draws at random."""
    for domain, names in OPERATORS.items():
        for name in names:
            schema = onnx.defs.get_schema(name, domain)
            kinds = {attribute.type for attribute in schema.attributes.values()}
            assert onnx.defs.OpSchema.AttrType.GRAPH not in kinds, name
            assert "Random" not in name
