"""One writer at a time: an advisory lock on a workspace, released by the kernel when its holder ends in any way."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stockade.errors import BusyError
from stockade.store.durable import explained, make_folder


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file `path` (created when absent) while the block runs.

    Raises:
        BusyError: another process, or another block of this one, holds it; the error names the process.
        ServiceError: the lock file cannot be opened.
    """
    make_folder(path.parent)
    with explained(path, "lock"):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            raise BusyError(
                f"process {holder} is working here" if holder.isdigit() else "another process is working here",
                where=str(path.parent),
                remedy="wait until it has finished, then run the same command again",
            ) from None
        with explained(path, "lock"):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(descriptor)
