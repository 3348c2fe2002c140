"""The Open Inference Protocol, version 2, in JSON: requests read strictly, answers and metadata written.

Source: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md. One tensor per
feature, shape ``[N]`` or ``[N, 1]``; values flat, or nested as the shape says. Of its extensions none is spoken.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from stockade.model.signature import PREDICTION, PROBABILITIES, FeatureKind, ModelSignature
from stockade.serve.columns import Array, Columns, RequestError

LABEL = "label"
"""Name of the output that gives the most probable class of each row."""


class _Tensor(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | msgspec.UnsetType = msgspec.UNSET
    parameters: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class _Output(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    parameters: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    inputs: list[_Tensor]
    id: str | msgspec.UnsetType = msgspec.UNSET
    parameters: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    outputs: list[_Output] | msgspec.UnsetType = msgspec.UNSET


_decode = msgspec.json.Decoder(_Request).decode
_encode = msgspec.json.Encoder().encode
_LONGEST_ID = 256


@dataclass(frozen=True, slots=True)
class Batch:
    """A request that passed every check.

    Attributes:
        columns: Arrays by feature name, as `Model.predict` takes them.
        rows: Number of rows.
        id: What the caller wants echoed, None for nothing.
        outputs: Names of the outputs to give, in order; empty for all.
    """

    columns: Mapping[str, Array]
    rows: int
    id: str | None = None
    outputs: tuple[str, ...] = ()


def read_request(body: bytes, columns: Columns, outputs: Sequence[str]) -> Batch:
    """Read an inference request.

    Args:
        body: The JSON text.
        columns: What the model takes.
        outputs: Names of the outputs the model has.

    Raises:
        RequestError: it is not strict JSON of the protocol, or a value is not allowed.
    """
    request: _Request = decode_strictly(_decode, body)
    if not _surely_distinct(request, body):
        refuse_repeated_fields(body)
    if request.id is not msgspec.UNSET and len(request.id) > _LONGEST_ID:
        raise RequestError(f"the id is longer than {_LONGEST_ID} characters", reason="json")
    columns.names([tensor.name for tensor in request.inputs])
    rows = columns.rows(_rows(request.inputs[0]))
    arrays = {
        tensor.name: columns.check(tensor.name, _flat(tensor, rows), tensor.datatype) for tensor in request.inputs
    }
    return Batch(
        arrays,
        rows,
        None if request.id is msgspec.UNSET else request.id,
        () if request.outputs is msgspec.UNSET else _wanted(request.outputs, outputs),
    )


def write_answer(
    batch: Batch, predicted: npt.NDArray[np.float64], labels: Sequence[str] | None, model: str, version: str
) -> bytes:
    """Write the answer to a request.

    Args:
        batch: The request.
        predicted: Probabilities ``[N, K]``, or predictions ``[N]``.
        labels: The class of each row, None for regression.
        model: Name of the model.
        version: Its version.
    """
    numbers = PREDICTION if labels is None else PROBABILITIES
    tensors: dict[str, Any] = {
        numbers: {
            "name": numbers,
            "datatype": "FP64",
            "shape": list(predicted.shape),
            "data": predicted.ravel().tolist(),
        }
    }
    if labels is not None:
        tensors[LABEL] = {"name": LABEL, "datatype": "BYTES", "shape": [batch.rows], "data": labels}
    answer: dict[str, Any] = {"model_name": model, "model_version": version}
    if batch.id is not None:
        answer["id"] = batch.id
    answer["outputs"] = [tensors[name] for name in batch.outputs or tensors]
    return _encode(answer)


def describe_model(signature: ModelSignature, model: str, version: str, digest: str) -> bytes:
    """Write the model's metadata; ``parameters`` adds task, target, classes and the digest that was verified."""
    inputs = [
        {"name": item.name, "datatype": "FP64" if item.kind is FeatureKind.NUMBER else "BYTES", "shape": [-1]}
        for item in signature.features
    ]
    numbers: dict[str, Any] = {"name": signature.output, "datatype": "FP64", "shape": [-1]}
    if signature.classes:
        numbers["shape"] = [-1, len(signature.classes)]
    shown = [numbers] + ([{"name": LABEL, "datatype": "BYTES", "shape": [-1]}] if signature.classes else [])
    return _encode(
        {
            "name": model,
            "versions": [version],
            "platform": "onnxruntime_onnx",
            "inputs": inputs,
            "outputs": shown,
            "parameters": {
                "task": signature.task.value,
                "target": signature.target,
                "classes": signature.classes,
                "digest": digest,
            },
        }
    )


