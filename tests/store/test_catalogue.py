"""The catalogue: one transaction, ordered leaves, rows that cannot be edited unseen."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from stockade.errors import (
    BusyError,
    DigestMismatchError,
    MalformedError,
    MissingEvidenceError,
    ServiceError,
    StorageFullError,
)
from stockade.store import catalogue
from stockade.store.catalogue import SqliteCatalog
from stockade.types.digest import Digest
from stockade.types.ledger import Record


@pytest.fixture
def path(tmp_path):
    return tmp_path / "catalogue.db"


@pytest.fixture
def catalog(path):
    opened = SqliteCatalog(path)
    yield opened
    opened.close()


def record(envelope: bytes, kind: str = "run", key: str = "r1", **fields: str) -> Record:
    return Record(kind, key, Digest.of(envelope), fields)


def edit(path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement, values)
    connection.close()


def test_what_is_committed_is_found_in_order(catalog):
    """Entries come back oldest first with their envelope and the place of its leaf."""
    assert catalog.commit([record(b"one", note="ä")], [b"one"], [b"leaf one"]) == range(1)
    assert catalog.commit([record(b"two"), record(b"one", "step")], [b"two"], [b"leaf two"]) == range(1, 2)
    rows = catalog.find("run", "r1")
    assert [(row.envelope, row.leaf) for row in rows] == [(b"one", 0), (b"two", 1)]
    assert rows[0].record.fields == {"note": "ä"}
    assert [row.leaf for row in catalog.find("step")] == [0]
    assert catalog.find("run", "r2") == []
    assert catalog.leaves(0, 99) == [b"leaf one", b"leaf two"]
    assert catalog.leaves(1, 2) == [b"leaf two"]
    assert catalog.envelope(Digest.of(b"two")) == b"two"
    assert catalog.envelope(Digest.of(b"three")) is None


def test_an_empty_commit_tells_the_size(catalog):
    """Committing nothing returns the empty range at the end of the log."""
    catalog.commit([], [b"one"], [b"leaf"])
    assert catalog.commit((), (), ()) == range(1, 1)


def test_a_failed_commit_leaves_nothing(catalog):
    """A transaction that cannot be finished leaves neither rows, nor envelopes, nor leaves."""
    with pytest.raises(ValueError, match="never committed"):
        catalog.commit([record(b"one"), record(b"unknown")], [b"one"], [b"leaf"])
    assert catalog.find("run") == []
    assert catalog.leaves(0, 9) == []
    assert catalog.envelope(Digest.of(b"one")) is None
    with pytest.raises(ValueError, match="leaves"):
        catalog.commit([], [b"one"], [])


def test_it_survives_reopening(path):
    """What was committed is there for the next process, also one that may only read."""
    writer = SqliteCatalog(path)
    writer.commit([record(b"one")], [b"one"], [b"leaf"])
    reader = SqliteCatalog(path, read_only=True)
    assert len(reader.find("run")) == 1
    with pytest.raises(ServiceError):
        reader.commit([], [b"two"], [b"leaf"])
    writer.close()
    reader.close()


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("UPDATE envelopes SET data = x'00'", DigestMismatchError),
        ("DELETE FROM envelopes", MissingEvidenceError),
        ("DELETE FROM leaves", MissingEvidenceError),
        ("UPDATE records SET envelope = 'sha256:00'", MalformedError),
        ("UPDATE records SET fields = '[1'", MalformedError),
        ("UPDATE records SET fields = '{\"a\": 1}'", MalformedError),
        ("DROP TABLE records", MalformedError),
    ],
)
def test_edited_rows_show(path, catalog, statement, error):
    """Editing or deleting what stands behind an entry is an error when the entry is read, not a silent change."""
    catalog.commit([record(b"one")], [b"one"], [b"leaf"])
    edit(path, statement)
    with pytest.raises(error) as caught:
        catalog.find("run")
    assert str(path) in caught.value.where
    assert caught.value.remedy


def test_a_gap_in_the_log_shows(path, catalog):
    """A leaf deleted from the middle is named when the leaves are read."""
    catalog.commit([], [b"one", b"two", b"three"], [b"1", b"2", b"3"])
    edit(path, "DELETE FROM leaves WHERE place = 1")
    with pytest.raises(MalformedError, match="entry 1 is gone"):
        catalog.leaves(0, 3)


def test_other_files_are_refused(path):
    """A text file, another program's database and a newer version are refused and not touched."""
    path.write_text("not a database, but long enough to look at " * 30)
    before = path.read_bytes()
    with pytest.raises(MalformedError):
        SqliteCatalog(path)
    assert path.read_bytes() == before
    path.unlink()
    edit(path, "CREATE TABLE other (x)")
    with pytest.raises(MalformedError, match="version"):
        SqliteCatalog(path)
    path.unlink()
    SqliteCatalog(path).close()
    edit(path, "PRAGMA user_version = 2")
    with pytest.raises(MalformedError, match="version"):
        SqliteCatalog(path, read_only=True)


def test_an_absent_catalogue_is_not_made_by_reading(path):
    """Opening read-only what does not exist is an error and creates nothing."""
    with pytest.raises(MissingEvidenceError):
        SqliteCatalog(path, read_only=True)
    assert not path.exists()


def test_a_second_writer_waits_then_says_busy(path, catalog, monkeypatch):
    """While another process holds the catalogue, a commit raises BusyError and changes nothing."""
    monkeypatch.setattr(catalogue, "_WAIT_SECONDS", 0.05)
    second = SqliteCatalog(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BusyError):
        second.commit([], [b"one"], [b"leaf"])
    other.execute("ROLLBACK")
    other.close()
    assert second.commit([], [b"one"], [b"leaf"]) == range(1)
    second.close()


def test_a_full_disk_leaves_the_catalogue_as_it_was(path, catalog):
    """A commit that does not fit raises StorageFullError, and the next one that fits works."""
    pages = catalog._connection.execute("PRAGMA page_count").fetchone()[0]
    catalog._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StorageFullError):
        catalog.commit([], [b"x" * 100_000], [b"leaf"])
    assert catalog.commit([], [b"one"], [b"leaf"]) == range(1)


def test_threads_get_distinct_places(catalog):
    """Commits from several threads never share a place in the log."""
    places: list[int] = []

    def work(name: int) -> None:
        for index in range(10):
            places.extend(catalog.commit([], [f"{name}-{index}".encode()], [b"leaf"]))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(places) == list(range(30))
