"""The catalogue: an index over signed envelopes, and the order of the log's leaves, in one SQLite file.

Nothing is believed because it stands here. A row points to an envelope by digest, and whoever decides something
verifies the envelope. The one authority of this file is sequencing: `commit` gives leaves their places in one
transaction, from which the log's tiles are derived again at will.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stockade.errors import (
    BusyError,
    DigestMismatchError,
    MalformedError,
    MissingEvidenceError,
    ServiceError,
    StorageFullError,
)
from stockade.store.durable import make_folder
from stockade.types.digest import Digest
from stockade.types.ledger import Record, Row

_VERSION = 1
_APPLICATION = 0x53544B44
_WAIT_SECONDS = 5.0
_SCHEMA = (
    "CREATE TABLE envelopes (digest TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE leaves (place INTEGER PRIMARY KEY, data BLOB NOT NULL, envelope TEXT NOT NULL) STRICT",
    "CREATE INDEX leaves_envelope ON leaves (envelope)",
    """CREATE TABLE records (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL,
       envelope TEXT NOT NULL, fields TEXT NOT NULL) STRICT""",
    "CREATE INDEX records_key ON records (kind, key)",
)
_FIND = (
    "SELECT r.kind, r.key, r.envelope, r.fields, e.data, "
    "(SELECT MIN(place) FROM leaves l WHERE l.envelope = r.envelope) "
    "FROM records r LEFT JOIN envelopes e ON e.digest = r.envelope WHERE r.kind = ?"
)


class SqliteCatalog:
    """A catalogue in one SQLite file (write-ahead log, full synchronisation).

    Safe to use from several threads; several processes take turns for up to five seconds and then get BusyError.

    Args:
        path: The file; created when absent unless `read_only`.
        read_only: Open without the right to change anything.

    Raises:
        MalformedError: the file is not a catalogue, is damaged, or is of a newer version.
        BusyError: another process held it for too long.
        MissingEvidenceError: opened read-only, and there is no such file.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._lock = threading.Lock()
        if read_only and not path.is_file():
            raise MissingEvidenceError("there is no catalogue", where=str(path), remedy="run the pipeline first")
        if not read_only:
            make_folder(path.parent)
        self._require_plain_files()
        with self._explained():
            self._connection = self._connect(read_only=read_only)
        try:
            self._prepare(read_only=read_only)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file; the object is of no use afterwards."""
        self._connection.close()

    def commit(self, records: Sequence[Record], envelopes: Sequence[bytes], leaves: Sequence[bytes]) -> range:
        """Write index entries, envelopes and their leaves in one durable transaction.

        The leaf at position i belongs to the envelope at position i. A record may also point to an envelope that was
        committed before. With nothing to write, the empty range at the end tells the size of the log.

        Returns:
            The places of the new leaves, in order.

        Raises:
            ValueError: not as many leaves as envelopes, or a record points to an unknown envelope.
            StorageFullError: the disk is full; nothing of it was written.
            BusyError: another process held the catalogue for too long.
        """
        if len(envelopes) != len(leaves):
            raise ValueError(f"{len(envelopes)} envelopes come with {len(leaves)} leaves")
        digests = [str(Digest.of(data)) for data in envelopes]
        with self._transaction() as connection:
            start = _size(connection)
            places = range(start, start + len(leaves))
            connection.executemany(
                "INSERT INTO envelopes (digest, data) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING",
                zip(digests, envelopes, strict=True),
            )
            connection.executemany(
                "INSERT INTO leaves (place, data, envelope) VALUES (?, ?, ?)", zip(places, leaves, digests, strict=True)
            )
            for record in records:
                _insert(connection, record)
        return places

    def find(self, kind: str, key: str | None = None) -> list[Row]:
        """All index entries of a kind, and of a key if one is given, oldest first.

        Raises:
            MissingEvidenceError: an entry's envelope is gone, or has no leaf in the log.
            DigestMismatchError: an envelope was altered.
            MalformedError: an entry cannot be read.
        """
        statement, values = f"{_FIND} ORDER BY r.id", [kind]
        if key is not None:
            statement, values = f"{_FIND} AND r.key = ? ORDER BY r.id", [kind, key]
        with self._lock, self._explained():
            found = self._connection.execute(statement, values).fetchall()
        return [self._row(columns) for columns in found]

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """The log's entries from `start` up to `stop`, fewer where the log ends before.

        Raises:
            MalformedError: a leaf in between is gone.
        """
        with self._lock, self._explained():
            found = self._connection.execute(
                "SELECT place, data FROM leaves WHERE place >= ? AND place < ? ORDER BY place", (start, stop)
            ).fetchall()
        for expected, (place, _) in enumerate(found, start):
            if place != expected:
                raise MalformedError(f"the log's entry {expected} is gone", where=str(self._path), remedy=_RESTORE)
        return [bytes(data) for _, data in found]

    def envelope(self, digest: Digest) -> bytes | None:
        """An envelope's bytes, ``None`` where there is none of that digest.

        Raises:
            DigestMismatchError: the envelope was altered.
        """
        with self._lock, self._explained():
            found = self._connection.execute("SELECT data FROM envelopes WHERE digest = ?", (str(digest),)).fetchone()
        return None if found is None else self._verified(found[0], digest)

    def _connect(self, *, read_only: bool) -> sqlite3.Connection:
        mode = "ro" if read_only else "rwc"
        address = f"{self._path.absolute().as_uri()}?mode={mode}"
        options = {"timeout": _WAIT_SECONDS, "isolation_level": None, "check_same_thread": False, "uri": True}
        connection = sqlite3.connect(address, **options)  # type: ignore[call-overload]
        if not read_only:
            return connection  # type: ignore[no-any-return]
        try:
            connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
        except sqlite3.OperationalError:
            # A read-only folder cannot take the shared-memory file that SQLite wants; without a write-ahead log
            # beside it the file is at rest, and may be read as it is.
            connection.close()
            if self._path.with_name(f"{self._path.name}-wal").exists():
                raise
            connection = sqlite3.connect(f"{address}&immutable=1", **options)  # type: ignore[call-overload]
        return connection  # type: ignore[no-any-return]

    def _prepare(self, *, read_only: bool) -> None:
        with self._explained():
            if not read_only:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA trusted_schema = OFF")
        if not read_only:
            with self._transaction() as connection:
                if not connection.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()[0]:
                    for statement in _SCHEMA:
                        connection.execute(statement)
                    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                    connection.execute(f"PRAGMA user_version = {_VERSION}")
        with self._explained():
            application = self._connection.execute("PRAGMA application_id").fetchone()[0]
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if application != _APPLICATION or version != _VERSION:
            raise MalformedError(
                f"this is not a catalogue of version {_VERSION}",
                where=str(self._path),
                remedy="name the catalogue that this version of Stockade made, or update Stockade",
            )
        self._require_own_tables()

    def _require_plain_files(self) -> None:
        """Refuse a pipe or link in a file's place: SQLite would wait for the one for ever, and follow the other."""
        for ending in ("", "-wal", "-journal", "-shm"):
            file = self._path.with_name(self._path.name + ending)
            if os.path.lexists(file) and not stat.S_ISREG(file.lstat().st_mode):
                raise MalformedError("it is not a regular file", where=str(file), remedy=_RESTORE)

    def _require_own_tables(self) -> None:
        """Refuse a view in a table's place, which can run for ever, and a trigger, which acts on what is written."""
        with self._explained():
            found = self._connection.execute(
                "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL LIMIT ?", (len(_SCHEMA) + 1,)
            ).fetchall()
        if sorted(text for (text,) in found) != sorted(_SCHEMA):
            raise MalformedError("the tables of the catalogue were altered", where=str(self._path), remedy=_RESTORE)

    def _row(self, columns: tuple[str, str, str, str, bytes | None, int | None]) -> Row:
        kind, key, envelope, fields, data, leaf = columns
        digest, values = self._parsed(envelope, fields)
        if data is None or leaf is None:
            raise MissingEvidenceError(
                f"the envelope {digest} of the {kind} {key!r} is {'gone' if data is None else 'not in the log'}",
                where=str(self._path),
                remedy=_RESTORE,
            )
        return Row(Record(kind, key, digest, values), self._verified(data, digest), leaf)

    def _parsed(self, envelope: str, fields: str) -> tuple[Digest, dict[str, str]]:
        try:
            digest, values = Digest.parse(envelope), json.loads(fields)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise MalformedError("an index entry was altered", where=str(self._path), remedy=_RESTORE)
        return digest, values

    def _verified(self, data: bytes, digest: Digest) -> bytes:
        if Digest.of(data) != digest:
            raise DigestMismatchError(f"the envelope {digest} was altered", where=str(self._path), remedy=_RESTORE)
        return data

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _translated(error, self._path) from error


