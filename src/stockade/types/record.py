"""Strict JSON for records: dataclasses to plain values and back, unknown and missing fields refused.

Standard library only, so that a verifier needs nothing else. Tuples are written as lists, enums as their values,
digests as ``sha256:HEX``.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union

from stockade.types.digest import Digest

T = TypeVar("T")


def to_plain(value: object) -> Any:
    """Turn a record into dicts, lists, text, numbers, booleans and ``None``."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Digest):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: type[T], value: object, where: str = "$") -> T:
    """Build a record of type `kind` from plain values.

    Raises:
        ValueError: a field is missing, unknown or of the wrong type; the message names its path.
    """
    return typing.cast("T", _build(kind, value, where))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _build(kind: Any, value: object, where: str) -> object:
    origin = typing.get_origin(kind)
    if origin in (Union, types.UnionType):
        return _build_union(kind, value, where)
    if origin is tuple:
        return _build_tuple(kind, value, where)
    if origin is not None and issubclass(origin, Mapping):
        _, item_kind = typing.get_args(kind)
        if not isinstance(value, Mapping):
            raise ValueError(f"{where}: an object is expected")
        return {str(key): _build(item_kind, item, f"{where}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(kind) and kind is not Digest:
        return _build_record(typing.cast("type", kind), value, where)
    return _build_leaf(kind, value, where)


def _build_union(kind: Any, value: object, where: str) -> object:
    options = typing.get_args(kind)
    if value is None:
        if type(None) in options:
            return None
        raise ValueError(f"{where}: a value is expected")
    failure: ValueError | None = None
    for option in options:
        if option is type(None):
            continue
        try:
            return _build(option, value, where)
        except ValueError as error:
            failure = error
    raise failure or ValueError(f"{where}: null is expected")


def _build_tuple(kind: Any, value: object, where: str) -> tuple[object, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{where}: a list is expected")
    arguments = typing.get_args(kind)
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_build(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if len(arguments) != len(value):
        raise ValueError(f"{where}: {len(arguments)} items are expected, not {len(value)}")
    pairs = zip(arguments, value, strict=True)
    return tuple(_build(item_kind, item, f"{where}[{index}]") for index, (item_kind, item) in enumerate(pairs))


def _build_record(kind: type, value: object, where: str) -> object:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where}: an object is expected")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    if unknown := sorted(str(key) for key in value if key not in fields):
        raise ValueError(f"{where}: unknown field {unknown[0]!r}")
    hints = _hints(kind)
    built: dict[str, object] = {}
    for name, field in fields.items():
        if name in value:
            built[name] = _build(hints[name], value[name], f"{where}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{where}: field {name!r} is missing")
    return kind(**built)


def _build_leaf(kind: Any, value: object, where: str) -> object:
    if kind is Any or kind is object:
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{where}: the number is too large") from None
    if isinstance(kind, type) and (issubclass(kind, Enum) or kind is Digest):
        if not isinstance(value, str):
            raise ValueError(f"{where}: text is expected")
        try:
            return Digest.parse(value) if kind is Digest else kind(value)
        except ValueError:
            raise ValueError(f"{where}: {value[:80]!r} is not a {kind.__name__}") from None
    if isinstance(value, bool) and kind is not bool:
        raise ValueError(f"{where}: {kind.__name__} is expected, not a boolean")
    if not isinstance(value, kind):
        raise ValueError(f"{where}: {kind.__name__} is expected, not {type(value).__name__}")
    return value