def output_names(signature: ModelSignature) -> tuple[str, ...]:
    """Names of the outputs the server gives for a model."""
    return (signature.output, LABEL) if signature.classes else (signature.output,)


def decode_strictly(decode: Any, body: bytes) -> Any:
    """Decode JSON; whatever is wrong with the text becomes a RequestError that does not repeat it."""
    try:
        return decode(body)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise RequestError(f"the request is malformed: {str(error)[:200]}", reason="json") from None
    except UnicodeDecodeError:
        raise RequestError("the request is malformed: it is not UTF-8", reason="json") from None
    except (RecursionError, ValueError):
        raise RequestError("the request is malformed: too deep or too long", reason="json") from None


def refuse_repeated_fields(body: bytes) -> None:
    """Refuse JSON in which an object names a field twice: two readers could take it to say different things.

    Raises:
        RequestError: a field is repeated.
    """
    try:
        json.loads(body, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        repeated = isinstance(error, _RepeatedFieldError)
        text = "a field is given twice" if repeated else "too deep or too long"
        raise RequestError(f"the request is malformed: {text}", reason="json") from None


class _RepeatedFieldError(ValueError):
    """Two fields of one object have one name."""


def _distinct(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) > 1 and len({name for name, _ in pairs}) != len(pairs):
        raise _RepeatedFieldError


def _surely_distinct(request: _Request, body: bytes) -> bool:
    """Prove cheaply that no field is repeated.

    Every field of the text has a colon, so there are no more fields than colons. If the request, as decoded, has as
    many fields as the text has colons, none was lost to repetition. Otherwise (a colon inside text, parameters) the
    slow reader decides.
    """
    if request.parameters is not msgspec.UNSET or request.outputs is not msgspec.UNSET:
        return False
    fields = 1 + (request.id is not msgspec.UNSET)
    for tensor in request.inputs:
        if tensor.parameters is not msgspec.UNSET:
            return False
        fields += 3 + (tensor.data is not msgspec.UNSET)
    return body.count(b":") == fields


def _rows(tensor: _Tensor) -> int:
    shape = tensor.shape
    if len(shape) == 1 or (len(shape) == 2 and shape[1] == 1):
        return shape[0]
    raise RequestError(f"input {tensor.name!r}: the shape must be [N] or [N, 1]", reason="shape")


def _flat(tensor: _Tensor, rows: int) -> list[Any]:
    data, shape = tensor.data, tensor.shape
    if data is msgspec.UNSET:
        binary = tensor.parameters is not msgspec.UNSET and "binary_data_size" in tensor.parameters
        text = "binary data is not taken, send JSON (tritonclient: binary_data=False)" if binary else "data is missing"
        raise RequestError(f"input {tensor.name!r}: {text}", reason="binary" if binary else "shape")
    if shape[:1] != [rows] or len(shape) > 1:
        if _rows(tensor) != rows:
            raise RequestError(f"input {tensor.name!r}: the shape differs from that of other inputs", reason="shape")
        if data and type(data[0]) is list:
            data = _unnested(tensor.name, data)
    if len(data) != rows:
        raise RequestError(f"input {tensor.name!r}: {len(data)} values do not fill the shape", reason="shape")
    return data


def _unnested(name: str, data: list[Any]) -> list[Any]:
    if all(type(item) is list and len(item) == 1 for item in data):
        return [item[0] for item in data]
    raise RequestError(f"input {name!r}: the data is ragged", reason="shape")


def _wanted(asked: list[_Output], known: Sequence[str]) -> tuple[str, ...]:
    names = tuple(item.name for item in asked)
    for position, name in enumerate(names):
        if name not in known:
            raise RequestError(f"there is no output named {name[:80]!r}", reason="output")
        if name in names[:position]:
            raise RequestError(f"output {name!r} is asked for twice", reason="output")
    return names
