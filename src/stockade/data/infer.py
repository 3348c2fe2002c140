"""Propose a schema from data that may itself hold a few damaged rows.

    schema = infer(source.table, "employed", Hints(sensitive=("sex", "race")))

Damaged rows must not shape the schema that is to find them: bounds leave out the few values that stand apart
(`bounds`), categories the few words that hardly occur, kinds the few values that do not parse. The proposal is
deterministic, says why in each column's note, and is meant to be read by a person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches

import polars as pl

from stockade.data import facts
from stockade.data import target as targets
from stockade.data.facts import Facts
from stockade.data.order import in_time_order
from stockade.data.raw import raw_table, tidied
from stockade.errors import ColumnError, TargetError
from stockade.schema.column import ROW, Column, Kind, Role, Schema
from stockade.types.scorecard import Task


@dataclass(frozen=True, slots=True)
class Hints:
    """What the user says about columns; each name must be a column of the table.

    Attributes:
        identifiers: Columns that name a row, never features.
        time: The column rows are ordered by, empty to look for one.
        group: The column whose equal values share a fold.
        sensitive: Columns fairness is reported by.
        exclude: Columns no model may see.
        task: What is predicted, ``None`` to tell from the target.
    """

    identifiers: tuple[str, ...] = ()
    time: str = ""
    group: str = ""
    sensitive: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    task: Task | None = None


def infer(table: pl.DataFrame, target: str, hints: Hints | None = None) -> Schema:
    """Propose the schema of a raw table.

    Raises:
        stockade.errors.TargetError: the target is absent, all null, constant, or nothing that can be predicted.
        stockade.errors.TooFewRowsError: fewer than 20 rows have a target.
        stockade.errors.ColumnError: a hint names no column, or two hints contradict each other.
    """
    hints = hints or Hints()
    tidy = tidied(raw_table(table))
    names = [name for name in tidy.columns if name != ROW]
    _check_names(names, target, hints)
    rows = tidy.filter(~pl.all_horizontal(pl.col(name).is_null() for name in names))
    columns = [facts.gather(rows[name]) for name in names if name != target]
    target_column, task = targets.propose(facts.gather(rows[target]), hints.task)
    proposed = {item.name: _column(item, hints) for item in columns}
    proposed[target] = target_column
    time = hints.time or in_time_order(rows, list(proposed.values()))
    if time:
        proposed[time] = _as_time(proposed[time], hinted=bool(hints.time))
    if not any(column.role is Role.FEATURE for column in proposed.values()):
        raise _nothing_left(list(proposed.values()))
    ordered = (proposed[name] for name in names)
    return Schema(tuple(replace(column, sensitive=column.name in hints.sensitive) for column in ordered), target, task)


def describe(table: pl.DataFrame) -> Schema:
    """Propose the schema of a table of which nothing is to be learnt: kinds, bounds and words of all columns."""
    tidy = tidied(raw_table(table))
    return Schema(tuple(facts.propose(facts.gather(tidy[name])) for name in tidy.columns if name != ROW))


def task_of(schema: Schema) -> Task:
    """What is predicted.

    Raises:
        stockade.errors.TargetError: the schema has no target.
    """
    if schema.task is None:
        raise TargetError("the schema names no target", remedy="add target, task and a column of role target to it")
    return schema.task


def _check_names(names: list[str], target: str, hints: Hints) -> None:
    if target not in names:
        close = get_close_matches(target, names, n=1, cutoff=0.5)
        listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        remedy = f"did you mean {close[0]!r}?" if close else f"name one of: {listed}"
        raise TargetError(f"there is no column {target!r} to predict", remedy=remedy)
    single = {"time": (hints.time,), "group": (hints.group,)}
    several = {"identifiers": hints.identifiers, "sensitive": hints.sensitive, "exclude": hints.exclude}
    for key, named in {**single, **several}.items():
        for name in filter(None, named):
            if name not in names:
                close = get_close_matches(name, names, n=1, cutoff=0.5)
                remedy = f"did you mean {close[0]!r}?" if close else f"remove it from {key}"
                raise ColumnError(f"{key} names {name!r}, which is no column", where=f"data.{key}", remedy=remedy)
            if name == target and key != "sensitive":
                raise ColumnError(f"{key} names the target {name!r}", where=f"data.{key}", remedy="remove it there")
    if hints.time and hints.time == hints.group:
        raise ColumnError(f"time and group both name {hints.time!r}", where="data.group", remedy="name one of them")


def _column(item: Facts, hints: Hints) -> Column:
    column = facts.propose(item)
    if item.name in hints.exclude:
        return replace(column, role=Role.EXCLUDED, note="excluded by the configuration")
    # Before the identifiers: what groups rows must live until the folds are dealt, and is no feature either.
    if item.name == hints.group:
        return replace(column, role=Role.GROUP, note="equal values share a fold")
    if item.name in hints.identifiers:
        return replace(column, role=Role.IDENTIFIER, note="named as an identifier by the configuration")
    return column


def _nothing_left(columns: list[Column]) -> ColumnError:
    others = [column for column in columns if column.role is not Role.TARGET]
    reasons = [
        f"{column.name} is {column.role.value}" + (f" ({column.note})" if column.note else "") for column in others
    ]
    more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    message = f"no column is left to learn from: {'; '.join(reasons[:3]) or 'there is only the target'}{more}"
    return ColumnError(message, remedy="bring columns that describe the rows by numbers or by words that repeat")


def _as_time(column: Column, *, hinted: bool) -> Column:
    if column.kind not in (Kind.TIMESTAMP, Kind.INTEGER, Kind.REAL):
        message = f"time names {column.name!r}, which is of kind {column.kind.value} and cannot be ordered"
        raise ColumnError(
            message, where="data.time", remedy="write dates as 2015-12-31 or times as 2015-12-31 23:59:59"
        )
    note = "named as time by the configuration" if hinted else "the only timestamp, and rows follow it"
    return replace(column, role=Role.TIME, minimum=None, maximum=None, note=note)
