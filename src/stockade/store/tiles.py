"""The transparency log's tiles, entry bundles and checkpoint as files in a folder.

The layout is the one of C2SP tlog-tiles, so a static web server over the folder is a complete read API.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from stockade.errors import MalformedError, MissingEvidenceError, ServiceError
from stockade.store.durable import explained, make_folder, write_atomically

_MOST_BYTES = 17 << 20  # 256 entries of up to 64 KiB and their lengths
_PATH = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")


class FolderTiles:
    """Reads and writes log resources by their relative path, such as ``tile/0/000`` or ``checkpoint``.

    Args:
        root: The folder; created when absent unless `read_only`.
        read_only: Refuse `write`, and create nothing.
    """

    def __init__(self, root: Path, *, read_only: bool = False) -> None:
        self._root = root
        self._read_only = read_only
        if not read_only:
            make_folder(root)

    def read(self, path: str) -> bytes:
        """Read a resource; its bytes are not verified here, the log's hashes do that.

        Raises:
            MissingEvidenceError: there is none.
            MalformedError: it is longer than a resource can be.
        """
        file = self._file(path)
        if not file.is_file():
            raise MissingEvidenceError(
                f"the log has no {path}",
                where=str(file),
                remedy="the log was cut or never published; restore it from a copy, or publish it again",
            )
        with explained(file, "read"), file.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            data = stream.read(size + 1) if size <= _MOST_BYTES else b""
        if size > _MOST_BYTES:
            raise MalformedError(
                f"the log's {path} is longer than any that was ever written",
                where=str(file),
                remedy="the log was altered; restore it from a copy",
            )
        return data

    def write(self, path: str, data: bytes) -> None:
        """Write a resource durably and atomically; writing the same bytes again does nothing.

        Raises:
            StorageFullError: the disk is full; what was there before is intact.
            ServiceError: the operating system refused.
        """
        if self._read_only:
            raise ServiceError("this log was opened read-only", where=str(self._root))
        file = self._file(path)
        if file.is_file():
            with explained(file, "read"):
                if file.read_bytes() == data:
                    return
        make_folder(file.parent)
        write_atomically(file, data, mode=0o644)

    def _file(self, path: str) -> Path:
        if not _PATH.fullmatch(path) or ".." in path:
            raise ValueError(f"not a path of a log resource: {path[:80]!r}")
        return self._root / path
