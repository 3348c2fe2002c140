"""The request log: append-only files of JSON lines, each line bound to the one before by its hash.

Every line has ``seq`` and ends in ``prev``, the SHA-256 of the line before; the first line of a file is a header whose
``prev`` is the last line of the file before, so that the chain crosses files. The log is not signed: whoever owns the
server can write another one from scratch. What it gives is order and completeness against the head that an outside log
has taken in, and detection of edits in the middle. After a crash a torn last line is kept; the next file says which
complete line it follows.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

import msgspec

from stockade.errors import LogError, ServiceError
from stockade.serve.settings import Sync

GENESIS = "0" * 64
"""What the first line of the first file follows."""

_FILE = re.compile(r"requests-(\d{8})\.jsonl")
_MOST_PENDING = 1 << 18
_encode = msgspec.json.Encoder().encode


class JournalError(ServiceError):
    """The request log cannot be written, so requests are refused until it can.

    The disk is full, or the outbox folder is missing or belongs to another user.
    """

    code = "V111"


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log ends.

    Attributes:
        entries: Lines, headers included.
        hash: SHA-256 of the last line, hexadecimal.
        files: Files it is spread over.
        torn: Files that end in a line a crash cut short.
    """

    entries: int
    hash: str
    files: int
    torn: int = 0


class Journal:
    """Writes the log; one process at a time.

    Entries gather in memory and go to the file on `flush`, which the server calls every tenth of a second, or at once
    under `Sync.ALWAYS`. Only the thread of the event loop may use it.

    Args:
        folder: The outbox; it is made if absent.
        subject: Fields of every file's header: the server, the model, its digest.
        sync: When lines reach the disk.
        log_bytes: Size at which a new file is begun.
        stream: Where lines are also written.

    Raises:
        JournalError: the outbox cannot be written.
        LogError: the log that is there does not hold.
    """

    def __init__(
        self,
        folder: Path,
        subject: Mapping[str, str],
        *,
        sync: Sync = Sync.INTERVAL,
        log_bytes: int = 16_000_000,
        stream: TextIO | None = None,
    ) -> None:
        self._folder = folder
        self._subject = dict(subject)
        self._sync = sync
        self._limit = log_bytes
        self._stream = stream
        self._pending: list[bytes] = []
        self._waiting = 0
        self._unsynced = False
        self._descriptor = -1
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            files = _files(folder)
            last = files[-1] if files else None
            self._number = _number(last) if last else 0
            self._seq, self._prev = _tail(last) if last else (0, GENESIS)
            self._begin()
            self.flush()
        except OSError as error:
            raise _failure(folder, error) from error

    @property
    def prev(self) -> str:
        """Hash of the last line."""
        return self._prev

    def record(self, entry: Mapping[str, object]) -> None:
        """Append an entry.

        Args:
            entry: Plain values; ``seq`` and ``prev`` are added.

        Raises:
            JournalError: it had to be written now and could not be.
        """
        line = _encode({"seq": self._seq, **entry, "prev": self._prev})
        self._prev = hashlib.sha256(line).hexdigest()
        self._seq += 1
        self._pending.append(line)
        self._waiting += len(line)
        if self._sync is Sync.ALWAYS:
            self.flush()
            self.sync()
        elif self._waiting > _MOST_PENDING:
            self.flush()

    def flush(self) -> None:
        """Write what has gathered; begin a new file when this one is large enough.

        Raises:
            JournalError: it cannot be written; what has gathered is kept and tried again.
        """
        if not self._pending:
            return
        data = b"\n".join(self._pending) + b"\n"
        try:
            self._append(data)
        except OSError as error:
            raise _failure(self._folder, error) from error
        self._pending.clear()
        self._waiting = 0
        self._unsynced = True
        if self._stream is not None:
            # A reader that went away must not end the log.
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(data.decode())
                self._stream.flush()
        if self._size >= self._limit:
            self._rotate()

    def sync(self) -> None:
        """Bring what was written to the disk, unless the policy is never to wait for it.

        Raises:
            JournalError: the disk refuses.
        """
        if not self._unsynced or self._sync is Sync.NEVER:
            return
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise _failure(self._folder, error) from error
        self._unsynced = False

    def begin_sync(self) -> Callable[[], None] | None:
        """Give what brings the written lines to the disk, to be called in another thread; None if there is nothing to.

        Calling it raises JournalError when the disk refuses.
        """
        if not self._unsynced or self._sync is Sync.NEVER:
            return None
        self._unsynced = False
        # A copy: the file may be rotated away meanwhile.
        return partial(_sync, os.dup(self._descriptor), self._folder)

    def close(self) -> None:
        """Write and sync what is left."""
        try:
            self.flush()
            self.sync()
        finally:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, data: bytes) -> None:
        """Write all or nothing, so that a full disk leaves no half line behind."""
        written = 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError:
            os.ftruncate(self._descriptor, self._size)
            raise
        self._size += written

    def _rotate(self) -> None:
        self.sync()
        old = self._descriptor
        try:
            self._begin()
            self.flush()
        except OSError as error:
            raise _failure(self._folder, error) from error
        os.close(old)

    def _begin(self) -> None:
        path = self._folder / f"requests-{self._number + 1:08d}.jsonl"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(path, flags, stat.S_IRUSR | stat.S_IWUSR)
        self._number += 1
        self._size = 0
        self.record({"event": "file", "format": 1, "file": path.name, **self._subject})


