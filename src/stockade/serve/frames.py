"""MLflow's scoring protocol: ``POST /invocations`` with ``dataframe_split``, ``dataframe_records`` or ``inputs``.

Source: MLflow documentation, "Local Inference Server: Endpoints and Payload Formats". Exactly one of the three, strict
as everywhere: numbers for numbers, text for categories, null where the schema allows it. Booleans are refused, for the
format cannot say that they were meant as numbers. The answer is ``{"predictions": [...]}`` with class labels or
numbers, and for classes ``probabilities`` (rows of them) and ``classes`` beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from stockade.serve.columns import Columns, RequestError
from stockade.serve.openinference import Batch, decode_strictly, refuse_repeated_fields


class _Split(msgspec.Struct, forbid_unknown_fields=True):
    columns: list[str]
    data: list[list[Any]]
    index: list[Any] | msgspec.UnsetType = msgspec.UNSET


class _Frame(msgspec.Struct, forbid_unknown_fields=True):
    dataframe_split: _Split | msgspec.UnsetType = msgspec.UNSET
    dataframe_records: list[dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET
    inputs: Any = msgspec.UNSET
    params: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


_decode = msgspec.json.Decoder(_Frame).decode
_encode = msgspec.json.Encoder().encode


def read_frame(body: bytes, columns: Columns) -> Batch:
    """Read a request in one of MLflow's three forms.

    Raises:
        RequestError: it is not one of them, or a value is not allowed.
    """
    frame: _Frame = decode_strictly(_decode, body)
    refuse_repeated_fields(body)
    table = _table(frame, columns)
    columns.names(list(table))
    lengths = {len(values) for values in table.values()}
    if len(lengths) != 1:
        raise RequestError("the columns differ in length", reason="shape")
    rows = columns.rows(lengths.pop())
    arrays = {name: columns.check(name, values, columns.datatype(name)) for name, values in table.items()}
    return Batch(arrays, rows)


def write_predictions(
    predicted: npt.NDArray[np.float64], labels: Sequence[str] | None, classes: Sequence[str]
) -> bytes:
    """Write the answer."""
    if labels is None:
        return _encode({"predictions": predicted.tolist()})
    return _encode({"predictions": labels, "probabilities": predicted.tolist(), "classes": classes})


def _table(frame: _Frame, columns: Columns) -> dict[str, list[Any]]:
    given = [item is not msgspec.UNSET for item in (frame.dataframe_split, frame.dataframe_records, frame.inputs)]
    if sum(given) != 1:
        raise RequestError("exactly one of dataframe_split, dataframe_records and inputs is expected", reason="json")
    if frame.dataframe_split is not msgspec.UNSET:
        return _from_split(frame.dataframe_split, columns)
    if frame.dataframe_records is not msgspec.UNSET:
        return _from_records(frame.dataframe_records, columns)
    if isinstance(frame.inputs, dict) and all(type(values) is list for values in frame.inputs.values()):
        return frame.inputs
    if isinstance(frame.inputs, list) and all(type(record) is dict for record in frame.inputs):
        return _from_records(frame.inputs, columns)
    raise RequestError("inputs must be an object of lists or a list of objects", reason="json")


def _from_split(split: _Split, columns: Columns) -> dict[str, list[Any]]:
    columns.names(split.columns)
    columns.rows(len(split.data))
    width = len(split.columns)
    for index, row in enumerate(split.data):
        if len(row) != width:
            raise RequestError(f"row {index} has {len(row)} values for {width} columns", reason="shape")
    return dict(zip(split.columns, map(list, zip(*split.data, strict=True)), strict=True))


def _from_records(records: list[dict[str, Any]], columns: Columns) -> dict[str, list[Any]]:
    columns.rows(len(records))
    names = list(records[0])
    columns.names(names)
    for index, record in enumerate(records):
        if record.keys() != records[0].keys():
            raise RequestError(f"row {index} has other columns than the first", reason="shape")
    return {name: [record[name] for record in records] for name in names}
