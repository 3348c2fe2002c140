"""Hold every row of a table against a schema, in one fused pass, and set aside the rows that fail.

    outcome = validate(source.table, schema)
    outcome.valid        # typed rows, every column of the schema, "#row" first
    outcome.rejections   # row, column, value, rule, reason: every constraint that a row fails
    outcome.quarantine   # the rejected rows as they were

A row's verdict depends on that row and the schema alone.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from stockade.data.raw import OWN, raw_table, tidy
from stockade.data.rejection import VALUE_LENGTH, rejection_table
from stockade.data.typed import DTYPES, typed
from stockade.errors import ColumnError, TooFewRowsError
from stockade.schema.column import ROW, Column, Kind, Role, Schema
from stockade.schema.constraint import Constraint, Rule, constraints_of
from stockade.types.results import Figure, Finding, Results, Severity
from stockade.types.table import Rejection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stockade.data.source import Source

_RAW = f"{OWN}raw:"
_FAILS = f"{OWN}fails"
_EMPTY = f"{OWN}empty"
_NOTED_SHARES = ((0.2, Severity.HIGH), (0.05, Severity.MEDIUM), (0.0, Severity.LOW))


class Validation(NamedTuple):
    """What validation found.

    Attributes:
        valid: Rows that fail nothing: ``#row`` and every column of the schema, typed.
        rejections: One line for each failed constraint, by row; columns ``row column value rule reason``.
        quarantine: The rejected rows as they were in the source.
        results: Figures ``rows`` and ``rejected_share``; a finding for each constraint that rows fail.
    """

    valid: pl.DataFrame
    rejections: pl.DataFrame
    quarantine: pl.DataFrame
    results: Results


def validate_source(source: Source, schema: Schema) -> Validation:
    """Validate what a file held; lines that are no records are rejected with the rest. See `validate`."""
    outcome = validate(source.table, schema)
    if source.rejections.is_empty():
        return outcome
    rejections = pl.concat([source.rejections, outcome.rejections]).sort("row", maintain_order=True)
    quarantine = pl.concat([outcome.quarantine, source.damaged], how="diagonal").sort(ROW)
    rows = source.table.height + source.damaged.height
    return Validation(outcome.valid, rejections, quarantine, _results(rows, quarantine.height, rejections, schema))


def validate(table: pl.DataFrame, schema: Schema) -> Validation:
    """Validate a table; columns that the schema does not know are left out.

    Raises:
        stockade.errors.ColumnError: the table lacks a column that the schema checks or orders by.
        stockade.errors.TooFewRowsError: no row is valid.
    """
    raw = raw_table(table)
    _require(raw, schema)
    present = [name for name in schema.names if name in raw.columns]
    constraints = constraints_of(schema)
    failing = {index: _fails(constraint) for index, constraint in enumerate(constraints)}
    judged = (
        raw.lazy()
        .select(ROW, *(tidy(name, raw.schema[name]).alias(_RAW + name) for name in present))
        .with_columns(_typed(column, raw) for column in schema.columns)
        .with_columns(
            pl.all_horizontal(pl.col(_RAW + name).is_null() for name in present).alias(_EMPTY),
            pl.any_horizontal(pl.lit(value=False), *failing.values()).alias(_FAILS),
        )
        .collect()
    )
    failed = pl.col(_FAILS) | pl.col(_EMPTY)
    valid = judged.filter(~failed).select(ROW, *schema.names)
    bad = judged.filter(failed).with_columns(failing[index].alias(f"{OWN}{index}") for index in failing)
    rejections = rejection_table(_rejections(bad, constraints, raw))
    quarantine = raw.filter(judged[_FAILS] | judged[_EMPTY])
    results = _results(raw.height, quarantine.height, rejections, schema)
    if valid.is_empty():
        worst = f": {results.findings[0].message}" if results.findings else ""
        raise TooFewRowsError(f"no row of {raw.height} is valid{worst}", remedy="correct the schema or the source")
    return Validation(valid, rejections, quarantine, results)


def _require(raw: pl.DataFrame, schema: Schema) -> None:
    needed = (Role.FEATURE, Role.TARGET, Role.TIME, Role.GROUP)
    for column in schema.columns:
        if column.role in needed and column.name not in raw.columns:
            close = get_close_matches(column.name, raw.columns, n=1)
            remedy = (
                f"the table has {close[0]!r}: rename one of the two" if close else "correct the schema or the source"
            )
            raise ColumnError(f"the table has no column {column.name!r}, which the schema names", remedy=remedy)


def _typed(column: Column, raw: pl.DataFrame) -> pl.Expr:
    if column.name not in raw.columns:
        return pl.lit(None, DTYPES[column.kind]).alias(column.name)
    return typed(column, _RAW + column.name, raw.schema[column.name]).cast(DTYPES[column.kind]).alias(column.name)


def _fails(constraint: Constraint) -> pl.Expr:
    """Whether a row fails; never null."""
    column = constraint.column
    raw, value = pl.col(_RAW + column.name), pl.col(column.name)
    match constraint.rule:
        case Rule.MISSING | Rule.TARGET:
            return raw.is_null()
        case Rule.TYPE:
            return raw.is_not_null() & value.is_null()
        case Rule.INFINITE:
            return value.is_infinite().fill_null(value=False)
        case Rule.CATEGORY:
            return ~value.is_in(list(column.categories)).fill_null(value=True)
        case _:
            low = value < column.minimum if column.minimum is not None else pl.lit(value=False)
            high = value > column.maximum if column.maximum is not None else pl.lit(value=False)
            finite = value.is_finite() if column.kind is Kind.REAL else pl.lit(value=True)
            return ((low | high) & finite).fill_null(value=False)


def _rejections(bad: pl.DataFrame, constraints: tuple[Constraint, ...], raw: pl.DataFrame) -> Iterable[Rejection]:
    numbers = bad[ROW].to_list()
    empty = bad[_EMPTY].to_list()
    found: list[tuple[int, int, Rejection]] = []
    reason = "no column of the row has a value"
    found += [
        (row, -1, Rejection(row, "", "", Rule.EMPTY.value, reason))
        for row, is_empty in zip(numbers, empty, strict=True)
        if is_empty
    ]
    originals = raw.filter(pl.col(ROW).is_in(numbers)) if numbers else raw.head(0)
    for index, constraint in enumerate(constraints):
        for position in bad[f"{OWN}{index}"].arg_true():
            if not empty[position]:
                name = constraint.column.name
                value = _shown(originals[name][position])
                row = numbers[position]
                found.append((row, index, Rejection(row, name, value, constraint.rule.value, constraint.reason(value))))
    return (rejection for _, _, rejection in sorted(found, key=lambda item: item[:2]))


def _shown(value: object) -> str:
    return "" if value is None else str(value)[:VALUE_LENGTH]


def _results(rows: int, rejected: int, rejections: pl.DataFrame, schema: Schema) -> Results:
    share = rejected / rows if rows else 0.0
    figures = (Figure("rows", float(rows), count=rows), Figure("rejected_share", share, count=rows))
    counts = rejections.group_by("rule", "column").agg(pl.len().alias("count"), pl.col("reason").first())
    ordered = counts.sort("count", "rule", "column", descending=[True, False, False])
    findings = tuple(_finding(*row, rows=rows) for row in ordered.iter_rows())
    checks = [constraint.id for constraint in constraints_of(schema)]
    return Results(figures, findings, (*checks, Rule.EMPTY.value, Rule.RAGGED.value, Rule.MALFORMED.value))


def _finding(rule: str, column: str, count: int, reason: str, *, rows: int) -> Finding:
    share = count / rows
    return Finding(
        rule=f"validate.{rule}",
        subject=f"column {column}" if column else "rows",
        message=f"{count:,} of {rows:,} rows set aside: {reason}",
        severity=next(severity for least, severity in _NOTED_SHARES if share > least),
        measure="rejected_share",
        value=share,
        technique=("AML.T0031", "ML08"),
        remedy="look at the quarantined rows; correct the source, or the schema where they are right",
    )
