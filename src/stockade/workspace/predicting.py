"""From an alias and a file to a table of answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from stockade.data.source import read
from stockade.data.validate import validate_source
from stockade.errors import MissingEvidenceError
from stockade.evidence.predicates import RunSummary
from stockade.model.session import Model
from stockade.registry.reading import Reader
from stockade.schema.column import ROW, Role, Schema
from stockade.schema.toml import from_toml
from stockade.types.scorecard import Task
from stockade.workspace.outcomes import Answers
from stockade.workspace.rooms import write
from stockade.workspace.serving import admitted
from stockade.workspace.wiring import Workspace

_SHOWN = 10


def predict(space: Workspace, name: str, source: Path, alias: str, *, output: Path | None = None) -> Answers:
    """Answer the rows of a file; rows that break the schema which the model was trained under get none.

    Raises:
        EvidenceError, PolicyError: the version is not, or no longer, proven and admitted.
        DataError: the file cannot be read, or lacks a feature.
    """
    found, data = admitted(space, name, alias)
    model = Model(data)
    judged = validate_source(read(source), _features_of(_schema(space, name, found.version)))
    answers = _answers(model, judged.valid)
    if output:
        write(answers, output)
    head = tuple(answers.head(_SHOWN).rows())
    return Answers(answers.height, judged.quarantine.height, tuple(answers.columns), head)


def _schema(space: Workspace, name: str, version: int) -> Schema:
    """The schema that the run of a version was held against, by the digest in its signed statement."""
    run = Reader(space.ledger, name).dossier(version).run.record
    sources = {item.name: item.digest for item in run.sources} if isinstance(run, RunSummary) else {}
    if "schema" not in sources:
        raise MissingEvidenceError(
            "the run names no schema", where=f"{name} {version}", remedy="run the pipeline again"
        )
    return from_toml(space.blobs.get(sources["schema"]).decode(), "schema.toml")


def _features_of(schema: Schema) -> Schema:
    return Schema(tuple(column for column in schema.columns if column.role is Role.FEATURE))


def _answers(model: Model, table: pl.DataFrame) -> pl.DataFrame:
    """Row number, then label and one probability a class, or the predicted number."""
    rows = table[ROW].alias("row")
    values = model.predict_table(table)
    if model.signature.task is Task.REGRESSION:
        return pl.DataFrame([rows, pl.Series("prediction", values)])
    labels = pl.Series("label", [str(label) for label in model.labels(values)], dtype=pl.String)
    columns = zip(model.signature.classes, np.moveaxis(values, 1, 0), strict=True)
    return pl.DataFrame([rows, labels, *(pl.Series(f"probability {word}", column) for word, column in columns)])
