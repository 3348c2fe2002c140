"""A ZIP file in which every byte is accounted for.

The format allows much that a verifier should not have to think about: two directories that disagree, data between
members, compression, encryption, comments, names that climb out of a folder. This writer leaves no choice open (stored,
1980-01-01, no extra fields, members one after another), and this reader accepts what the writer makes, to the byte.
Any tool can unpack it (PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16).
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from stockade.errors import MalformedError, MissingEvidenceError, ServiceError, StorageFullError
from stockade.types.digest import Digest

MAX_MEMBERS = 8192
"""Most members of an archive."""

MAX_BYTES = (1 << 32) - 2
"""Longest archive, in bytes; beyond it the format changes."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*){0,3}")
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_DATE = 0x21
_MODE = 0o100644 << 16
_UNIX_20 = (3 << 8) | 20
_CHUNK = 1 << 20


def write_archive(path: Path, members: Mapping[str, bytes | Path]) -> None:
    """Write members in the order given; atomic, and durable.

    Args:
        path: The archive; an existing one is replaced.
        members: Contents by name; a path is read as a stream.

    Raises:
        MalformedError: a name may not stand in an archive, or it would be too long.
        StorageFullError: no space is left; nothing was kept.
        ServiceError: a file cannot be read or written.
    """
    if len(members) > MAX_MEMBERS or not all(_allowed(name) for name in members):
        raise MalformedError("too many members, or a name that may not stand in an archive", where=str(path))
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with aside.open("xb") as stream:
            _write(stream, members)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        kind = StorageFullError if error.errno in (28, 122) else ServiceError
        raise kind(
            f"the archive cannot be written: {error.strerror}", where=str(path), remedy="check the disk"
        ) from error
    finally:
        with suppress(OSError):
            aside.unlink()


class Archive:
    """An archive that was checked for form, open for reading. A context manager.

    Raises:
        MalformedError: it is not exactly what `write_archive` makes.
        MissingEvidenceError: there is no such file.
        ServiceError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._stream: BinaryIO = path.open("rb")
        except FileNotFoundError as error:
            raise MissingEvidenceError("there is no such file", where=str(path), remedy="check the path") from error
        except OSError as error:
            raise ServiceError(f"cannot be read: {error.strerror}", where=str(path), remedy="check it") from error
        try:
            self._members = self._directory()
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the members, in order."""
        return tuple(self._members)

    def size(self, name: str) -> int:
        """Bytes of a member."""
        return self._members[name][1]

    def read(self, name: str, limit: int) -> bytes:
        """Contents of a member.

        Raises:
            MissingEvidenceError: there is no such member.
            MalformedError: it is longer than `limit` bytes, or its checksum differs.
        """
        if name not in self._members:
            raise MissingEvidenceError(f"{name} is missing", where=str(self._path))
        if self.size(name) > limit:
            raise MalformedError(f"{name} is longer than {limit} bytes", where=str(self._path))
        return b"".join(self._chunks(name))

    def digest(self, name: str) -> Digest:
        """Digest of a member, in constant memory.

        Raises:
            MalformedError: its checksum differs.
        """
        state = hashlib.sha256()
        for chunk in self._chunks(name):
            state.update(chunk)
        return Digest(state.hexdigest())

    def _chunks(self, name: str) -> Iterator[bytes]:
        place, left, expected = self._members[name]
        self._stream.seek(place)
        checksum = 0
        while left:
            chunk = self._stream.read(min(left, _CHUNK))
            if not chunk:
                raise self._malformed(f"{name} is cut short")
            left -= len(chunk)
            checksum = zlib.crc32(chunk, checksum)
            yield chunk
        if checksum != expected:
            raise self._malformed(f"the checksum of {name} differs")

    def _directory(self) -> dict[str, tuple[int, int, int]]:
        """Read the central directory, and hold it and all local headers against what the writer would have written."""
        length = self._stream.seek(0, os.SEEK_END)
        if not _END.size <= length <= MAX_BYTES:
            raise self._malformed("not an archive, by its length")
        count, start, size = self._end(length)
        self._stream.seek(start)
        directory = self._stream.read(size)
        members: dict[str, tuple[int, int, int]] = {}
        cursor = place = 0
        for _ in range(count):
            name, contents, checksum = self._entry(directory, cursor)
            expected = _central(name, contents, checksum, place)
            if name in members or directory[cursor : cursor + len(expected)] != expected:
                raise self._malformed(f"the directory entry of {name} is not in form")
            header = _local(name, contents, checksum)
            self._stream.seek(place)
            if self._stream.read(len(header)) != header:
                raise self._malformed(f"the header of {name} contradicts the directory")
            members[name] = (place + len(header), contents, checksum)
            cursor, place = cursor + len(expected), place + len(header) + contents
        if cursor != size or place != start:
            raise self._malformed("there is something between its members")
        return members

    def _end(self, length: int) -> tuple[int, int, int]:
        self._stream.seek(length - _END.size)
        data = self._stream.read(_END.size)
        _, _, _, _, count, size, start, _ = _END.unpack(data)
        if count > MAX_MEMBERS or start + size + _END.size != length or data != _end(count, size, start):
            raise self._malformed("the end of the archive is not in form")
        return count, start, size

    def _entry(self, directory: bytes, cursor: int) -> tuple[str, int, int]:
        head = directory[cursor : cursor + _CENTRAL.size]
        if len(head) < _CENTRAL.size:
            raise self._malformed("the directory is cut short")
        fields = _CENTRAL.unpack(head)
        checksum, contents, length = fields[7], fields[9], fields[10]
        raw = directory[cursor + _CENTRAL.size : cursor + _CENTRAL.size + length]
        name = raw.decode("ascii", "replace")
        if not _allowed(name):
            raise self._malformed(f"a name that may not stand in an archive: {name[:80]!r}")
        return name, contents, checksum

    def _malformed(self, message: str) -> MalformedError:
        remedy = "get the bundle again from where it was made; nothing in it was believed"
        return MalformedError(message, where=str(self._path), remedy=remedy)


