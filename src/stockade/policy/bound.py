"""Limits on figures, as people write them: ``>= 0.80``, ``> baseline.auc + 0.02``.

    limit     = operator ( number | figure [ ("+" | "-") number ] )
    operator  = ">=" | ">" | "<=" | "<"

Cedar counts in 64-bit integers, so numbers are carried as billionths: exact for nine decimals, up to 9.2e9 in size.
What lies outside, and what is not finite, has no value, and a rule about it refuses.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from stockade.policy.vocabulary import Measure, measure_of, suggest, suggest_figure

SCALE = 1_000_000_000
"""Billionths: one unit of a figure in Cedar."""

OPERATORS = (">=", ">", "<=", "<")
_LIMIT = 2**63 - 1
_SHAPE = re.compile(r"\s*(?P<operator>[<>=!~≥≤]+|)\s*(?P<rest>.*?)\s*", re.DOTALL)
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,2})?")
_REFERENCE = re.compile(r"(?P<figure>[A-Za-z_][\w.]*)\s*(?:(?P<sign>[+-])\s*(?P<margin>\d\S*))?")
_MISTAKEN = {"=>": ">=", "=<": "<=", "≥": ">=", "≤": "<=", "=": ">=", "==": ">="}


class BoundError(ValueError):
    """A limit cannot be read; `remedy` says what was probably meant."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Bound:
    """One side of what a figure may be.

    Attributes:
        operator: ``>=``, ``>``, ``<=`` or ``<``.
        offset: What the figure is held against, or is added to `reference`, in billionths.
        reference: Name of the figure it is held against, empty for none.
    """

    operator: str
    offset: int
    reference: str = ""

    @property
    def side(self) -> str:
        """``min`` or ``max``."""
        return "min" if self.operator.startswith(">") else "max"

    @property
    def kind(self) -> str:
        """``min``, ``max``, or ``baseline`` for a limit that refers to another figure; one of each may stand."""
        return "baseline" if self.reference else self.side

    @property
    def text(self) -> str:
        """What the figure is held against, in normal form, such as ``0.8`` or ``baseline.auc + 0.02``."""
        if not self.reference:
            return plain(self.offset)
        if not self.offset:
            return self.reference
        return f"{self.reference} {'+' if self.offset > 0 else '-'} {plain(abs(self.offset))}"


def scaled(value: float | Decimal) -> int | None:
    """A number in billionths, rounded half to even; ``None`` where 64 bits do not hold it or it is not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    # The shortest text that reads back as this float, so that 0.8 is 0.8 and not 0.8000000000000000444.
    exact = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    if abs(exact) > _LIMIT // SCALE:
        return None
    return int((exact * SCALE).to_integral_value(rounding=ROUND_HALF_EVEN))


def plain(billionths: int) -> str:
    """Billionths as a decimal number without needless zeros."""
    whole, part = divmod(abs(billionths), SCALE)
    sign = "-" if billionths < 0 else ""
    digits = f"{part:09d}".rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def parse(text: str, measure: Measure) -> Bound:
    """Read a limit on a figure of the kind `measure`.

    Raises:
        BoundError: the operator, the number or the figure referred to is wrong, or the limit says nothing.
    """
    match = _SHAPE.fullmatch(text)
    operator, rest = (match["operator"], match["rest"]) if match else ("", text)
    if operator not in OPERATORS:
        _refuse_operator(operator, rest, text)
    if _NUMBER.fullmatch(rest):
        bound = Bound(operator, _exact(rest))
        _check_range(bound, rest, measure)
        return bound
    found = _REFERENCE.fullmatch(rest)
    if found is None:
        raise BoundError(f"{rest!r} is not a number", f'write a number after the operator, such as "{operator} 0.8"')
    if measure_of(found["figure"]) is None:
        raise BoundError(f"there is no figure {found['figure']!r}", suggest_figure(found["figure"]))
    if found["margin"] is not None and not _NUMBER.fullmatch(found["margin"]):
        raise BoundError(f"{found['margin']!r} is not a number", "write a number after + or -")
    margin = _exact(found["margin"] or "0")
    return Bound(operator, -margin if found["sign"] == "-" else margin, found["figure"])


def _refuse_operator(operator: str, rest: str, text: str) -> None:
    if not operator:
        example = rest if _NUMBER.fullmatch(rest) else "0.8"
        raise BoundError(f"{text!r} has no operator", f'write for example ">= {example}" or "<= {example}"')
    meant = _MISTAKEN.get(operator)
    remedy = f'did you mean "{meant} {rest}"?' if meant else suggest(operator, OPERATORS)
    raise BoundError(f"{operator!r} is not an operator", remedy)


def _exact(number: str) -> int:
    value = Decimal(number)
    billionths = scaled(value)
    if billionths is None:
        raise BoundError(f"{number} is too large", f"limits reach up to {_LIMIT // SCALE:,}")
    if Decimal(billionths) != value * SCALE:
        raise BoundError(f"{number} has more than nine decimals", f'write "{plain(billionths)}"')
    return billionths


def _check_range(bound: Bound, number: str, measure: Measure) -> None:
    value = bound.offset / SCALE
    if measure.low <= value <= measure.high:
        return
    remedy = "a limit outside always holds or never does"
    if measure.high == 1.0 and 1.0 < value <= 100.0:
        remedy = f'shares are written as fractions: did you mean "{bound.operator} {plain(bound.offset // 100)}"?'
    raise BoundError(f"{number} is outside {_end(measure.low)} to {_end(measure.high)}, where it lies", remedy)


def _end(value: float) -> str:
    return f"{value:g}" if math.isfinite(value) else "infinity"
