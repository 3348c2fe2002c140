"""The words for what a row can fail. Rule ids are stable: quarantine files, policies and reports refer to them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from stockade.schema.column import Kind, Role

if TYPE_CHECKING:
    from stockade.schema.column import Column, Schema


class Rule(StrEnum):
    """Why a row is set aside."""

    TYPE = "type"
    """A value is not of the column's kind."""
    INFINITE = "infinite"
    """A number is infinite."""
    RANGE = "range"
    """A number is below the minimum or above the maximum."""
    CATEGORY = "category"
    """A word is not among the categories."""
    MISSING = "missing"
    """A column that must have a value has none."""
    TARGET = "target"
    """The row lacks the target."""
    EMPTY = "empty"
    """No column of the row has a value."""
    RAGGED = "ragged"
    """A line has more or fewer fields than the header."""
    MALFORMED = "malformed"
    """A line is not a record of its format."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One rule held against one column."""

    rule: Rule
    column: Column

    @property
    def id(self) -> str:
        """``rule:column``, unique within a schema."""
        return f"{self.rule.value}:{self.column.name}"

    def reason(self, value: str) -> str:
        """Say in one sentence why `value`, as text, fails."""
        name = self.column.name
        phrases = {
            Rule.TYPE: f"{name} must be {_ARTICLES[self.column.kind]}",
            Rule.INFINITE: f"{name} must be finite",
            Rule.RANGE: f"{name} must be {bounds_text(self.column)}",
            Rule.CATEGORY: f"{name} must be {_words(self.column.categories)}",
            Rule.TARGET: f"the target {name} is missing",
            Rule.MISSING: f"{name} is missing",
        }
        return phrases.get(self.rule, f"{name}: {self.rule.value} ({value})")


def constraints_of(schema: Schema) -> tuple[Constraint, ...]:
    """List what each row is held against, column by column; constants, identifiers, time and group are not checked."""
    return tuple(constraint for column in schema.columns if column.role.checked for constraint in _of_column(column))


def bounds_text(column: Column) -> str:
    """The bounds of a column in words, such as ``from 0 to 114``."""
    low, high = (None if bound is None else _number(bound) for bound in (column.minimum, column.maximum))
    if low is not None and high is not None:
        return f"from {low} to {high}"
    if low is not None:
        return f"at least {low}"
    return f"at most {high}" if high is not None else "any number"


def _of_column(column: Column) -> list[Constraint]:
    rules: list[Rule] = []
    if column.role is Role.TARGET:
        rules.append(Rule.TARGET)
    elif not column.nullable:
        rules.append(Rule.MISSING)
    if column.kind not in (Kind.CATEGORY, Kind.TEXT):
        rules.append(Rule.TYPE)
    if column.kind is Kind.REAL:
        rules.append(Rule.INFINITE)
    if column.minimum is not None or column.maximum is not None:
        rules.append(Rule.RANGE)
    if column.categories:
        rules.append(Rule.CATEGORY)
    return [Constraint(rule, column) for rule in rules]


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _words(words: tuple[str, ...]) -> str:
    if len(words) <= 6:
        return "one of " + ", ".join(words)
    return f"one of {len(words)} words such as {', '.join(words[:3])}"


_ARTICLES = {
    Kind.INTEGER: "a whole number",
    Kind.REAL: "a number",
    Kind.BOOLEAN: "true or false",
    Kind.CATEGORY: "a word",
    Kind.TEXT: "text",
    Kind.TIMESTAMP: "a date or time",
}