_LEAST_ROOM = 1 << 16
_RESTORE = "the catalogue was altered or damaged; restore it from a copy, or start a new workspace and run again"


def _size(connection: sqlite3.Connection) -> int:
    size: int = connection.execute("SELECT COALESCE(MAX(place) + 1, 0) FROM leaves").fetchone()[0]
    return size


def _insert(connection: sqlite3.Connection, record: Record) -> None:
    known = connection.execute("SELECT 1 FROM envelopes WHERE digest = ?", (str(record.envelope),)).fetchone()
    if known is None:
        raise ValueError(f"the {record.kind} {record.key!r} points to an envelope that was never committed")
    fields = json.dumps(dict(record.fields), ensure_ascii=False, sort_keys=True)
    connection.execute(
        "INSERT INTO records (kind, key, envelope, fields) VALUES (?, ?, ?, ?)",
        (record.kind, record.key, str(record.envelope), fields),
    )


def _has_no_room(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _LEAST_ROOM
    except OSError:
        return False


def _translated(error: sqlite3.Error, path: Path) -> Exception:
    # The low byte is the primary result code; the rest says where inside SQLite it arose.
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    where = str(path)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BusyError("another process is writing to it", where=where, remedy="run the same command again")
    # A disk without room for SQLite's journal shows as an error of input and output.
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _has_no_room(path)):
        return StorageFullError("no space is left to write it", where=where, remedy="free some space and run again")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT):
        return MalformedError(f"the catalogue cannot be read: {error}", where=where, remedy=_RESTORE)
    return ServiceError(f"the catalogue cannot be used: {error}", where=where, remedy="check the disk and permissions")
