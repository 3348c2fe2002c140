"""Canonical JSON after RFC 8785 (JCS): one value, one sequence of bytes.

Signatures and digests are made over these bytes, so a reader accepts them and nothing else: `decode` refuses
duplicate names, insignificant space, other spellings of a number or a string, and whatever else `encode` would not
have written.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any, NoReturn

from stockade.errors import MalformedError

MAX_BYTES = 16 << 20
"""Longest document that `decode` looks at, in bytes, unless told otherwise."""

MAX_DEPTH = 64
"""Deepest nesting of arrays and objects."""

_SAFE = (1 << 53) - 1
_REMEDY = "get the document again from where it was made; nothing in it was believed"


def encode(value: object) -> bytes:
    """Write a value of dicts, lists, tuples, text, numbers, booleans and ``None`` as canonical JSON.

    Numbers are written as ECMAScript does (RFC 8785, section 3.2.2.3), names sorted by their UTF-16 code units.

    Raises:
        MalformedError: the value holds NaN, an infinity, an integer beyond 2^53 - 1, a lone surrogate, a name that
            is not text, another type, or nests deeper than `MAX_DEPTH`.
    """
    parts: list[str] = []
    _write(value, parts, 0)
    try:
        return "".join(parts).encode()
    except UnicodeEncodeError:
        raise MalformedError("text holds a lone surrogate, which JSON cannot carry") from None


def decode(data: bytes, *, limit: int = MAX_BYTES) -> Any:
    """Read canonical JSON.

    Integers come back as ``int`` up to 2^53 - 1, all other numbers as ``float``.

    Args:
        data: The document.
        limit: Most bytes to accept.

    Raises:
        MalformedError: it is not JSON, not canonical, too long or too deep.
    """
    if len(data) > limit:
        raise MalformedError(f"the document is longer than {limit} bytes", remedy=_REMEDY)
    try:
        value = json.loads(
            data.decode(), object_pairs_hook=_object, parse_int=_integer, parse_float=float, parse_constant=_constant
        )
    except RecursionError:
        raise MalformedError("the document nests too deep", remedy=_REMEDY) from None
    except ValueError as error:
        # The decoders' own messages may repeat the document at length; the position is what helps.
        detail = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise MalformedError(f"the document is not JSON in UTF-8{detail}", remedy=_REMEDY) from None
    if encode(value) != data:
        raise MalformedError("the document is JSON, but not in its canonical form", remedy=_REMEDY)
    return value


def _write(value: object, parts: list[str], depth: int) -> None:
    if isinstance(value, str):
        parts.append(encode_basestring(str(value)))
    elif value is None or isinstance(value, bool):
        parts.append({None: "null", True: "true", False: "false"}[value])
    elif isinstance(value, (int, float)):
        parts.append(_number(value))
    elif depth >= MAX_DEPTH:
        raise MalformedError(f"the value nests deeper than {MAX_DEPTH} levels")
    elif isinstance(value, (list, tuple)):
        _write_array(value, parts, depth)
    elif isinstance(value, Mapping):
        _write_object(value, parts, depth)
    else:
        raise MalformedError(f"a {type(value).__name__} cannot be written as JSON")


def _write_array(value: list[Any] | tuple[Any, ...], parts: list[str], depth: int) -> None:
    parts.append("[")
    for position, item in enumerate(value):
        if position:
            parts.append(",")
        _write(item, parts, depth + 1)
    parts.append("]")


def _write_object(value: Mapping[Any, Any], parts: list[str], depth: int) -> None:
    for name in value:
        if not isinstance(name, str):
            raise MalformedError(f"the name {name!r} of a JSON member is not text")
    names = sorted(value) if all(map(str.isascii, value)) else sorted(value, key=_utf16)
    parts.append("{")
    for position, name in enumerate(names):
        if position:
            parts.append(",")
        parts.append(encode_basestring(str(name)))
        parts.append(":")
        _write(value[name], parts, depth + 1)
    parts.append("}")


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


def _number(value: float) -> str:
    if isinstance(value, int):
        if abs(value) > _SAFE:
            raise MalformedError(f"the integer {str(value)[:40]} is beyond 2^53 - 1; write it as text")
        return int.__repr__(value)
    if not math.isfinite(value):
        raise MalformedError(f"{value} cannot be written as JSON")
    if value == 0:
        return "0"
    return _ecmascript(value)


def _ecmascript(value: float) -> str:
    """Shortest decimal that reads back as `value`, in the notation of ECMA-262, Number::toString."""
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = float.__repr__(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    point = len(whole) + int(exponent or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    power = f"e{point - 1:+d}"
    return f"{sign}{digits[0]}.{digits[1:]}{power}" if count > 1 else f"{sign}{digits}{power}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise MalformedError("a name occurs twice in one JSON object", remedy=_REMEDY)
    return value


def _integer(text: str) -> float:
    # Past 2^53 a whole number is a float in JSON's own terms; decode then compares its canonical spelling.
    if len(text) > 16:
        return float(text)
    value = int(text)
    return value if abs(value) <= _SAFE else float(value)


def _constant(text: str) -> NoReturn:
    raise MalformedError(f"{text} is not JSON", remedy=_REMEDY)