def verify(folder: Path) -> Head:
    """Check the chain of a whole outbox.

    Returns:
        Where it ends. Compare it with a head seen earlier: a log cut short at a line's end is consistent in itself.

    Raises:
        LogError: a line was changed, removed, added or moved, or a file is missing; the message names file and line.
    """
    files = _files(folder)
    expected, prev, torn = 0, GENESIS, 0
    for position, path in enumerate(files, start=1):
        if _number(path) != position:
            raise LogError(f"file {position} of the request log is missing", where=str(folder))
        data = path.read_bytes()
        torn += not data.endswith(b"\n")
        for number, line in enumerate(_complete(data), start=1):
            seq, named = _chain_fields(line, path, number)
            if seq != expected or named != prev:
                raise LogError(
                    "the request log was altered: a line does not follow the one before", where=f"{path}:{number}"
                )
            expected, prev = expected + 1, hashlib.sha256(line).hexdigest()
    return Head(expected, prev, len(files), torn)


def _sync(descriptor: int, folder: Path) -> None:
    try:
        os.fdatasync(descriptor)
    except OSError as error:
        raise _failure(folder, error) from error
    finally:
        os.close(descriptor)


def _complete(data: bytes) -> Iterator[bytes]:
    return iter(data.split(b"\n")[:-1])


def _chain_fields(line: bytes, path: Path, number: int) -> tuple[int, str]:
    try:
        entry = json.loads(line)
        seq, prev = entry["seq"], entry["prev"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise LogError("the request log holds a line that is no entry", where=f"{path}:{number}") from error
    return seq, prev


def _tail(path: Path) -> tuple[int, str]:
    """Next sequence number and the hash to follow, from the last complete line."""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - 65_536))
        lines = list(_complete(stream.read()))
    if not lines:
        previous = path.with_name(f"requests-{_number(path) - 1:08d}.jsonl")
        return _tail(previous) if previous.exists() else (0, GENESIS)
    seq, _ = _chain_fields(lines[-1], path, len(lines))
    return seq + 1, hashlib.sha256(lines[-1]).hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _FILE.fullmatch(path.name))


def _number(path: Path) -> int:
    found = _FILE.fullmatch(path.name)
    return int(found.group(1)) if found else 0


def _failure(folder: Path, error: OSError) -> JournalError:
    return JournalError(
        f"the request log cannot be written: {error.strerror}",
        where=str(folder),
        remedy="Make room, or set another outbox.",
    )
