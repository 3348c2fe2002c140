"""Bring a model of one's own into the pipeline: fit on a matrix, hand over its ONNX, get a complete model back.

    prepared = Preparation.fit(training, schema)
    model = AnyLearner().fit(prepared.matrix(training), prepared.target(training))
    return prepared.complete(onnx_of(model))

Most exporters write a graph with one input, a matrix. `complete` puts in front of it the graph that makes this matrix
out of named columns, attaches the signature, and checks the whole. The matrix that `matrix` returns is made by that
very graph in onnxruntime, so that training and serving cannot differ.

A number becomes one column: the training median where it is missing, then the training mean subtracted and divided by
the deviation. A category becomes one column for each of its words, 1 where it is that word; a missing word, or one
never met, is 0 in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import NodeProto, TensorProto, helper, numpy_helper

from stockade.model.inputs import from_table, numbers, texts
from stockade.model.signature import FeatureKind, ModelFormatError, ModelSignature
from stockade.train.attach import attach
from stockade.train.encoding import Encoder, signature_of

if TYPE_CHECKING:
    import polars as pl

    from stockade.schema.column import Schema

Floats = npt.NDArray[np.float64]

_OPSET, _OPSET_ML, _IR_VERSION = 13, 2, 8
_MATRIX = "stockade/matrix"
_PREFIX = "own/"
_FLOATING = (TensorProto.DOUBLE, TensorProto.FLOAT)


@dataclass(frozen=True, slots=True)
class Preparation:
    """How named columns become a matrix, fitted on training rows. Made by `fit`.

    Attributes:
        signature: What the model takes and gives.
        columns: Names of the matrix's columns, such as ``age`` and ``region = north``.
        nodes: The graph from the inputs to the matrix.
        constants: Its constants.
    """

    signature: ModelSignature
    columns: tuple[str, ...]
    nodes: tuple[NodeProto, ...]
    constants: tuple[TensorProto, ...]

    @classmethod
    def fit(cls, table: pl.DataFrame, schema: Schema) -> Preparation:
        """Learn medians, means, deviations and words from training rows.

        Raises:
            DataError: the schema has no features, or the table lacks one.
        """
        signature = signature_of(schema)
        values = from_table(table, signature)
        encoder = Encoder.fit(signature, values)
        names: list[str] = []
        nodes: list[NodeProto] = []
        constants: list[TensorProto] = []
        parts = []
        for place, (coding, source) in enumerate(zip(encoder.codings, signature.inputs, strict=True)):
            inner = f"stockade/{place}"
            name = coding.feature.name
            if coding.categorical:
                names += [f"{name} = {word}" for word in coding.words]
                made, held = _indicators(source, inner, coding.words)
            else:
                names.append(name)
                made, held = _standardised(source, inner, values[name])
            nodes += made
            constants += held
            parts.append(f"{inner}/out")
        nodes.append(helper.make_node("Concat", parts, [_MATRIX], axis=1))
        return cls(signature, tuple(names), tuple(nodes), tuple(constants))

    def matrix(self, table: pl.DataFrame) -> Floats:
        """The matrix of a table, float64 ``[N, len(columns)]``, without missing values.

        Raises:
            ColumnError: the table lacks a feature.
        """
        session = ort.InferenceSession(self._model(_MATRIX, len(self.columns)).SerializeToString(), _quiet())
        values = from_table(table, self.signature)
        feeds = {
            name: values[feature.name].reshape(-1, 1)
            for name, feature in zip(self.signature.inputs, self.signature.features, strict=True)
        }
        made: Floats = session.run([_MATRIX], feeds)[0]
        return made

    def target(self, table: pl.DataFrame) -> npt.NDArray[Any]:
        """The target of a table: int64 ``[N]`` class indices in the order of the signature, or float64 ``[N]``.

        Raises:
            ColumnError: a number is expected and something else is there.
            ValueError: a word is not among the classes.
        """
        column = table.get_column(self.signature.target)
        if not self.signature.classes:
            return numbers(column)
        return np.array([self.signature.classes.index(word) for word in texts(column)], dtype=np.int64)

    def complete(self, data: bytes, output: str = "") -> bytes:
        """Put this preparation in front of an ONNX model, and attach the signature.

        Args:
            data: ONNX with one input, double or float ``[N, len(columns)]``, and among its outputs probabilities
                ``[N, K]`` in the order of the classes, or for regression ``[N, 1]``.
            output: Name of that output; by default the last one.

        Raises:
            ModelFormatError: it is not such a model, uses what is not allowed, or its answers are not sound.
        """
        own = _read(data)
        wanted = output or own.graph.output[-1].name
        if wanted not in [item.name for item in own.graph.output]:
            raise ModelFormatError(f"the model has no output {wanted!r}", where="outputs", remedy="Name one it has.")
        kind = own.graph.input[0].type.tensor_type.elem_type
        if len(own.graph.input) != 1 or kind not in _FLOATING:
            raise ModelFormatError(
                "the model's input is not one matrix of numbers",
                where="inputs",
                remedy=f"Export it with one input, double or float [N, {len(self.columns)}].",
            )
        source = own.graph.input[0].name
        onnx.compose.add_prefix(own, _PREFIX, inplace=True)
        whole = self._model(self.signature.output, max(len(self.signature.classes), 1), own)
        whole.graph.node.append(helper.make_node("Cast", [_MATRIX], [_PREFIX + source], to=kind))
        whole.graph.node.extend(own.graph.node)
        whole.graph.initializer.extend(own.graph.initializer)
        last = helper.make_node("Cast", [_PREFIX + wanted], [self.signature.output], to=TensorProto.DOUBLE)
        whole.graph.node.append(last)
        return attach(whole.SerializeToString(deterministic=True), self.signature)

    def _model(self, output: str, width: int, own: onnx.ModelProto | None = None) -> onnx.ModelProto:
        """The graph up to the matrix, with the versions of operators that `own` asks for."""
        kinds = {FeatureKind.NUMBER: TensorProto.DOUBLE, FeatureKind.CATEGORY: TensorProto.STRING}
        inputs = [
            helper.make_tensor_value_info(name, kinds[feature.kind], ["N", 1])
            for name, feature in zip(self.signature.inputs, self.signature.features, strict=True)
        ]
        outputs = [helper.make_tensor_value_info(output, TensorProto.DOUBLE, ["N", width])]
        graph = helper.make_graph(self.nodes, "model", inputs, outputs, self.constants)
        versions = {"": _OPSET, "ai.onnx.ml": _OPSET_ML}
        for item in own.opset_import if own else ():
            domain = "" if item.domain == "ai.onnx" else item.domain
            versions[domain] = max(versions.get(domain, 0), item.version)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid(*item) for item in versions.items()])
        model.ir_version = max(_IR_VERSION, own.ir_version if own else 0)
        return model


def _read(data: bytes) -> onnx.ModelProto:
    try:
        own = onnx.load_model_from_string(data)
    except (DecodeError, ValueError) as error:
        raise ModelFormatError("the file is not an ONNX model", remedy="Export the model as ONNX.") from error
    if not own.graph.input or not own.graph.output:
        raise ModelFormatError("the file is not an ONNX model", remedy="Export the model as ONNX.")
    return own


def _standardised(source: str, inner: str, values: Floats) -> tuple[list[NodeProto], list[TensorProto]]:
    known = values[np.isfinite(values)]
    median, mean, deviation = (
        (float(np.median(known)), float(known.mean()), float(known.std()))
        if len(known)
        else (
            0.0,
            0.0,
            0.0,
        )
    )
    held = [
        _held(f"{inner}/{name}", np.float64(value))
        for name, value in (("median", median), ("mean", mean), ("deviation", deviation or 1.0))
    ]
    nodes = [
        helper.make_node("IsNaN", [source], [f"{inner}/absent"]),
        helper.make_node("Where", [f"{inner}/absent", f"{inner}/median", source], [f"{inner}/filled"]),
        helper.make_node("Sub", [f"{inner}/filled", f"{inner}/mean"], [f"{inner}/centred"]),
        helper.make_node("Div", [f"{inner}/centred", f"{inner}/deviation"], [f"{inner}/out"]),
    ]
    return nodes, held


def _indicators(source: str, inner: str, words: tuple[str, ...]) -> tuple[list[NodeProto], list[TensorProto]]:
    held = [_held(f"{inner}/places", np.arange(len(words), dtype=np.int64).reshape(1, -1))]
    # A node without words would be malformed; this one is met by nothing, since missing words are empty.
    keys = list(words) or ["\N{REPLACEMENT CHARACTER}"]
    nodes = [
        helper.make_node(
            "LabelEncoder",
            [source],
            [f"{inner}/place"],
            domain="ai.onnx.ml",
            keys_strings=keys,
            values_int64s=list(range(len(keys))),
            default_int64=-1,
        ),
        helper.make_node("Equal", [f"{inner}/place", f"{inner}/places"], [f"{inner}/is"]),
        helper.make_node("Cast", [f"{inner}/is"], [f"{inner}/out"], to=TensorProto.DOUBLE),
    ]
    return nodes, held


def _held(name: str, value: Any) -> TensorProto:
    return numpy_helper.from_array(np.asarray(value), name)


def _quiet() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return options
