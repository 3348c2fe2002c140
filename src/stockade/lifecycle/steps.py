"""The standard steps: plain functions of typed inputs and parameters, run one by one in the sandbox.

Each glues a workshop (`data`, `train`, `assess`) to the artifacts of the graph: tables travel as Parquet, records as
JSON, the schema as the TOML text that its owner reads. A step knows no key, no store and no path but its inputs.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from stockade.errors import ColumnError
from stockade.schema.column import Role, Schema
from stockade.schema.toml import from_toml, to_toml
from stockade.types.digest import Digest
from stockade.types.record import to_plain
from stockade.types.results import Results
from stockade.types.scorecard import Leaderboard, Scorecard
from stockade.types.table import Profile, Rejection

SCHEMA_FILE = "schema.toml"

_SHOWN_REJECTIONS = 1_000


class Ingested(NamedTuple):
    """What the source held: its rows, the lines that are no records, and why."""

    raw: pl.DataFrame
    damaged: pl.DataFrame
    unreadable: pl.DataFrame


def ingest(source: Path, *, where: str = "", suffix: str = "") -> Ingested:
    """Read the source file; `where` is a SQL condition that rows must meet, `suffix` the file's own extension."""
    from stockade.data.source import read

    found = read(source) if not suffix else read(_named(source, suffix))
    table = found.table
    if where:
        try:
            table = table.filter(pl.sql_expr(where))
        except pl.exceptions.PolarsError as error:
            raise ColumnError(f"the condition {where!r} cannot be used: {error}", where="[data] where") from error
    return Ingested(table, found.damaged, found.rejections)


def infer(
    raw: pl.DataFrame,
    *,
    target: str,
    identifiers: tuple[str, ...] = (),
    time: str = "",
    group: str = "",
    sensitive: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
) -> str:
    """Propose the schema as TOML text."""
    from stockade.data.infer import Hints
    from stockade.data.infer import infer as propose

    hints = Hints(identifiers=identifiers, time=time, group=group, sensitive=sensitive, exclude=exclude)
    return to_toml(propose(raw, target, hints))


class Validated(NamedTuple):
    """Rows that satisfy the schema, rows that do not, all reasons, and the first of them for people to read."""

    valid: pl.DataFrame
    quarantine: pl.DataFrame
    reasons: pl.DataFrame
    rejections: tuple[Rejection, ...]
    profile: Profile
    validation: Results


def validate(raw: pl.DataFrame, damaged: pl.DataFrame, unreadable: pl.DataFrame, schema: str) -> Validated:
    """Hold every row against the schema; rows that fail are set aside, none is dropped."""
    from stockade.data.profile import profile
    from stockade.data.rejection import rejections_of
    from stockade.data.source import Source
    from stockade.data.validate import validate_source

    columns = _schema(schema)
    found = validate_source(Source(raw, damaged, unreadable), columns)
    summary = profile(found.valid, columns)
    shown = rejections_of(found.rejections.head(_SHOWN_REJECTIONS))
    return Validated(found.valid, found.quarantine, found.rejections, shown, summary, found.results)


class Audited(NamedTuple):
    """Rows that look wrong, and what the audit found."""

    suspects: pl.DataFrame
    audit_results: Results


def audit(valid: pl.DataFrame, schema: str, *, seed: int = 0) -> Audited:
    """Search for duplicates, target leakage and label noise."""
    from stockade.data.audit import audit as examine

    found = examine(valid, _schema(schema), seed=seed)
    return Audited(found.suspects, found.results)


def clean(valid: pl.DataFrame, schema: str) -> pl.DataFrame:
    """Normalise values row by row; nothing is fitted here."""
    from stockade.data.clean import clean as normalise

    return normalise(valid, _schema(schema))


class Anonymised(NamedTuple):
    """The table without direct identifiers, and the schema that fits it."""

    anonymised: pl.DataFrame
    layout: str


def anonymise(
    cleaned: pl.DataFrame, schema: str, *, pseudonymise: tuple[str, ...] = (), key: bytes = b""
) -> Anonymised:
    """Drop identifiers, or replace those named by keyed pseudonyms."""
    from stockade.data.anonymise import anonymise as protect

    columns = _schema(schema)
    drop = [column.name for column in columns.with_role(Role.IDENTIFIER) if column.name not in pseudonymise]
    table, layout = protect(cleaned, columns, drop=drop, pseudonymise=pseudonymise, key=key)
    return Anonymised(table, to_toml(layout))


