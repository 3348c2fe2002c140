"""Models from elsewhere: give an ONNX file its signature, and hold it against the contract.

A custom trainer returns ONNX bytes of its own. With a signature attached they pass the same gates as ours.
"""

from __future__ import annotations

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from stockade.model.session import Model
from stockade.model.signature import METADATA_KEY, ModelFormatError, ModelSignature


def attach(data: bytes, signature: ModelSignature) -> bytes:
    """Write a signature into an ONNX file, in place of one that it may have, and check the result.

    The graph must have one input per feature, in order, named by `ModelSignature.inputs`: double ``[N, 1]`` for
    numbers with NaN for missing, string ``[N, 1]`` for categories with the empty string for missing; and one output,
    double ``[N, K]`` named ``probabilities``, or ``[N, 1]`` named ``prediction``.

    Raises:
        ModelFormatError: the file is not ONNX, uses what is not allowed, or does not fit the signature.
    """
    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError) as error:
        raise ModelFormatError("the file is not an ONNX model", remedy="Export the model as ONNX.") from error
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, {**metadata, METADATA_KEY: signature.to_json()})
    attached: bytes = model.SerializeToString(deterministic=True)
    check(attached)
    return attached


def check(data: bytes) -> ModelSignature:
    """Hold a model file against the contract: allowed operators, inputs and output by its signature, sound values.

    Raises:
        ModelFormatError: it does not hold.
    """
    model = Model(data)
    model.probe()
    return model.signature
