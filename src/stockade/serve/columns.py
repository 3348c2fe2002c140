"""Hold what a caller sent against the model's signature, column by column, and make arrays of it.

Nothing is coerced: a boolean is no number, text is no number, an integer that a double cannot hold is refused rather
than rounded, a value outside the schema is refused rather than clipped. A refusal names the caller's own input and
index and the limits of that input, and tells nothing of other inputs, of the known categories, or of the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stockade.errors import DataError
from stockade.model.signature import Feature, FeatureKind, ModelSignature
from stockade.serve.settings import Unseen

Array = npt.NDArray[Any]

FLOATS = ("FP64", "FP32")
INTEGERS: Mapping[str, tuple[int, int]] = {
    **{f"INT{bits}": (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": (0, (1 << bits) - 1) for bits in (8, 16, 32, 64)},
}
NUMBERS = frozenset((*FLOATS, *INTEGERS, "BOOL"))

_EXACT = 1 << 53
_LONGEST_TEXT = 1_024
_FLOAT_TYPES = frozenset((float, int))
_INTEGER_TYPES = frozenset((int,))
_BOOLEAN_TYPES = frozenset((bool,))
_TEXT_TYPES = frozenset((str,))
_NONE = type(None)


class RequestError(DataError):
    """A request says something that the server does not take.

    The message is sent to the caller and names the caller's own input, index and limits. `status` is the HTTP status
    and `reason` a word for logs and counters.
    """

    code = "D120"

    def __init__(self, message: str, *, reason: str, status: int = 400) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status


@dataclass(frozen=True, slots=True)
class Column:
    """What one input must hold.

    Attributes:
        name: Name of the input.
        number: Whether it holds numbers, else categories.
        nullable: Whether null is allowed.
        minimum: Smallest number.
        maximum: Largest number.
        allowed: Categories, None for any.
    """

    name: str
    number: bool
    nullable: bool
    minimum: float
    maximum: float
    allowed: frozenset[str] | None

    @classmethod
    def of(cls, feature: Feature, unseen: Unseen) -> Column:
        """What a feature of the signature asks for."""
        listed = bool(feature.categories) and unseen is Unseen.REJECT
        return cls(
            feature.name,
            feature.kind is FeatureKind.NUMBER,
            feature.nullable,
            -np.inf if feature.minimum is None else feature.minimum,
            np.inf if feature.maximum is None else feature.maximum,
            frozenset(feature.categories) if listed else None,
        )

    def check(self, values: list[Any], datatype: str) -> Array:
        """Check values of one datatype and make the array the model takes.

        Args:
            values: As JSON gave them, flat.
            datatype: A word of the Open Inference Protocol.

        Returns:
            float64 ``[N]`` with NaN for null, or object ``[N]`` of text with the empty string for null.

        Raises:
            RequestError: a value is not allowed.
        """
        if len(values) == 1:
            # Most requests are one row: take what is plainly right without the machinery for many.
            value = values[0]
            kind = type(value)
            if self.number:
                if kind is float and datatype == "FP64" and self.minimum <= value <= self.maximum:
                    return np.array(values)
            elif kind is str and datatype == "BYTES" and self.allowed is not None and value in self.allowed:
                return np.array(values, dtype=object)
        if not self.number:
            return self._categories(values, datatype)
        if datatype not in NUMBERS:
            raise RequestError(f"input {self.name!r} holds numbers, not {datatype!r:.40}", reason="datatype")
        return self._numbers(values, datatype)

    def _numbers(self, values: list[Any], datatype: str) -> Array:
        types = set(map(type, values))
        present = values
        if _NONE in types:
            present = self._without_null(values)
            types.discard(_NONE)
        wanted = _FLOAT_TYPES if datatype in FLOATS else _BOOLEAN_TYPES if datatype == "BOOL" else _INTEGER_TYPES
        if not types <= wanted:
            self._refuse(values, lambda value: type(value) in wanted, f"is no {datatype} value", "type")
        if present and datatype in INTEGERS:
            self._check_exact(values, present, datatype)
        try:
            array: Array = np.array(values, dtype=np.float64)
            if datatype == "FP32":
                array = _as_float32(array)
                present = [value for value in array.tolist() if value == value]  # noqa: PLR0124 - leaves NaN out
            if present and not (self.minimum <= min(present) and max(present) <= self.maximum):
                self._refuse(values, self._inside, f"is outside {self._limits()}", "range")
        except OverflowError:
            self._refuse(values, _finite, "is too large for a number", "range")
        return array

    def _check_exact(self, values: list[Any], present: list[Any], datatype: str) -> None:
        low, high = INTEGERS[datatype]
        low, high = max(low, -_EXACT), min(high, _EXACT)
        if min(present) < low or max(present) > high:
            self._refuse(values, lambda value: low <= value <= high, f"is outside {low} to {high}", "range")

    def _categories(self, values: list[Any], datatype: str) -> Array:
        if datatype != "BYTES":
            raise RequestError(f"input {self.name!r} holds text, so its datatype is BYTES", reason="datatype")
        types = set(map(type, values))
        present = values
        if _NONE in types:
            present = self._without_null(values)
            types.discard(_NONE)
        if not types <= _TEXT_TYPES:
            self._refuse(values, lambda value: type(value) is str, "is no text", "type")
        if self.allowed is not None:
            if not self.allowed.issuperset(present):
                self._refuse(values, self.allowed.__contains__, "is not a known category", "category")
        elif not all(map(_plain_text, present)):
            self._refuse(values, _plain_text, f"is empty, longer than {_LONGEST_TEXT} or has NUL", "category")
        array: Array = np.empty(len(values), dtype=object)
        array[:] = values if present is values else ["" if value is None else value for value in values]
        return array

    def _without_null(self, values: list[Any]) -> list[Any]:
        if not self.nullable:
            raise RequestError(f"input {self.name!r}, index {values.index(None)}: null is not allowed", reason="null")
        return [value for value in values if value is not None]

    def _inside(self, value: float) -> bool:
        return self.minimum <= value <= self.maximum

    def _limits(self) -> str:
        if np.isinf(self.minimum):
            return f"the range up to {_plain(self.maximum)}"
        if np.isinf(self.maximum):
            return f"the range from {_plain(self.minimum)}"
        return f"{_plain(self.minimum)} to {_plain(self.maximum)}"

    def _refuse(self, values: list[Any], holds: Any, text: str, reason: str) -> None:
        index = next((index for index, value in enumerate(values) if value is not None and not holds(value)), 0)
        raise RequestError(f"input {self.name!r}, index {index}: the value {text}", reason=reason)


class Columns:
    """All inputs of a model, and how many rows a request may have."""

    __slots__ = ("_columns", "_most_rows")

    def __init__(self, signature: ModelSignature, unseen: Unseen, most_rows: int) -> None:
        self._columns = {feature.name: Column.of(feature, unseen) for feature in signature.features}
        self._most_rows = most_rows

    def rows(self, rows: int) -> int:
        """Check a number of rows.

        Raises:
            RequestError: none, or more than one request may have.
        """
        if rows < 1:
            raise RequestError("the batch is empty", reason="batch")
        if rows > self._most_rows:
            raise RequestError(f"a request may have {self._most_rows} rows at most", reason="batch", status=413)
        return rows

    def names(self, given: Sequence[str]) -> None:
        """Check that exactly the model's inputs are given, each once, in any order.

        Raises:
            RequestError: one is unknown, given twice or missing.
        """
        seen = set(given)
        if len(seen) == len(given) and seen == self._columns.keys():
            return
        for position, name in enumerate(given):
            if name not in self._columns:
                raise RequestError(f"there is no input named {name[:80]!r}", reason="unknown_input")
            if name in given[:position]:
                raise RequestError(f"input {name!r} is given twice", reason="repeated_input")
        missing = next(name for name in self._columns if name not in seen)
        raise RequestError(f"input {missing!r} is missing", reason="missing_input")

    def check(self, name: str, values: list[Any], datatype: str) -> Array:
        """Check one input by `Column.check`."""
        return self._columns[name].check(values, datatype)

    def datatype(self, name: str) -> str:
        """The widest datatype an input takes: FP64 or BYTES."""
        return "FP64" if self._columns[name].number else "BYTES"


def _as_float32(array: Array) -> Array:
    """Round to the precision the caller declared; OverflowError beyond its range."""
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32)
    if np.isinf(narrow).any():
        raise OverflowError
    return narrow.astype(np.float64)


def _finite(value: float) -> bool:
    try:
        return abs(float(value)) <= float(np.finfo(np.float32).max)
    except OverflowError:
        return False


def _plain_text(value: str) -> bool:
    return 0 < len(value) <= _LONGEST_TEXT and "\0" not in value


def _plain(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)
