"""A model predicts what its graph says, and refuses columns that it cannot read."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from onnx import TensorProto, helper

from model.building import SIGNATURE, proto, sound
from stockade.errors import ColumnError
from stockade.model import session
from stockade.model.session import Model
from stockade.model.signature import Feature, FeatureKind, ModelFormatError, ModelSignature
from stockade.types.scorecard import Task


def columns(age, colour):
    return {"age": np.array(age, dtype=float), "colour": np.array(colour, dtype=object)}


def test_rows_are_predicted_with_missing_and_unseen_values():
    """Numbers and words, missing and unseen, come out as the graph means them."""
    model = Model(sound())
    output = model.predict(columns([10, np.nan, 0, 100], ["red", "grün", "", "never seen"]))
    assert output.dtype == np.float64
    assert np.allclose(output[:, 1], [0.11, 0.8, 0.5, 0.6])
    assert np.allclose(output.sum(axis=1), 1)
    assert model.labels(output).tolist() == ["no", "yes", "no", "yes"]
    model.probe()


def test_batches_do_not_show(monkeypatch):
    """Rows are predicted alike whatever batch they fall into, and none is lost; no rows give no predictions."""
    model = Model(sound())
    random = np.random.default_rng(0)
    rows = columns(random.random(101) * 100, random.choice(["red", "grün", ""], 101))
    whole = model.predict(rows)
    for size in (1, 7, 100, 101):
        monkeypatch.setattr(session, "BATCH", size)
        assert (model.predict(rows) == whole).all()
    assert model.predict(columns([], [])).shape == (0, 2)


def test_columns_may_be_tall():
    """[N, 1] columns are as good as [N] ones, and further columns do no harm."""
    rows = columns([1, 2], ["red", "red"])
    tall = {name: column.reshape(-1, 1) for name, column in rows.items()} | {"more": np.zeros(5)}
    model = Model(sound())
    assert (model.predict(tall) == model.predict(rows)).all()


def test_tables_are_predicted():
    """A table's nulls are missing values."""
    model = Model(sound())
    table = pl.DataFrame({"age": [10, None], "colour": ["red", None], "other": [1, 2]})
    assert np.allclose(model.predict_table(table)[:, 1], [0.11, 0.5])


@pytest.mark.parametrize(
    ("rows", "where"),
    [
        ({"age": np.zeros(2)}, "column colour"),
        ({"age": np.zeros(2), "colour": np.array(["red"], dtype=object)}, "column colour"),
        ({"age": np.array(["old", "young"]), "colour": np.array(["red", "red"], dtype=object)}, "column age"),
    ],
)
def test_columns_that_do_not_fit_are_named(rows, where):
    """An absent, short or unreadable column is named."""
    with pytest.raises(ColumnError) as caught:
        Model(sound()).predict(rows)
    assert caught.value.where == where


def test_features_named_like_outputs_are_told_apart():
    """A column called 'probabilities' is an input like any other."""
    features = (Feature("probabilities", FeatureKind.NUMBER), Feature("probabilities_", FeatureKind.CATEGORY))
    signature = ModelSignature(Task.BINARY, "y", ("a", "b"), features)
    assert signature.inputs == ("probabilities__", "probabilities_")
    model = Model(proto(signature).SerializeToString())
    output = model.predict({"probabilities": np.array([10.0]), "probabilities_": np.array(["red"], dtype=object)})
    assert np.allclose(output, [[0.89, 0.11]])


def test_a_model_without_a_readable_signature_is_refused():
    """No signature, a signature of another shape and one that is no JSON are refused."""
    for metadata in ({}, {"stockade": "{"}, {"stockade": "[]"}, {"stockade": '{"task":"binary"}'}, {"stockade": "NaN"}):
        with pytest.raises(ModelFormatError, match="signature"):
            Model(proto(metadata=metadata).SerializeToString())


def test_a_signature_that_does_not_fit_the_graph_is_refused():
    """Inputs must come in the signature's order and the output must have its width."""
    turned = ModelSignature(Task.BINARY, "y", ("a", "b"), SIGNATURE.features[::-1])
    with pytest.raises(ModelFormatError, match="inputs"):
        Model(proto(metadata={"stockade": turned.to_json()}).SerializeToString())
    wide = ModelSignature(Task.MULTICLASS, "y", ("a", "b", "c"), SIGNATURE.features)
    with pytest.raises(ModelFormatError, match="output"):
        Model(proto(metadata={"stockade": wide.to_json()}).SerializeToString())


def test_a_graph_that_cannot_run_is_refused():
    """What onnxruntime refuses is refused with the room's own error."""
    broken = proto(nodes=[helper.make_node("Add", ["_p", "nowhere"], ["_s"])])
    with pytest.raises(ModelFormatError, match="cannot run"):
        Model(broken.SerializeToString())


def test_probing_finds_answers_that_are_no_probabilities():
    """A model whose probabilities leave [0, 1] or miss the sum of 1 does not pass."""
    model = proto()
    model.graph.initializer[1].raw_data = np.array([3.0]).tobytes()
    with pytest.raises(ModelFormatError, match="not sound"):
        Model(model.SerializeToString()).probe()


def test_a_runtime_format_is_not_loaded():
    """Onnxruntime's own flatbuffer format, which it would detect by itself, is refused."""
    with pytest.raises(ModelFormatError):
        Model(b"\x20\x00\x00\x00ORTM" + bytes(64))


def test_signatures_round_trip():
    """What is written is read again, and is the same text again."""
    again = ModelSignature.parse(SIGNATURE.to_json())
    assert again == SIGNATURE
    assert again.to_json() == SIGNATURE.to_json()
    assert SIGNATURE.feature("age").maximum == 120
    with pytest.raises(KeyError):
        SIGNATURE.feature("size")


@pytest.mark.parametrize(
    "wrong",
    [
        {"classes": ("no",)},
        {"classes": ("no", "no")},
        {"features": ()},
        {"features": (Feature("a", FeatureKind.NUMBER), Feature("a", FeatureKind.NUMBER))},
        {"version": 2},
    ],
)
def test_signatures_that_contradict_themselves_cannot_be_made(wrong):
    """Classes fit the task, features have names of their own, and the version is known."""
    fields = {"task": Task.BINARY, "target": "y", "classes": ("a", "b"), "features": SIGNATURE.features}
    with pytest.raises(ValueError, match=r"."):
        ModelSignature(**{**fields, **wrong})


def test_single_precision_inputs_are_refused():
    """A graph whose numbers enter as float32 is not taken: it would round what it is given."""
    model = proto()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    with pytest.raises(ModelFormatError):
        Model(model.SerializeToString())
