"""What an ONNX graph may contain, checked on the bytes before a session is made of them.

Allowed are the standard domains only, operators that compute and do nothing else, and data inside the file. There
is no control flow, no function, no custom operator, no random number, and no path to another file. The reader is our
own (`stockade.model.wire`), so that the server needs no ONNX library and no parser meets the bytes before this check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stockade.model.signature import ModelFormatError
from stockade.model.wire import fields

MAX_BYTES = 256 << 20
"""Largest model file."""

MAX_NODES = 20_000
"""Most nodes in a graph."""

DOMAINS = {"": "", "ai.onnx": "", "ai.onnx.ml": "ai.onnx.ml"}
"""Allowed domains, and the name each goes by."""

_STANDARD = """
    Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization BitwiseAnd BitwiseNot
    BitwiseOr BitwiseXor Cast CastLike Ceil Celu Clip Compress Concat Constant ConstantOfShape Conv Cos Cosh CumSum Div
    Dropout Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor Gather GatherElements GatherND Gelu Gemm
    GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish Hardmax Identity
    InstanceNormalization IsInf IsNaN LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization
    LpPool MatMul Max MaxPool Mean MeanVarianceNormalization Min Mish Mod Mul Neg NonZero Not OneHot Or PRelu Pad Pow
    Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd
    ReduceSum ReduceSumSquare Relu Reshape Round ScatterElements ScatterND Selu Shape Sigmoid Sign Sin Sinh Size Slice
    Softmax Softplus Softsign Split Sqrt Squeeze StringConcat Sub Sum Swish Tan Tanh ThresholdedRelu Tile TopK
    Transpose Trilu Unsqueeze Where Xor
"""
_LEARNED = """
    ArrayFeatureExtractor Binarizer CategoryMapper DictVectorizer FeatureVectorizer Imputer LabelEncoder
    LinearClassifier LinearRegressor Normalizer OneHotEncoder SVMClassifier SVMRegressor Scaler TreeEnsemble
    TreeEnsembleClassifier TreeEnsembleRegressor
