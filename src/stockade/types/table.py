"""Records about tables: what a column looks like, and which rows were set aside."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram: rows with ``low <= value < high`` (the last bar includes ``high``)."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How often one category occurs."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """Summary of one column.

    Attributes:
        name: Column name.
        kind: Kind of the column in the schema's words.
        count: Rows with a value.
        nulls: Rows without one.
        distinct: Distinct values.
        minimum: Smallest value, numeric columns only.
        maximum: Largest value, numeric columns only.
        mean: Mean, numeric columns only.
        deviation: Standard deviation, numeric columns only.
        quantiles: Values at 0.05, 0.25, 0.5, 0.75, 0.95; numeric columns only.
        histogram: At most 24 bars; numeric columns only.
        top: At most 12 most frequent values, most frequent first; other columns only.
    """

    name: str
    kind: str
    count: int
    nulls: int
    distinct: int
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    deviation: float | None = None
    quantiles: tuple[float, ...] = ()
    histogram: tuple[Bar, ...] = ()
    top: tuple[Tally, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """Summary of a table."""

    rows: int
    columns: tuple[ColumnProfile, ...]


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a row was set aside: one failed constraint.

    Attributes:
        row: Row number in the source, counted from 1 without the header.
        column: Column at fault, empty when the row as a whole is.
        value: The offending value as text, cut at 80 characters.
        rule: Stable id of the constraint, such as ``range`` or ``category``.
        reason: One sentence.
    """

    row: int
    column: str
    value: str
    rule: str
    reason: str
