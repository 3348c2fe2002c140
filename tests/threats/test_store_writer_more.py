"""The attacker writes to the store: what would hang, fill or crash whoever reads it is refused and named."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from stockade.errors import ConfigError, DigestMismatchError, MalformedError, MissingEvidenceError, StockadeError
from stockade.policy.policy import Policy
from stockade.schema.toml import from_toml
from stockade.store.blobs import FolderBlobs
from stockade.store.catalogue import SqliteCatalog
from stockade.store.tiles import FolderTiles
from stockade.types.digest import Digest
from stockade.types.ledger import Record
from stockade.workspace.config import parse

_LEAVES = """CREATE VIEW leaves AS WITH RECURSIVE c(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM c)
SELECT x AS place, zeroblob(100000) AS data, '' AS envelope FROM c"""
_RECORDS = """CREATE VIEW records AS WITH RECURSIVE c(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM c)
SELECT x AS id, 'run' AS kind, 'k' AS key, '' AS envelope, '{}' AS fields FROM c"""


def _catalogue(folder: Path) -> Path:
    path = folder / "catalogue.sqlite"
    catalogue = SqliteCatalog(path)
    catalogue.commit([Record("run", "r1", Digest.of(b"envelope"), {})], [b"envelope"], [b"leaf"])
    catalogue.close()
    return path


@pytest.mark.parametrize(
    "statements",
    [
        (
            "ALTER TABLE leaves RENAME TO before",
            _LEAVES,
        ),
        (
            "ALTER TABLE records RENAME TO before",
            _RECORDS,
        ),
        ("CREATE TRIGGER t AFTER INSERT ON records BEGIN DELETE FROM records; END",),
        ("CREATE INDEX more ON records (fields)",),
        ("DROP INDEX records_key",),
        ("CREATE TABLE more (x)",),
    ],
    ids=["endless leaves", "endless records", "trigger", "index", "no index", "table"],
)
def test_altered_tables_are_refused(tmp_path: Path, statements: tuple[str, ...]) -> None:
    """A view that never ends, a trigger that undoes what is written, and any other table are refused on opening."""
    path = _catalogue(tmp_path)
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)
    for read_only in (True, False):
        with pytest.raises(MalformedError, match="tables of the catalogue were altered"):
            SqliteCatalog(path, read_only=read_only)


@pytest.mark.parametrize("ending", ["", "-wal", "-journal", "-shm"])
def test_pipes_and_links_beside_the_catalogue(tmp_path: Path, ending: str) -> None:
    """A pipe or a link in the place of one of SQLite's files is refused, and nobody waits for it."""
    path = _catalogue(tmp_path)
    file = path.with_name(path.name + ending)
    for make in (os.mkfifo, lambda place: place.symlink_to("/etc/passwd")):
        file.unlink(missing_ok=True)
        make(file)
        for read_only in (True, False):
            with pytest.raises((MalformedError, MissingEvidenceError)):
                SqliteCatalog(path, read_only=read_only)


def _sparse(path: Path) -> None:
    path.unlink(missing_ok=True)
    with path.open("wb") as stream:
        stream.truncate(1 << 40)


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _endless_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


@pytest.mark.parametrize("change", [_sparse, _fifo, _endless_link, _loop])
def test_blobs_without_end_are_refused(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """A terabyte of nothing, a pipe, a device and a link to itself in a blob's place are refused at once."""
    blobs = FolderBlobs(tmp_path)
    digest = blobs.put(b"model")
    change(tmp_path / digest.hex[:2] / digest.hex)
    for read in (blobs.get, blobs.open):
        with pytest.raises((DigestMismatchError, MissingEvidenceError)):
            read(digest)


@pytest.mark.parametrize("change", [_sparse, _fifo, _endless_link, _loop])
def test_log_resources_without_end_are_refused(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """The same for tiles and the checkpoint."""
    tiles = FolderTiles(tmp_path)
    tiles.write("checkpoint", b"note")
    change(tmp_path / "checkpoint")
    with pytest.raises((MalformedError, MissingEvidenceError)):
        tiles.read("checkpoint")


@pytest.mark.parametrize("column", ["fields", "key", "kind", "envelope"])
@pytest.mark.parametrize("value", ["CAST(x'ff80' AS TEXT)", "'[[[[' || hex(zeroblob(100000))", "'" + "1" * 5000 + "'"])
def test_text_that_is_none(tmp_path: Path, column: str, value: str) -> None:
    """Bytes that are no UTF-8, nesting and immense numbers in a row end in an error with a code, or find nothing."""
    path = _catalogue(tmp_path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"UPDATE records SET {column} = {value}")  # noqa: S608 - words of this file
    catalogue = SqliteCatalog(path, read_only=True)
    with closing(catalogue), suppress(StockadeError):
        assert catalogue.find("run") == [] or column == "key"


@pytest.mark.parametrize("name", ["stockade.toml", "schema.toml", "policy.toml"])
def test_toml_that_nests_without_end(name: str) -> None:
    """A file of nothing but brackets is an error of configuration, not a crash."""
    readers: dict[str, Callable[[str], object]] = {
        "stockade.toml": lambda text: parse(text, Path(name)),
        "schema.toml": lambda text: from_toml(text, name),
        "policy.toml": Policy.compile,
    }
    with pytest.raises(ConfigError, match="too deep"):
        readers[name]("a = " + "[" * 100_000)