def _allowed(name: str) -> bool:
    return len(name) <= 200 and _NAME.fullmatch(name) is not None


def _write(stream: BinaryIO, members: Mapping[str, bytes | Path]) -> None:
    directory = []
    place = 0
    for name, contents in members.items():
        # The header holds length and checksum, which are known once the contents went by.
        stream.seek(place + len(_local(name, 0, 0)))
        length = checksum = 0
        for chunk in _pieces(contents):
            stream.write(chunk)
            length, checksum = length + len(chunk), zlib.crc32(chunk, checksum)
        header = _local_checked(name, length, checksum, place)
        stream.seek(place)
        stream.write(header)
        directory.append(_central(name, length, checksum, place))
        place += len(header) + length
    stream.seek(place)
    data = b"".join(directory)
    if place + len(data) + _END.size > MAX_BYTES:
        raise MalformedError("an archive has less than 4 GiB")
    stream.write(data + _end(len(directory), len(data), place))


def _local_checked(name: str, length: int, checksum: int, place: int) -> bytes:
    if place + length > MAX_BYTES:
        raise MalformedError("an archive has less than 4 GiB")
    return _local(name, length, checksum)


def _pieces(contents: bytes | Path) -> Iterator[bytes]:
    if isinstance(contents, bytes):
        yield contents
        return
    with contents.open("rb") as source:
        while chunk := source.read(_CHUNK):
            yield chunk


def _local(name: str, size: int, checksum: int) -> bytes:
    raw = name.encode("ascii")
    return _LOCAL.pack(b"PK\x03\x04", 20, 0, 0, 0, _DATE, checksum, size, size, len(raw), 0) + raw


def _central(name: str, size: int, checksum: int, place: int) -> bytes:
    raw = name.encode("ascii")
    fixed = (b"PK\x01\x02", _UNIX_20, 20, 0, 0, 0, _DATE, checksum, size, size, len(raw), 0, 0, 0, 0, _MODE, place)
    return _CENTRAL.pack(*fixed) + raw


def _end(count: int, size: int, start: int) -> bytes:
    return _END.pack(b"PK\x05\x06", 0, 0, count, count, size, start, 0)
