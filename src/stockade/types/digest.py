"""Content digests: the identity of every artifact, statement and source file."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

_HEX = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A SHA-256 digest as 64 lower-case hexadecimal digits.

    Raises:
        ValueError: the text is anything else.
    """

    hex: str

    def __post_init__(self) -> None:
        if not _HEX.fullmatch(self.hex):
            raise ValueError(f"not a SHA-256 digest: {self.hex[:80]!r}")

    def __str__(self) -> str:
        return f"sha256:{self.hex}"

    @property
    def short(self) -> str:
        """The first twelve digits, for people."""
        return self.hex[:12]

    @classmethod
    def of(cls, data: bytes) -> Digest:
        """Digest bytes."""
        return cls(hashlib.sha256(data).hexdigest())

    @classmethod
    def of_stream(cls, stream: BinaryIO) -> Digest:
        """Digest what is left of a binary stream, in constant memory."""
        state = hashlib.sha256()
        while chunk := stream.read(_CHUNK):
            state.update(chunk)
        return cls(state.hexdigest())

    @classmethod
    def of_file(cls, path: Path) -> Digest:
        """Digest a file, in constant memory."""
        with path.open("rb") as stream:
            return cls.of_stream(stream)

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read ``sha256:HEX``; the inverse of ``str``."""
        prefix, _, digits = text.partition(":")
        if prefix != "sha256":
            raise ValueError(f"not a SHA-256 digest: {text[:80]!r}")
        return cls(digits)
