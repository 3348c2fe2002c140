"""How a server listens, whom it knows, and what it bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TextIO

from stockade.errors import ConfigError
from stockade.serve.loopback import is_loopback
from stockade.serve.tls import TlsFiles


class Unseen(StrEnum):
    """What to do with a category that the schema does not list."""

    REJECT = "reject"
    ACCEPT = "accept"


class Sync(StrEnum):
    """When request log entries reach the disk.

    ``always``: before the answer is sent. ``interval``: within a second. ``never``: when the system likes.
    """

    ALWAYS = "always"
    INTERVAL = "interval"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what callers can make the server hold or do. Times are seconds.

    Attributes:
        body_bytes: Largest request body, declared or streamed.
        header_bytes: Largest request line and headers together.
        header_count: Most header lines.
        rows: Most rows in one request.
        connections: Open connections, those in the TLS handshake included.
        address_connections: The same for one address.
        concurrency: Authenticated requests in progress; more are shed with 503.
        key_concurrency: The same for one key; more get 429.
        pipeline: Requests sent ahead on one connection.
        handshake_seconds: From accepting a connection to the end of the TLS handshake.
        header_seconds: From the first byte of a request (or the end of the handshake) to the end of its headers.
        body_seconds: From the end of the headers to the end of the body.
        answer_seconds: From the end of the body to the end of the answer.
        idle_seconds: Between two requests of one connection.
        stop_seconds: For requests in progress when the server is told to stop.
        key_rows_per_second: Rows a key may ask for in the long run; every request counts as one row at least.
        key_burst: Rows a key may ask for at once after a pause.
        failures_per_minute: Failed authentications an address is told about in the long run; more get 429.
        failure_burst: The same at once.
    """

    body_bytes: int = 1_000_000
    header_bytes: int = 16_384
    header_count: int = 64
    rows: int = 1_000
    connections: int = 512
    address_connections: int = 256
    concurrency: int = 64
    key_concurrency: int = 32
    pipeline: int = 16
    handshake_seconds: float = 5.0
    header_seconds: float = 5.0
    body_seconds: float = 10.0
    answer_seconds: float = 10.0
    idle_seconds: float = 30.0
    stop_seconds: float = 10.0
    key_rows_per_second: float = 2_000.0
    key_burst: float = 4_000.0
    failures_per_minute: float = 12.0
    failure_burst: float = 10.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ConfigError(f"the limit {name!r} must be above zero", where="serve limits")


@dataclass(frozen=True, slots=True)
class Settings:
    """How to serve.

    Attributes:
        keys: File of API keys as `access.issue` writes it. Its folder is what the confined server may still read, to
            follow revocations, so nothing else belongs there.
        outbox: Folder of the request log; it is made if absent.
        tls: Certificate and key; None speaks plain HTTP, which only a loopback address may.
        host: Address to listen on.
        port: TCP port, 0 for any free one.
        limits: Bounds.
        unseen: What to do with unlisted categories. ``reject`` by default: an unlisted word is far more often a typing
            error or a probe than a new fact, and the list itself is never told.
        sync: When log entries reach the disk.
        log_bytes: Size at which the request log starts a new file.
        stream: Where request log entries are also written as they happen, such as ``sys.stderr``.
        confine: Whether the process gives up its rights before it accepts a connection.
        isolation: Least `Isolation.level` the confinement must reach, or serving is refused.

    Raises:
        ConfigError: plain HTTP on an address that others can reach.
    """

    keys: Path
    outbox: Path
    tls: TlsFiles | None
    host: str = "127.0.0.1"
    port: int = 8443
    limits: Limits = field(default_factory=Limits)
    unseen: Unseen = Unseen.REJECT
    sync: Sync = Sync.INTERVAL
    log_bytes: int = 16_000_000
    stream: TextIO | None = None
    confine: bool = True
    isolation: str = "none"

    def __post_init__(self) -> None:
        if self.tls is None and not is_loopback(self.host):
            raise ConfigError(
                "plain HTTP is for loopback addresses only",
                where=f"serve host {self.host!r}",
                remedy="Give a certificate and key, or let stockade make them.",
            )
