"""Durable, atomic writing: after a crash a file is there whole, or not at all.

A file is written under a temporary name in the folder it will rest in (renames are atomic only inside one file
system), flushed, renamed, and the folder's entry is flushed as well.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from stockade.errors import ServiceError, StorageFullError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_STALE_SECONDS = 86_400
_PREFIX = ".writing-"


@contextmanager
def explained(path: Path, doing: str) -> Iterator[None]:
    """Turn an operating-system error into a sentence.

    Args:
        path: What was being touched.
        doing: What was being done to it, such as ``write``.

    Raises:
        StorageFullError: no space or quota is left.
        ServiceError: anything else that the operating system refused.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError(
                f"no space is left to {doing} it",
                where=str(path),
                remedy="free some space and run the same command again; nothing half-written was kept",
            ) from error
        raise ServiceError(
            f"cannot {doing} it: {error.strerror or error}",
            where=str(path),
            remedy="check the path, its permissions and the disk, then run the same command again",
        ) from error


def make_folder(path: Path) -> None:
    """Create a folder, private to this user, with its parents; one that exists is left as it is."""
    if path.is_dir():
        return
    with explained(path, "create"):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        flush_folder(path.parent)


def flush_folder(path: Path) -> None:
    """Make the names in a folder survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def temporary(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open a new file under a temporary name in `folder`; whatever still has that name at the end is removed."""
    path = folder / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(8)}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as stream:
            yield path, stream
    finally:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def settle(stream: BinaryIO, temporary_path: Path, final: Path, *, mode: int = 0o600) -> None:
    """Flush a temporary file, give it its final name (replacing what had it), and flush the folder's entry."""
    stream.flush()
    os.fchmod(stream.fileno(), mode)
    os.fsync(stream.fileno())
    temporary_path.replace(final)
    flush_folder(final.parent)


def write_atomically(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a file so that a reader sees the old bytes or the new ones, also after a crash.

    Raises:
        StorageFullError: the disk is full; the old file, if any, is intact.
        ServiceError: the operating system refused.
    """
    with explained(path, "write"), temporary(path.parent) as (aside, stream):
        stream.write(data)
        settle(stream, aside, path, mode=mode)


def sweep(folder: Path) -> None:
    """Remove temporary files that a process killed more than a day ago left behind."""
    horizon = time.time() - _STALE_SECONDS
    for path in folder.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_mtime < horizon:
                path.unlink()
