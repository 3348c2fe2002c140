"""The largest checkpoint ever seen of each log, remembered outside the workspace.

Whoever can write to the workspace can put an older copy of everything in its place: database, tiles, checkpoint, all
signed and consistent. Only a memory elsewhere shows it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stockade.errors import LogError, MalformedError, ServiceError
from stockade.evidence import canonical
from stockade.evidence.merkle import verify_consistency
from stockade.evidence.note import Checkpoint
from stockade.evidence.text import unhex

_FORMAT = "stockade-checkpoints"
_MAX_BYTES = 1 << 20


class CheckpointMemory:
    """Remembers in one JSON file; several processes may share it.

    Args:
        path: The file, outside the workspace; it and its folder are made when first written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def recall(self, origin: str) -> tuple[int, bytes] | None:
        """Size and root of the largest checkpoint seen of a log, ``None`` when it is new.

        Raises:
            MalformedError: the file was altered in form.
            ServiceError: it cannot be read.
        """
        return self._read().get(origin)

    def accept(self, checkpoint: Checkpoint, consistency: Callable[[int, int], Sequence[bytes]]) -> None:
        """Hold a verified checkpoint against what is remembered, and remember it if it is larger.

        Args:
            checkpoint: The checkpoint; its signature was checked.
            consistency: Gives the proof that a tree of the first size is the beginning of one of the second.

        Raises:
            LogError: the log is smaller than it was, or not a continuation: it was rolled back or altered.
            MalformedError: the file was altered in form.
            ServiceError: it cannot be read or written.
        """
        if self._holds(self._read(), checkpoint, consistency):
            return
        with self._alone():
            logs = self._read()
            # Another process may have seen a larger one in the meantime.
            if not self._holds(logs, checkpoint, consistency):
                logs[checkpoint.origin] = (checkpoint.size, checkpoint.root)
                self._write(logs)

    def _holds(
        self,
        logs: dict[str, tuple[int, bytes]],
        checkpoint: Checkpoint,
        consistency: Callable[[int, int], Sequence[bytes]],
    ) -> bool:
        """Whether the checkpoint is the one remembered; False when it is a continuation of it."""
        known = logs.get(checkpoint.origin)
        if known is None:
            return False
        size, root = known
        if checkpoint.size < size:
            raise LogError(
                f"the log has {checkpoint.size} entries, and had {size} before: the workspace was rolled back",
                where=checkpoint.origin,
                remedy=f"restore the workspace from a copy that has them; what was seen is in {self._path}",
            )
        proof = consistency(size, checkpoint.size)
        verify_consistency(size, checkpoint.size, proof, root, checkpoint.root)
        return size == checkpoint.size

    def _read(self) -> dict[str, tuple[int, bytes]]:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unusable(error) from error
        try:
            return _parsed(canonical.decode(data, limit=_MAX_BYTES))
        except MalformedError as error:
            raise MalformedError(
                f"the memory of checkpoints cannot be read: {error.message}",
                where=str(self._path),
                remedy="restore it from a copy; without it a rolled-back log would not show",
            ) from error

    def _write(self, logs: dict[str, tuple[int, bytes]]) -> None:
        plain = {origin: {"size": size, "root": root.hex()} for origin, (size, root) in logs.items()}
        data = canonical.encode({"format": _FORMAT, "version": 1, "logs": plain})
        aside = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}")
        try:
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            aside.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            with suppress(OSError):
                aside.unlink()
            raise self._unusable(error) from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            name = self._path.with_name(f".{self._path.name}.lock")
            descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _unusable(self, error: OSError) -> ServiceError:
        return ServiceError(
            f"the memory of checkpoints cannot be used: {error.strerror}",
            where=str(self._path),
            remedy="check the path, its permissions and the disk",
        )


def _parsed(document: Any) -> dict[str, tuple[int, bytes]]:
    if not isinstance(document, dict) or document.keys() != {"format", "version", "logs"}:
        raise MalformedError("its fields are format, version and logs")
    logs = document["logs"]
    if (document["format"], document["version"]) != (_FORMAT, 1) or not isinstance(logs, dict):
        raise MalformedError("it is not of version 1")
    found: dict[str, tuple[int, bytes]] = {}
    for origin, item in logs.items():
        if not isinstance(item, dict) or item.keys() != {"size", "root"} or type(item["size"]) is not int:
            raise MalformedError("an entry has the fields size and root", where=origin)
        found[origin] = (item["size"], unhex(item["root"], origin, size=32))
    return found