"""

OPERATORS: Mapping[str, frozenset[str]] = {
    "": frozenset(_STANDARD.split()),
    "ai.onnx.ml": frozenset(_LEARNED.split()),
}
"""Allowed operators of each domain."""

# Field numbers of onnx.proto.
_MODEL_GRAPH, _MODEL_OPSET, _MODEL_METADATA, _MODEL_TRAINING, _MODEL_FUNCTIONS, _MODEL_CONFIGURATION = (
    7,
    8,
    14,
    20,
    25,
    26,
)
_MODEL_KNOWN = frozenset(range(1, 9)) | {_MODEL_METADATA}
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_NODE_OP, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_NODE_KNOWN = frozenset((1, 2, 3, _NODE_OP, _NODE_ATTRIBUTE, 6, _NODE_DOMAIN, 9))
_ATTRIBUTE_TENSORS, _ATTRIBUTE_REFUSED = (5, 10), (6, 11, 21)
_SPARSE_ATTRIBUTES = (22, 23)
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14


@dataclass(slots=True)
class Outline:
    """What was read of a model file.

    Attributes:
        operators: Operators used, ``domain:name`` or plain name, with their number of nodes.
        opsets: Version of each domain.
        metadata: The file's metadata.
        nodes: Number of nodes.
    """

    operators: dict[str, int] = field(default_factory=dict)
    opsets: dict[str, int] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    nodes: int = 0


def check_graph(data: bytes) -> Outline:
    """Check a model file against the rules of this module.

    Raises:
        ModelFormatError: the file breaks one of them, or is not a well-formed ONNX file.
    """
    if len(data) > MAX_BYTES:
        raise _refused(f"the file has {len(data):,} bytes, more than {MAX_BYTES:,}")
    try:
        return _read_model(memoryview(data))
    except ValueError as error:
        raise _refused(f"the file is not well-formed ONNX: {error}") from error


def _read_model(data: memoryview) -> Outline:
    outline = Outline()
    graphs = 0
    for item in fields(data):
        if item.number == _MODEL_GRAPH:
            graphs += 1
            _read_graph(item.view, outline)
        elif item.number == _MODEL_OPSET:
            _read_opset(item.view, outline)
        elif item.number == _MODEL_METADATA:
            _read_metadata(item.view, outline)
        elif item.number in (_MODEL_FUNCTIONS, _MODEL_TRAINING, _MODEL_CONFIGURATION):
            raise _refused("the file holds functions, training or device information")
        elif item.number not in _MODEL_KNOWN:
            raise _refused(f"the file holds an unknown field {item.number}")
    if graphs != 1:
        raise _refused(f"the file holds {graphs} graphs, where one is expected")
    if "" not in outline.opsets and any(":" not in name for name in outline.operators):
        raise _refused("the file does not say which version of the standard operators it uses")
    return outline


def _read_opset(message: memoryview, outline: Outline) -> None:
    domain, version = "", 0
    for item in fields(message):
        if item.number == 1:
            domain = item.text
        elif item.number == 2:
            version = item.integer
    if domain not in DOMAINS:
        raise _refused(f"the file uses the operator domain {domain!r}")
    if outline.opsets.setdefault(DOMAINS[domain], version) != version:
        raise _refused(f"the file names two versions of the operator domain {domain!r}")


def _read_metadata(message: memoryview, outline: Outline) -> None:
    key, value = "", ""
    for item in fields(message):
        if item.number == 1:
            key = item.text
        elif item.number == 2:
            value = item.text
    if key in outline.metadata:
        raise _refused(f"the metadata names {key!r} twice")
    outline.metadata[key] = value


def _read_graph(message: memoryview, outline: Outline) -> None:
    for item in fields(message):
        if item.number == _GRAPH_NODE:
            outline.nodes += 1
            if outline.nodes > MAX_NODES:
                raise _refused(f"the graph has more than {MAX_NODES:,} nodes")
            _read_node(item.view, outline)
        elif item.number == _GRAPH_INITIALIZER:
            _check_tensor(item.view)
        elif item.number == _GRAPH_SPARSE:
            raise _refused("the graph holds sparse tensors")


def _read_node(message: memoryview, outline: Outline) -> None:
    name, domain = "", ""
    for item in fields(message):
        if item.number == _NODE_OP:
            name = item.text
        elif item.number == _NODE_DOMAIN:
            domain = item.text
        elif item.number == _NODE_ATTRIBUTE:
            _check_attribute(item.view)
        elif item.number not in _NODE_KNOWN:
            raise _refused(f"a node holds an unknown field {item.number}")
    if domain not in DOMAINS:
        raise _refused(f"the graph uses the operator {name!r} of the domain {domain!r}")
    domain = DOMAINS[domain]
    if name not in OPERATORS[domain]:
        raise _refused(f"the graph uses the operator {name!r}, which is not on the list of allowed ones")
    full = f"{domain}:{name}" if domain else name
    outline.operators[full] = outline.operators.get(full, 0) + 1


def _check_attribute(message: memoryview) -> None:
    for item in fields(message):
        if item.number in _ATTRIBUTE_TENSORS:
            _check_tensor(item.view)
        elif item.number in _ATTRIBUTE_REFUSED or item.number in _SPARSE_ATTRIBUTES:
            raise _refused("a node holds a graph, a reference or a sparse tensor")


def _check_tensor(message: memoryview) -> None:
    for item in fields(message):
        if item.number == _TENSOR_EXTERNAL or (item.number == _TENSOR_LOCATION and item.integer != 0):
            raise _refused("a tensor lies in another file")


def _refused(message: str) -> ModelFormatError:
    return ModelFormatError(
        message,
        where="model",
        remedy="Stockade runs one self-contained ONNX file of ai.onnx and ai.onnx.ml operators that only compute.",
    )


__all__ = ["DOMAINS", "MAX_BYTES", "MAX_NODES", "OPERATORS", "Outline", "check_graph"]
