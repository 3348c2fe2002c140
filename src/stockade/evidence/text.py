"""Strict spellings of bytes and moments: one value, one text."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime

from stockade.errors import MalformedError

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z", re.ASCII)
_HEX = re.compile(r"([0-9a-f]{2})*")


def b64(data: bytes) -> str:
    """Write bytes in standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def unb64(text: object, where: str) -> bytes:
    """Read standard base64, in its canonical spelling only: ``YR==`` is not another way to write ``YQ==``.

    Raises:
        MalformedError: it is not text, or not canonical base64.
    """
    try:
        if isinstance(text, str):
            data = base64.b64decode(text.encode("ascii"), validate=True)
            if b64(data) == text:
                return data
    except (binascii.Error, UnicodeEncodeError):
        pass
    raise MalformedError("canonical base64 is expected", where=where)


def unhex(text: object, where: str, *, size: int | None = None) -> bytes:
    """Read lower-case hexadecimal digits, of `size` bytes if given.

    Raises:
        MalformedError: it is anything else.
    """
    if isinstance(text, str) and _HEX.fullmatch(text) and (size is None or len(text) == 2 * size):
        return bytes.fromhex(text)
    expected = "hexadecimal digits" if size is None else f"{2 * size} hexadecimal digits"
    raise MalformedError(f"{expected} are expected", where=where)


def write_time(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC with whole seconds, such as ``2026-11-21T04:15:00Z``.

    Raises:
        ValueError: the moment has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be written")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(text: object, where: str) -> datetime:
    """Read RFC 3339 in UTC, written with ``Z``, with at most microseconds.

    Raises:
        MalformedError: it is anything else, or no such moment exists.
    """
    if isinstance(text, str) and _TIME.fullmatch(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    raise MalformedError("a time like 2026-11-21T04:15:00Z is expected", where=where)


def now() -> str:
    """The present moment as `write_time` writes it."""
    return write_time(datetime.now(UTC))
