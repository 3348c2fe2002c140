"""Each data room alone, on any file, with no project: what ``stockade data`` offers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stockade.types.results import Results
from stockade.types.table import Profile, Rejection

if TYPE_CHECKING:
    import polars as pl

    from stockade.schema.column import Schema


@dataclass(frozen=True, slots=True)
class Judged:
    """What validating a file found.

    Attributes:
        rows: Rows in the file.
        valid: Rows that satisfy the schema.
        rejections: Every failed constraint.
        results: Figures and findings.
    """

    rows: int
    valid: int
    rejections: tuple[Rejection, ...]
    results: Results


def profile(path: Path, schema: Path | None = None) -> Profile:
    """Describe the columns of a file; without a schema one is proposed on the fly."""
    from stockade.data.profile import profile as describe

    table, columns = _read(path, schema, target="")
    return describe(table, columns)


def propose(path: Path, target: str) -> str:
    """The schema proposed for a file, as TOML text."""
    from stockade.schema.toml import to_toml

    return to_toml(_read(path, None, target=target)[1])


def validate(path: Path, schema: Path | None, target: str, output: Path | None, quarantine: Path | None) -> Judged:
    """Hold a file against a schema; write the valid rows, the quarantined rows, or both."""
    from stockade.data.rejection import rejections_of
    from stockade.data.source import read
    from stockade.data.validate import validate_source

    source = read(path)
    found = validate_source(source, _schema(source.table, schema, target))
    if output:
        write(found.valid.drop("#row"), output)
    if quarantine:
        write(found.quarantine, quarantine)
    rows = source.table.height + source.damaged.height
    return Judged(rows, found.valid.height, rejections_of(found.rejections), found.results)


def audit(path: Path, schema: Path | None, target: str) -> Results:
    """Search the valid rows of a file for duplicates, leakage and label noise."""
    from stockade.data.audit import audit as examine

    table, columns = _valid(path, schema, target)
    return examine(table, columns).results


def clean(path: Path, schema: Path | None, target: str, output: Path) -> int:
    """Write the valid rows of a file with normalised values; returns how many."""
    from stockade.data.clean import clean as normalise

    table, columns = _valid(path, schema, target)
    write(normalise(table, columns).drop("#row"), output)
    return table.height


def anonymise(path: Path, output: Path, *, drop: tuple[str, ...], pseudonymise: tuple[str, ...], key: bytes) -> int:
    """Write a file without the columns in `drop` and with keyed pseudonyms in place of others; returns the rows."""
    from stockade.data.anonymise import anonymise as protect

    table, columns = _read(path, None, target="")
    protected, _ = protect(table, columns, drop=drop, pseudonymise=pseudonymise, key=key)
    write(protected.drop("#row"), output)
    return protected.height


def write(table: pl.DataFrame, path: Path) -> None:
    """Write a table as CSV, Parquet or JSON Lines by its suffix, whole or not at all.

    Raises:
        ConfigError: the suffix is none of these.
    """
    import io

    from stockade.errors import ConfigError
    from stockade.store.durable import write_atomically

    buffer = io.BytesIO()
    if path.suffix == ".csv":
        table.write_csv(buffer)
    elif path.suffix == ".parquet":
        table.write_parquet(buffer)
    elif path.suffix in (".jsonl", ".ndjson"):
        table.write_ndjson(buffer)
    else:
        raise ConfigError(f"cannot tell the format of {path.name!r}", remedy="end its name in .csv, .parquet or .jsonl")
    write_atomically(path, buffer.getvalue(), mode=0o644)


def _valid(path: Path, schema: Path | None, target: str) -> tuple[pl.DataFrame, Schema]:
    from stockade.data.source import read
    from stockade.data.validate import validate_source

    source = read(path)
    columns = _schema(source.table, schema, target)
    return validate_source(source, columns).valid, columns


def _read(path: Path, schema: Path | None, target: str) -> tuple[pl.DataFrame, Schema]:
    from stockade.data.source import read

    table = read(path).table
    return table, _schema(table, schema, target)


def _schema(table: pl.DataFrame, schema: Path | None, target: str) -> Schema:
    from stockade.data.infer import describe, infer
    from stockade.workspace.files import schema_file

    if schema is not None:
        return schema_file(schema)
    return infer(table, target) if target else describe(table)
