"""Who may call: API keys, known to the server by their SHA-256 alone, each with roles and an end.

A key is 256 random bits, so a plain hash is as good as a slow one: there is nothing to guess. The file holds
``{"version": 1, "keys": [{"name", "sha256", "roles", "created", "expires"}]}`` and no secret.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from stockade.errors import ConfigError, ServiceError
from stockade.serve.tls import write_private
from stockade.types.record import from_plain, to_plain

PREFIX = "stk_"
"""What a key's text starts with, so that secret scanners find a leaked one."""

_VERSION = 1
_MOST_KEYS = 1_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class AccessError(ConfigError):
    """The file of API keys cannot be used, so nobody would be let in.

    It is JSON as ``stockade serve`` writes it, belongs to the server's user, and nobody else may write it.
    """

    code = "C120"


class Role(StrEnum):
    """What a key opens."""

    INFER = "infer"
    METADATA = "metadata"
    METRICS = "metrics"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request.

    Attributes:
        name: Name for logs and limits.
        roles: What is open to the caller.
    """

    name: str
    roles: frozenset[Role]


class Authenticator(Protocol):
    """Tells who a caller is.

    Both methods are called from the event loop and must not block for long. The server keeps the object for its life.
    """

    def identify(self, credential: bytes) -> Caller | None:
        """Say whose bearer credential this is; None for nobody's, without saying why."""

    def refresh(self) -> bool:
        """Take in revocations and new callers, about once a second; False while callers cannot be known."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What the server knows of a key.

    Attributes:
        name: Unique name.
        sha256: SHA-256 of the key's text, hexadecimal.
        roles: What it opens.
        created: RFC 3339 time.
        expires: RFC 3339 time, None for no end.
    """

    name: str
    sha256: str
    roles: tuple[Role, ...]
    created: str
    expires: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"a key's name is letters, digits, dots, dashes and underscores, not {self.name[:80]!r}")
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"the key {self.name!r} has no SHA-256 digest")
        for moment in (self.created, self.expires):
            if moment is not None and dt.datetime.fromisoformat(moment).tzinfo is None:
                raise ValueError(f"the key {self.name!r} has a time without a zone")

    @property
    def ends(self) -> float:
        """Seconds since the epoch at which it ends, infinity for never."""
        return dt.datetime.fromisoformat(self.expires).timestamp() if self.expires else float("inf")


@dataclass(frozen=True, slots=True)
class _KeyFile:
    version: int
    keys: tuple[KeyRecord, ...]


def issue(
    path: Path,
    name: str,
    roles: Sequence[Role] = (Role.INFER, Role.METADATA),
    *,
    days: float | None = 90,
    secret_file: Path | None = None,
) -> str:
    """Make a key, add it to the file, and return its text: the only time it is shown.

    Args:
        path: File of keys; it is made if absent.
        name: Unique name for logs.
        roles: What it opens.
        days: How long it is good, None for no end.
        secret_file: Also write the text there, mode 0600.

    Raises:
        AccessError: the name is taken or unusable, or the file cannot be read or written.
    """
    records = load(path) if path.exists() else ()
    if any(record.name == name for record in records):
        raise AccessError(
            f"there is a key named {name!r} already", where=str(path), remedy="Revoke it, or choose another."
        )
    text = PREFIX + secrets.token_urlsafe(32)
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    expires = (now + dt.timedelta(days=days)).isoformat() if days is not None else None
    try:
        record = KeyRecord(name, digest_of(text.encode()), tuple(dict.fromkeys(roles)), now.isoformat(), expires)
    except ValueError as error:
        raise AccessError(str(error), where=str(path)) from error
    _save(path, (*records, record))
    if secret_file is not None:
        _write(secret_file, text.encode() + b"\n")
    return text


def revoke(path: Path, name: str) -> None:
    """Remove a key; a running server follows within about a second.

    Raises:
        AccessError: there is no key of that name, or the file cannot be read or written.
    """
    records = load(path)
    kept = tuple(record for record in records if record.name != name)
    if len(kept) == len(records):
        raise AccessError(f"there is no key named {name[:80]!r}", where=str(path))
    _save(path, kept)


def load(path: Path) -> tuple[KeyRecord, ...]:
    """Read the file of keys.

    Raises:
        AccessError: it is missing, malformed, names a key twice, or others may write it.
    """
    try:
        with path.open("rb") as stream:
            if os.fstat(stream.fileno()).st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise AccessError("others may write the file of keys", where=str(path), remedy=f"Run: chmod 600 {path}")
            data = stream.read()
        content = from_plain(_KeyFile, json.loads(data, object_pairs_hook=_distinct), "keys")
    except OSError as error:
        raise AccessError(f"the file of keys cannot be read: {error.strerror}", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise AccessError(f"the file of keys is malformed: {error}", where=str(path)) from error
    names = {record.name for record in content.keys}
    digests = {record.sha256 for record in content.keys}
    if content.version != _VERSION or len(content.keys) > _MOST_KEYS:
        raise AccessError(f"version {content.version} with {len(content.keys)} keys is not readable", where=str(path))
    if len(names) != len(content.keys) or len(digests) != len(content.keys):
        raise AccessError("a key is listed twice", where=str(path))
    return content.keys


def digest_of(text: bytes) -> str:
    """SHA-256 of a key's text, hexadecimal."""
    return hashlib.sha256(text).hexdigest()


class KeyAuthenticator:
    """An `Authenticator` over a file of keys.

    The file is read again when it changes. While it cannot be read nobody is known: a revocation that was mistyped
    must not leave the revoked key open.

    Attributes:
        fault: Why nobody is known at the moment, None when all is well.

    Raises:
        AccessError: the file cannot be used at the start.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = clock
        self._seen: tuple[int, ...] = ()
        self._known: tuple[tuple[bytes, float, Caller], ...] = ()
        self.fault: AccessError | None = None
        if not self.refresh() and self.fault is not None:
            raise self.fault

    def identify(self, credential: bytes) -> Caller | None:
        """Compare with every key, each in constant time, so that time tells nothing of which one came close."""
        digest = hashlib.sha256(credential).digest()
        found: Caller | None = None
        for known, ends, caller in self._known:
            if hmac.compare_digest(known, digest) and self._now() < ends:
                found = caller
        return found

    def refresh(self) -> bool:
        """Read the file again if it changed."""
        try:
            state = self._path.stat()
            seen = (state.st_ino, state.st_mtime_ns, state.st_size, state.st_mode)
        except OSError as error:
            self._known, self._seen = (), ()
            self.fault = AccessError(f"the file of keys cannot be read: {error.strerror}", where=str(self._path))
            return False
        if seen == self._seen:
            return self.fault is None
        self._seen = seen
        try:
            records = load(self._path)
        except AccessError as error:
            self._known, self.fault = (), error
            return False
        self._known = tuple(
            (bytes.fromhex(record.sha256), record.ends, Caller(record.name, frozenset(record.roles)))
            for record in records
        )
        self.fault = None
        return True


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    built = dict(pairs)
    if len(built) != len(pairs):
        raise ValueError("a field is given twice")
    return built


def _save(path: Path, records: tuple[KeyRecord, ...]) -> None:
    ordered = tuple(replace(record, roles=tuple(sorted(record.roles))) for record in records)
    _write(path, json.dumps(to_plain(_KeyFile(_VERSION, ordered)), indent=2).encode() + b"\n")


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, data)
    except OSError as error:
        raise ServiceError(f"the file cannot be written: {error.strerror}", where=str(path)) from error
