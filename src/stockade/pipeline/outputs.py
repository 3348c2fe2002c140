"""Copy a step's outputs out of its folder, hashed while copied, trusting nothing about that folder.

Called when no process of the step is left. A name is opened without following links, must be a regular file with one
name, and is read up to a limit; the digest is that of the bytes in the private copy.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path

from stockade.errors import StepLimitError, StepOutputError
from stockade.store.durable import explained
from stockade.types.digest import Digest

_CHUNK = 1 << 20


def copy_out(folder: Path, count: int, private: Path, limit: int) -> tuple[tuple[Path, Digest], ...]:
    """Copy the files ``0`` to ``count - 1`` of `folder` into `private`.

    Raises:
        StepOutputError: one is missing, a link, not a regular file, or known by a second name.
        StepLimitError: together they are larger than `limit` bytes.
        StorageFullError: there is no space for the copy.
    """
    if count == 0:
        return ()
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise StepOutputError("the step wrote no outputs") from error
    copies: list[tuple[Path, Digest]] = []
    try:
        for index in range(count):
            target = private / str(index)
            digest, size = _copy(handle, index, target, limit)
            limit -= size
            copies.append((target, digest))
    finally:
        os.close(handle)
    return tuple(copies)


def _copy(folder: int, index: int, target: Path, limit: int) -> tuple[Digest, int]:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        source = os.open(str(index), flags, dir_fd=folder)
    except OSError as error:
        reason = "is a link" if error.errno == errno.ELOOP else "is missing"
        raise StepOutputError(f"output {index + 1} {reason}") from error
    try:
        status = os.fstat(source)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise StepOutputError(f"output {index + 1} is not a regular file with one name")
        return _pour(source, target, limit)
    finally:
        os.close(source)


def _pour(source: int, target: Path, limit: int) -> tuple[Digest, int]:
    state = hashlib.sha256()
    size = 0
    sink = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(sink, "wb", buffering=0) as stream:  # noqa: PTH123 - a descriptor, not a path
        while chunk := os.read(source, _CHUNK):
            size += len(chunk)
            if size > limit:
                raise StepLimitError("the outputs are larger than the step may write")
            state.update(chunk)
            with explained(target, "write"):
                stream.write(chunk)
    return Digest(state.hexdigest()), size
