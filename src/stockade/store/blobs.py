"""Content-addressed blobs in a folder: the name of a blob is the digest of its bytes.

    >>> import tempfile; from pathlib import Path
    >>> blobs = FolderBlobs(Path(tempfile.mkdtemp()))
    >>> digest = blobs.put(b"rows")
    >>> blobs.get(digest)
    b'rows'

The folder may be writable by others: whatever is read back is hashed again before a byte of it is handed out, so an
altered, swapped or truncated blob is refused and named.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from stockade.errors import DigestMismatchError, MissingEvidenceError, ServiceError
from stockade.store.durable import explained, make_folder, settle, sweep, temporary
from stockade.types.digest import Digest

_CHUNK = 1 << 20
_MEMORY = 8 << 20
_LARGEST = 2 << 30  # what an ONNX file can have at most
_SPARSE = 100


class BlobStore(Protocol):
    """Keeps bytes under their digest.

    Contract: `put` returns only once the bytes are durable; what is read back was hashed during this very read; a
    blob never changes; the store owns its bytes and the caller owns the streams it is given. Safe to call from
    several threads and processes.
    """

    def put(self, source: Path | bytes) -> Digest:
        """Keep a file's or some bytes' content. Raises StorageFullError, ServiceError."""
        ...

    def get(self, digest: Digest) -> bytes:
        """Read a blob into memory. Raises MissingEvidenceError, DigestMismatchError."""
        ...

    def open(self, digest: Digest) -> BinaryIO:
        """Open a verified private copy, positioned at its start. Raises MissingEvidenceError, DigestMismatchError."""
        ...

    def has(self, digest: Digest) -> bool:
        """Whether there is a blob of that name; says nothing about its bytes."""
        ...


class FolderBlobs:
    """A `BlobStore` in a folder, two levels deep: ``ab/abcdef...``.

    Args:
        root: The folder; created when absent unless `read_only`.
        read_only: Refuse `put`, and create nothing.
    """

    def __init__(self, root: Path, *, read_only: bool = False) -> None:
        self._root = root
        self._read_only = read_only
        if not read_only:
            make_folder(root)
            sweep(root)

    def put(self, source: Path | bytes) -> Digest:
        """Keep a file's or some bytes' content, hashed while it is written; equal content is kept once.

        A symbolic link is followed; a caller that must not follow links copies the file itself first. A stored blob
        of that name whose bytes were altered is put right.

        Raises:
            StorageFullError: the disk is full; nothing half-written is visible.
            ServiceError: the source is not a regular file, or the operating system refused.
        """
        if self._read_only:
            raise ServiceError("this store was opened read-only", where=str(self._root))
        if isinstance(source, bytes):
            return self._put_bytes(source)
        with explained(source, "read"):
            descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ServiceError("only regular files can be stored", where=str(source))
            return self._put_stream(stream)

    def get(self, digest: Digest) -> bytes:
        """Read a blob into memory and verify it.

        Raises:
            MissingEvidenceError: there is none.
            DigestMismatchError: its bytes are not the ones that were stored.
        """
        path = self._path(digest)
        with self._source(digest) as stream, explained(path, "read"):
            size = os.fstat(stream.fileno()).st_size
            if size > _LARGEST:
                raise self._unlike(f"are {size}, more than any model", digest)
            data = stream.read(size + 1)
        self._compare(Digest.of(data), digest)
        return data

    def open(self, digest: Digest) -> BinaryIO:
        """Open a verified private copy that nobody else can alter, positioned at its start.

        Copies above 8 MiB rest in an unnamed temporary file; the caller closes the stream.

        Raises:
            MissingEvidenceError: there is none.
            DigestMismatchError: its bytes are not the ones that were stored.
        """
        path = self._path(digest)
        copy = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # noqa: SIM115 - handed to the caller, who closes it
        try:
            with self._source(digest) as stream, explained(path, "copy"):
                found = _pour(stream, copy)
            self._compare(found, digest)
        except BaseException:
            copy.close()
            raise
        copy.seek(0)
        return cast("BinaryIO", copy)

    def has(self, digest: Digest) -> bool:
        """Whether there is a blob of that name; says nothing about its bytes."""
        return self._path(digest).is_file()

    def _path(self, digest: Digest) -> Path:
        return self._root / digest.hex[:2] / digest.hex

    def _source(self, digest: Digest) -> BinaryIO:
        path = self._path(digest)
        if not path.is_file():
            raise MissingEvidenceError(
                f"the stored artifact {digest} is missing",
                where=str(path),
                remedy="run the pipeline again; the step that made it will be repeated",
            )
        with explained(path, "read"):
            stream = path.open("rb")
        status = os.fstat(stream.fileno())
        # A store writes what it holds byte by byte; a file that is nearly all hole would fill a disk when copied.
        if status.st_size > _SPARSE * max(512 * status.st_blocks, _MEMORY):
            stream.close()
            raise self._unlike(f"are {status.st_size} in number and hardly any is there", digest)
        return stream

    def _compare(self, found: Digest, expected: Digest) -> None:
        if found != expected:
            raise self._unlike(f"have the digest {found}", expected)

    def _unlike(self, what: str, expected: Digest) -> DigestMismatchError:
        return DigestMismatchError(
            f"the stored bytes {what}, not the attested {expected}",
            where=str(self._path(expected)),
            remedy="the file was altered after it was stored; nothing of it was used. Delete it and run again",
        )

    def _put_bytes(self, data: bytes) -> Digest:
        digest = Digest.of(data)
        final = self._path(digest)
        if self._intact(final, digest):
            return digest
        make_folder(final.parent)
        with explained(final, "write"), temporary(self._root) as (aside, stream):
            stream.write(data)
            settle(stream, aside, final, mode=0o400)
        return digest

    def _put_stream(self, source: BinaryIO) -> Digest:
        with explained(self._root, "write"), temporary(self._root) as (aside, stream):
            digest = _pour(source, stream)
            final = self._path(digest)
            if not self._intact(final, digest):
                make_folder(final.parent)
                settle(stream, aside, final, mode=0o400)
        return digest

    @staticmethod
    def _intact(path: Path, digest: Digest) -> bool:
        try:
            return Digest.of_file(path) == digest
        except OSError:
            return False


def _pour(source: BinaryIO, sink: BinaryIO | tempfile.SpooledTemporaryFile[bytes]) -> Digest:
    state = hashlib.sha256()
    while chunk := source.read(_CHUNK):
        state.update(chunk)
        sink.write(chunk)
    return Digest(state.hexdigest())