class Divided(NamedTuple):
    """Training rows with their folds, and the rows that only the assessment sees."""

    training: pl.DataFrame
    folds: pl.DataFrame
    testing: pl.DataFrame


def split(anonymised: pl.DataFrame, layout: str, *, folds: int = 5, test_share: float = 0.2, seed: int = 0) -> Divided:
    """Deal rows to folds and to the test part: equal feature rows together, groups together, time in order."""
    from stockade.data.split import split as deal
    from stockade.schema.folds import TEST

    assigned = deal(anonymised, _schema(layout), folds=folds, test_share=test_share, seed=seed)
    return Divided(
        anonymised.filter(assigned != TEST),
        assigned.filter(assigned != TEST).to_frame(),
        anonymised.filter(assigned == TEST),
    )


class Trained(NamedTuple):
    """The exported model, who competed, and the plan that repeats it."""

    model: bytes
    leaderboard: Leaderboard
    plan: dict[str, Any]


def train(
    training: pl.DataFrame,
    folds: pl.DataFrame,
    layout: str,
    *,
    metric: str = "auto",
    trials: int = 20,
    trainers: tuple[str, ...] = ("linear", "histogram", "lightgbm", "search"),
    seed: int = 0,
) -> Trained:
    """Let the contenders compete, calibrate the best, and export it exactly."""
    from stockade.train.settings import Settings
    from stockade.train.training import train as compete

    schema = _schema(layout)
    settings = Settings(
        metric=metric,
        trials=trials,
        seed=seed,
        trainers=trainers,
        time_ordered=schema.ordered,
        threads=len(os.sched_getaffinity(0)),
    )
    found = compete(training, folds["fold"].to_numpy(), schema, settings)
    return Trained(found.model, found.leaderboard, dict(found.plan))


class Assessed(NamedTuple):
    """What the exported bytes achieve."""

    scorecard: Scorecard
    assessment: Results


def assess(
    model: bytes,
    training: pl.DataFrame,
    testing: pl.DataFrame,
    layout: str,
    *,
    metric: str = "auto",
    attacks: bool = True,
    rows: int = 500,
    queries: int = 200,
    slices: bool = True,
    seed: int = 0,
) -> Assessed:
    """Measure the exported bytes on rows that training never saw."""
    from stockade.assess.assessment import Settings
    from stockade.assess.assessment import assess as measure

    settings = Settings(metric=metric, attacks=attacks, rows=rows, queries=queries, slices=slices, seed=seed)
    return Assessed(*measure(model, training, testing, _schema(layout), settings))


class Packaged(NamedTuple):
    """What travels with the model: its card and its bill of materials."""

    card: dict[str, Any]
    card_text: str
    bom: dict[str, Any]


def package(  # noqa: PLR0917  (artifacts are bound by name)
    model: bytes,
    training: Path,
    testing: Path,
    layout: str,
    profile: Profile,
    scorecard: Scorecard,
    leaderboard: Leaderboard | None = None,
    plan: dict[str, Any] | None = None,
    *,
    name: str = "model",
    objective: str = "",
    packages: tuple[tuple[str, str], ...] = (),
) -> Packaged:
    """Write the model card and the bill of materials from what was measured."""
    from stockade.assess.bom import DataPart, bill_of_materials
    from stockade.assess.card import build_card
    from stockade.assess.card_text import to_markdown

    card = build_card(
        name,
        scorecard,
        _schema(layout),
        profile=profile,
        purpose=objective,
        leaderboard=leaderboard,
        plan=plan,
    )
    data = [
        DataPart("training", Digest.of_file(training), None, "Rows that the model was fitted on."),
        DataPart("testing", Digest.of_file(testing), scorecard.rows, "Rows that only the assessment saw."),
    ]
    bom = bill_of_materials(card, Digest.of(model), data=data, packages=packages)
    return Packaged(to_plain(card), to_markdown(card), bom)


def _schema(text: str) -> Schema:
    return from_toml(text, SCHEMA_FILE)


def _named(source: Path, suffix: str) -> Path:
    """The same file under a name with its own extension; inputs come without one."""
    link = Path(f"source{suffix}")
    if not link.exists():
        link.symlink_to(source)
    return link
