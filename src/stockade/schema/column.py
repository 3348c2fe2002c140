"""Columns and schemas.

    schema = Schema((Column("age", Kind.INTEGER, minimum=0, maximum=114), Column("employed", Kind.CATEGORY, Role.TARGET,
                     categories=("0", "1"))), target="employed", task=Task.BINARY)
    [column.name for column in schema.features()]   # ['age']

A target of classes is always of kind category: its classes are text, in the order in which probabilities are written,
and of two classes the last is the positive one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from stockade.types.scorecard import Task

ROW = "#row"
"""Name of the column in which tables carry each row's number in its source, from 1 without the header."""


NUMBER_STYLES = ("1,234.5", "1.234,5")
"""How numbers may be written in text other than plainly: the number 1234.5 as an example."""


class Kind(StrEnum):
    """What a value is. In tables: Int64, Float64, Boolean, String, String, Datetime in microseconds without zone."""

    INTEGER = "integer"
    REAL = "real"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    TEXT = "text"
    TIMESTAMP = "timestamp"

    @property
    def numeric(self) -> bool:
        """Whether bounds apply."""
        return self in (Kind.INTEGER, Kind.REAL)


class Role(StrEnum):
    """What a column is for."""

    FEATURE = "feature"
    TARGET = "target"
    IDENTIFIER = "identifier"
    TIME = "time"
    GROUP = "group"
    CONSTANT = "constant"
    EXCLUDED = "excluded"

    @property
    def checked(self) -> bool:
        """Whether rows are held against the column's constraints; constants, identifiers and the rest are not."""
        return self in (Role.FEATURE, Role.TARGET)


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: As in the source.
        kind: What its values are.
        role: What it is for.
        nullable: Whether a row may lack it.
        minimum: Smallest number allowed, ``None`` for no bound.
        maximum: Largest number allowed.
        categories: Words allowed, for kind category; empty means any word.
        format: How timestamps are written in text (strptime), or numbers (one of `NUMBER_STYLES`, then a blank and
            the sign if there is one, such as ``1,234.5 $``); empty where the source types them or writes them plainly.
        sensitive: Whether fairness is reported by it.
        note: Why inference decided so, one sentence.

    Raises:
        ValueError: the fields contradict each other.
    """

    name: str
    kind: Kind
    role: Role = Role.FEATURE
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] = ()
    format: str = ""
    sensitive: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a column needs a name")
        bounds = [bound for bound in (self.minimum, self.maximum) if bound is not None]
        if bounds and not self.kind.numeric:
            raise ValueError(f"minimum and maximum do not apply to kind {self.kind.value!r}")
        if not all(isfinite(bound) for bound in bounds):
            raise ValueError("minimum and maximum must be finite numbers")
        if len(bounds) == 2 and bounds[0] > bounds[1]:
            raise ValueError(f"minimum {bounds[0]:g} is greater than maximum {bounds[1]:g}")
        if self.categories and self.kind is not Kind.CATEGORY:
            raise ValueError(f"categories do not apply to kind {self.kind.value!r}")
        if len(set(self.categories)) != len(self.categories):
            raise ValueError("a category is listed twice")
        if self.format and self.kind.numeric and self.format.partition(" ")[0] not in NUMBER_STYLES:
            raise ValueError(f"the format of numbers is {' or '.join(NUMBER_STYLES)}, then their sign if any")
        if self.format and not self.kind.numeric and self.kind is not Kind.TIMESTAMP:
            raise ValueError(f"format does not apply to kind {self.kind.value!r}")


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a table, in the order of the source, and what is to be learnt from them.

    Attributes:
        columns: All of them; names are unique.
        target: Name of the one column of role target, empty for a table without one.
        task: What is predicted, ``None`` for a table without a target.

    Raises:
        ValueError: the columns contradict each other.
    """

    columns: tuple[Column, ...]
    target: str = ""
    task: Task | None = None

    def __post_init__(self) -> None:
        names = self.names
        if len(set(names)) != len(names):
            twice = next(name for index, name in enumerate(names) if name in names[:index])
            raise ValueError(f"column {twice!r} is listed twice")
        for role in (Role.TARGET, Role.TIME, Role.GROUP):
            holders = [column.name for column in self.columns if column.role is role]
            if len(holders) > 1:
                raise ValueError(f"columns {holders[0]!r} and {holders[1]!r} both have role {role.value!r}")
        targets = [column for column in self.columns if column.role is Role.TARGET]
        if [column.name for column in targets] != ([self.target] if self.target else []):
            raise ValueError(f"target {self.target!r} must be a column of role 'target', and the only one")
        if (self.task is None) != (not self.target):
            raise ValueError("a target needs a task, and a task a target")
        if targets and self.task is not None:
            _check_target(targets[0], self.task)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(column.name for column in self.columns)

    @property
    def ordered(self) -> bool:
        """Whether rows are ordered in time, so that the future is never used to predict the past."""
        return bool(self.with_role(Role.TIME))

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of probability columns; empty for regression."""
        return self.target_column.categories if self.target else ()

    @property
    def target_column(self) -> Column:
        """The target's column.

        Raises:
            KeyError: the schema has no target.
        """
        return self.column(self.target)

    def column(self, name: str) -> Column:
        """Look a column up.

        Raises:
            KeyError: there is none of that name.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def with_role(self, role: Role) -> tuple[Column, ...]:
        """All columns of one role, in order."""
        return tuple(column for column in self.columns if column.role is role)

    def features(self) -> tuple[Column, ...]:
        """The columns a model may see, in order."""
        return self.with_role(Role.FEATURE)

    def sensitive(self) -> tuple[Column, ...]:
        """The columns fairness is reported by, features or not."""
        return tuple(column for column in self.columns if column.sensitive)


def _check_target(column: Column, task: Task) -> None:
    if task is Task.REGRESSION:
        if not column.kind.numeric:
            raise ValueError(f"a regression target must be numeric, not of kind {column.kind.value!r}")
        return
    if column.kind is not Kind.CATEGORY:
        raise ValueError(f"a target of classes must be of kind 'category', not {column.kind.value!r}")
    count = len(column.categories)
    if task is Task.BINARY and count != 2:
        raise ValueError(f"a binary target has two classes, not {count}")
    if task is Task.MULTICLASS and count < 3:
        raise ValueError(f"a multiclass target has three classes or more, not {count}")
