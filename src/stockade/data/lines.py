"""Records of JSON Lines: one object of plain values a line.

A column whose values are all of one type keeps it; a column of mixed types becomes text, so that validation can judge
value by value. Lines that are no such object are set aside.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import polars as pl

from stockade.data.delimited import Parsed, Text
from stockade.data.raw import check_names
from stockade.errors import ColumnError
from stockade.schema.column import ROW
from stockade.schema.constraint import Rule
from stockade.types.table import Rejection

if TYPE_CHECKING:
    from pathlib import Path


def parse(path: Path) -> Parsed:
    """Parse a JSON Lines file.

    Raises:
        stockade.errors.SourceUnreadableError: not UTF-8.
        stockade.errors.ColumnError: values that are lists or objects, or reserved names.
    """
    numbers: list[int] = []
    columns: dict[str, list[Any]] = {}
    parsed = Parsed(pl.DataFrame(), [], [])
    row = 0
    for text in Text(path):
        if not text.strip():
            continue
        row += 1
        try:
            record = json.loads(text, object_pairs_hook=_object)
            _check_flat(record)
        except ColumnError as error:
            raise ColumnError(error.message, where=f"{path}: row {row}", remedy=error.remedy) from None
        except (ValueError, RecursionError) as error:
            content = text.rstrip("\r\n")
            parsed.damaged.append((row, content))
            parsed.rejections.append(Rejection(row, "", content, Rule.MALFORMED.value, f"not a JSON object: {error}"))
            continue
        for name in record:
            if name not in columns:
                columns[name] = [None] * len(numbers)
        for name, values in columns.items():
            values.append(record.get(name))
        numbers.append(row)
    check_names(list(columns), str(path))
    series = [_series(name, values) for name, values in columns.items()]
    return parsed._replace(table=pl.DataFrame([pl.Series(ROW, numbers, dtype=pl.Int64), *series]))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = {normalize("NFC", name): value for name, value in pairs}
    if len(record) != len(pairs):
        raise ValueError("a key occurs twice")
    return record


def _check_flat(record: object) -> None:
    if not isinstance(record, dict):
        raise ValueError("an object is expected")
    for name, value in record.items():
        if isinstance(value, (dict, list)):
            what = "objects" if isinstance(value, dict) else "lists"
            message = f"column {name!r} holds {what}, not single values"
            raise ColumnError(message, remedy="flatten it into columns of numbers and words, or drop it")
        if isinstance(value, str):
            value.encode()  # a lone surrogate is no text; UnicodeEncodeError is a ValueError


def _series(name: str, values: list[Any]) -> pl.Series:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pl.Series(name, values, dtype=pl.Boolean)
    if kinds == {int} and all(value is None or abs(value) < 2**63 for value in values):
        return pl.Series(name, values, dtype=pl.Int64)
    if (
        kinds
        and kinds <= {int, float}
        and all(value is None or abs(value) < 1e300 or isinstance(value, float) for value in values)
    ):
        return pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)
    return pl.Series(name, [None if value is None else _as_text(value) for value in values], dtype=pl.String)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
