"""The cache key: SHA-256 over a canonical, typed, length-delimited encoding.

Every value is a tag, the length of its payload and the payload, so no two different values encode alike:
``a="1b", b="2"`` is not ``a="1", b="b2"``, ``1`` is not ``"1"``, ``1`` is not ``1.0`` is not ``True``.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping

from stockade.types.digest import Digest


def encode(value: object) -> bytes:
    """Encode None, booleans, integers, floats, text, bytes, digests, sequences and mappings with text keys.

    Raises:
        TypeError: a value of any other type; nothing is ever turned into text to be hashed.
    """
    tag, payload = _parts(value)
    return tag + len(payload).to_bytes(8, "big") + payload


def _parts(value: object) -> tuple[bytes, bytes]:
    scalar = _scalar(value)
    if scalar is not None:
        return scalar
    if isinstance(value, (list, tuple)):
        return b"l", b"".join(encode(item) for item in value)
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return b"m", b"".join(encode(name) + encode(value[name]) for name in sorted(value))
    raise TypeError(f"a {type(value).__name__} cannot be part of a cache key")


def _scalar(value: object) -> tuple[bytes, bytes] | None:
    if value is None or isinstance(value, bool):
        return b"b", {None: b"", True: b"1", False: b"0"}[value]
    if isinstance(value, int):
        return b"i", str(int(value)).encode()
    if isinstance(value, float):
        return b"f", struct.pack(">d", value)
    if isinstance(value, str):
        return b"s", value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        return b"y", value
    return (b"d", value.hex.encode()) if isinstance(value, Digest) else None


def cache_key(parts: Mapping[str, object]) -> str:
    """The key of a step as 64 hexadecimal digits."""
    return hashlib.sha256(encode(parts)).hexdigest()
