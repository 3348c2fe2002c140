"""Canonical JSON: one value, one sequence of bytes, and nothing else is read."""

from __future__ import annotations

import json
import math
import struct

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.errors import MalformedError
from stockade.evidence import canonical

text = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53) + 1, 2**53 - 1)
values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_agrees_with_an_independent_implementation(value):
    """Our bytes are those of the rfc8785 package."""
    assert canonical.encode(value) == rfc8785.dumps(value)


@given(values)
def test_reads_back_what_it_wrote(value):
    """A value survives, and is written the same again."""
    data = canonical.encode(value)
    assert canonical.encode(canonical.decode(data)) == data


@given(values)
@settings(max_examples=200)
def test_accepts_no_other_spelling(value):
    """What another writer makes of the value is accepted only where it is the same bytes."""
    data = canonical.encode(value)
    for other in (json.dumps(value), json.dumps(value, indent=1), json.dumps(value, sort_keys=True) + "\n"):
        if other.encode() != data:
            with pytest.raises(MalformedError):
                canonical.decode(other.encode())


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_refused_or_canonical(data):
    """No bytes lead to another error, and what is accepted is canonical."""
    try:
        value = canonical.decode(data)
    except MalformedError:
        return
    assert canonical.encode(value) == data


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_numbers_of_the_standard(bits, expected):
    """The samples of RFC 8785, appendix B."""
    value = struct.unpack(">d", bytes.fromhex(bits))[0]
    assert canonical.encode(value).decode() == expected
    assert canonical.decode(expected.encode()) == value


def test_names_are_sorted_by_utf16():
    """The sample of RFC 8785, section 3.2.3."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    written = json.loads(canonical.encode(dict.fromkeys(names, 0)))
    assert list(written) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b"[1, 2]",
        b"1.0",
        b"1e3",
        b"-0",
        b"01",
        b"+1",
        b"0.10",
        b"9007199254740993",
        b"1" * 5000,
        b"NaN",
        b"Infinity",
        b"1e999",
        b'"\\u0041"',
        b'"\\/"',
        b'"\\ud800"',
        b'"\xff"',
        b"\xef\xbb\xbf1",
        b"",
        b"[",
        b"1 2",
        b"[" * 100_000,
        b"[" * 65 + b"]" * 65,
    ],
)
def test_refuses(data):
    """Everything that is not the one spelling."""
    with pytest.raises(MalformedError):
        canonical.decode(data)


@pytest.mark.parametrize(
    "value",
    [2**53, -(2**53), math.nan, math.inf, "\ud800", {"\ud800": 1}, {1: 2}, {"a": object()}, b"bytes", {1, 2}],
)
def test_cannot_write(value):
    """Values that JSON cannot carry exactly."""
    with pytest.raises(MalformedError):
        canonical.encode(value)


def test_is_bounded():
    """A document beyond the limit is not looked at."""
    with pytest.raises(MalformedError, match="longer"):
        canonical.decode(b"[" * 11, limit=10)


def test_an_endless_value_is_refused():
    """A list that holds itself is too deep."""
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(MalformedError, match="deeper"):
        canonical.encode(loop)
