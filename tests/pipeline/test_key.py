"""The cache key tells apart everything that differs."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.pipeline.key import cache_key, encode

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


def typed(value: Any) -> Any:
    """The value with its types written out, so that 1, 1.0 and True differ, and 0.0 differs from -0.0."""
    if isinstance(value, dict):
        return ("m", tuple(sorted((name, typed(item)) for name, item in value.items())))
    if isinstance(value, list):
        return ("l", tuple(typed(item) for item in value))
    sign = math.copysign(1, value) if isinstance(value, float) else 0
    return (type(value).__name__, repr(value), sign)


@given(left=values, right=values)
def test_different_values_encode_differently(left: Any, right: Any) -> None:
    """Two values have the same encoding exactly when they are the same, types included."""
    assert (encode(left) == encode(right)) == (typed(left) == typed(right))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"a": "1b", "b": "2"}, {"a": "1", "b": "b2"}),
        ({"a": 1}, {"a": "1"}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": True}, {"a": 1}),
        ({"a": None}, {}),
        ({"a": ["x", "y"]}, {"a": ["xy"]}),
        ({"a": [[], []]}, {"a": [[[]]]}),
    ],
)
def test_known_collisions_of_other_engines(left: dict[str, Any], right: dict[str, Any]) -> None:
    """Keys joined without delimiters, or made of text, took these for the same."""
    assert cache_key(left) != cache_key(right)


def test_order_of_a_mapping_does_not_matter() -> None:
    """The same parameters in another order have the same key."""
    assert cache_key({"a": 1, "b": 2}) == cache_key({"b": 2, "a": 1})


def test_other_types_are_refused() -> None:
    """Nothing is turned into text to be hashed."""
    with pytest.raises(TypeError, match="object"):
        cache_key({"a": object()})
