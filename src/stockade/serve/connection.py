"""HTTP connections under limits: every phase has a deadline and every size a bound.

Theory of operation. `GuardedHttp` is uvicorn's httptools protocol with phases:

    HEAD ──headers complete──> BODY ──message complete──> ANSWER ──response complete──> IDLE ──first byte──> HEAD

Each phase has a deadline that bytes do not extend, so a peer that sends or reads slowly gains nothing by it. One sweep,
ten times a second, ends what is overdue; no timer is made per request. An overdue or malformed request is answered
with 408, 400 or 431 where an answer can still be given; the connection is closed, and aborted if closing takes long.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from stockade.serve.gauges import Gauges
from stockade.serve.settings import Limits

_CLOSE_SECONDS = 2.0
_SHUTDOWN_SECONDS = 1.0
_LONGEST_LENGTH = 19
_ONCE = frozenset(
    (b"authorization", b"content-encoding", b"content-length", b"content-type", b"host", b"transfer-encoding")
)
_TEXTS = {
    400: b'{"error":"the request is no valid HTTP/1.1"}',
    408: b'{"error":"the request took too long to arrive"}',
    431: b'{"error":"the headers are too large"}',
}


class Phase(IntEnum):
    """Where a connection is."""

    HEAD = 0
    BODY = 1
    ANSWER = 2
    IDLE = 3
    CLOSING = 4


@dataclass(slots=True)
class Hall:
    """What the connections of one server share.

    Attributes:
        limits: Bounds.
        gauges: Counts.
        refused: Called with address, status and reason when a connection is refused below the application.
        tls: Context of the server, None for plain HTTP.
        config: uvicorn's configuration with the application.
        state: uvicorn's state of the server.
        open: Connections past the handshake.
        addresses: Connections of each address, handshakes included.
    """

    limits: Limits
    gauges: Gauges
    refused: Callable[[str, int, str], None]
    tls: ssl.SSLContext | None
    config: Config
    state: ServerState
    open: set[GuardedHttp] = field(default_factory=set)
    addresses: Counter[str] = field(default_factory=Counter)

    def enter(self, address: str) -> Seat | None:
        """Count a connection in; None when there are too many."""
        full = self.gauges.connections >= self.limits.connections
        if full or self.addresses[address] >= self.limits.address_connections:
            self.gauges.connections_refused += 1
            return None
        self.gauges.connections += 1
        self.addresses[address] += 1
        return Seat(self, address)

    def sweep(self, now: float) -> None:
        """End what is overdue at `now`, seconds of the loop's clock."""
        for connection in [item for item in self.open if item.deadline < now]:
            connection.expire(now)

    def abort(self) -> None:
        """End everything at once."""
        for connection in list(self.open):
            connection.transport.abort()


@dataclass(slots=True)
class Seat:
    """One connection's place among the limits; it is given back once, by whoever comes first."""

    hall: Hall
    address: str
    taken: bool = True

    def leave(self) -> None:
        """Count the connection out."""
        if not self.taken:
            return
        self.taken = False
        hall = self.hall
        hall.gauges.connections -= 1
        hall.addresses[self.address] -= 1
        if hall.addresses[self.address] <= 0:
            del hall.addresses[self.address]


class GuardedHttp(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol with phases, deadlines and bounds.

    Attributes:
        deadline: Loop time at which the present phase is overdue.
    """

    def __init__(self, hall: Hall, seat: Seat) -> None:
        super().__init__(config=hall.config, server_state=hall.state, app_state={})
        self._hall = hall
        self._seat = seat
        self._limits = hall.limits
        self._phase = Phase.HEAD
        self._head = 0
        self._head_open = False
        self._receiving = False
        self._beside = 0
        self.deadline = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a request's head."""
        super().connection_made(transport)
        self._hall.open.add(self)
        self._enter(Phase.HEAD, self._limits.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection out."""
        super().connection_lost(exc)
        self._hall.open.discard(self)
        self._seat.leave()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; bound what it may hold of a head."""
        if self._phase is Phase.CLOSING or self.parser is None or self.transport.is_closing():
            return
        if self._phase is Phase.IDLE:
            self._enter(Phase.HEAD, self._limits.header_seconds)
        if self._head_open or self._phase is Phase.HEAD:
            self._head += len(data)
        else:
            self._beside += len(data)
        super().data_received(data)
        if self._head > self._limits.header_bytes and (self._head_open or self._phase is Phase.HEAD):
            self._refuse(431, "headers")
        elif self._beside > self._limits.header_bytes and self._receiving and not self._head_open:
            self._refuse(431, "trailers")

    def on_message_begin(self) -> None:
        """A request begins; when sent ahead, in the middle of received bytes."""
        super().on_message_begin()
        self._receiving = self._head_open = True
        if self._phase is Phase.IDLE:
            self._enter(Phase.HEAD, self._limits.header_seconds)

    def on_headers_complete(self) -> None:
        """Refuse what could be read in two ways, or is too large; else start the application."""
        if self._phase is Phase.CLOSING:
            return
        reason = self._fault()
        if reason:
            self._refuse(431 if reason == "headers" else 400, reason)
            return
        self._head, self._head_open = 0, False
        super().on_headers_complete()
        # Fields after the body are no headers: what they say is dropped, and they come too late to be believed anyway.
        self.headers, self._beside = [], 0
        if self._phase is not Phase.ANSWER:
            self._enter(Phase.BODY, self._limits.body_seconds)

    def on_body(self, body: bytes) -> None:
        """Pass on a part of the body."""
        self._beside = 0
        if self._phase is not Phase.CLOSING:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is here; the answer is due."""
        if self._phase is Phase.CLOSING:
            return
        super().on_message_complete()
        self._receiving = False
        if self._phase is not Phase.BODY:
            # Sent ahead: the deadline of the answer under way stands.
            return
        if self.cycle.response_complete:
            self._enter(Phase.IDLE, self._limits.idle_seconds)
        else:
            self._enter(Phase.ANSWER, self._limits.answer_seconds)

    def on_response_complete(self) -> None:
        """Start the next request that was sent ahead, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._enter(Phase.CLOSING, _CLOSE_SECONDS)
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            if self._receiving and not self.pipeline:
                self._enter(Phase.BODY, self._limits.body_seconds)
            else:
                self._enter(Phase.ANSWER, self._limits.answer_seconds)
        elif self._head_open:
            self._enter(Phase.HEAD, self._limits.header_seconds)
        elif not self._receiving:
            # Otherwise it was answered before its body arrived, which is read and dropped under the body's deadline.
            self._enter(Phase.IDLE, self._limits.idle_seconds)

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are no HTTP; uvicorn calls this for whatever its parser refuses."""
        del msg
        if self._phase is not Phase.CLOSING:
            self._refuse(400, "malformed")

    def shutdown(self) -> None:
        """End once the request in progress is answered; at once if there is none."""
        if self._phase in {Phase.BODY, Phase.ANSWER} and not self.cycle.response_complete:
            self.cycle.keep_alive = False
            return
        self._close()

    def expire(self, now: float) -> None:
        """The phase is overdue: answer if possible, close; abort what is closing already."""
        phase = self._phase
        if phase in {Phase.CLOSING, Phase.ANSWER}:
            if phase is Phase.ANSWER:
                self._hall.gauges.timeouts["answer"] += 1
            self._abandon()
            self.transport.abort()
            self.deadline = now + _CLOSE_SECONDS
        elif phase is Phase.IDLE or (phase is Phase.HEAD and not self._head_open) or self._answered():
            self._close()
        else:
            self._hall.gauges.timeouts[phase.name.lower()] += 1
            self._refuse(408, "slow")

    def _answered(self) -> bool:
        return self._phase is Phase.BODY and self.cycle.response_complete

    def _enter(self, phase: Phase, seconds: float) -> None:
        self._phase = phase
        self.deadline = self.loop.time() + seconds

    def _fault(self) -> str:
        """Why the headers are not acceptable, empty when they are."""
        headers = self.headers
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in headers)
        if size > self._limits.header_bytes or len(headers) > self._limits.header_count:
            return "headers"
        if len(self.pipeline) >= self._limits.pipeline:
            return "pipeline"
        if self.parser.should_upgrade():
            return "upgrade"
        return _ambiguity(headers, self.parser.get_http_version())

    def _refuse(self, status: int, reason: str) -> None:
        self._hall.refused(self._seat.address, status, reason)
        if self.cycle is None or self.cycle.response_complete or not self._busy():
            text = _TEXTS[status]
            lines = [STATUS_LINE[status], *(name + b": " + value + b"\r\n" for name, value in self._headers())]
            lines += [b"content-type: application/json\r\ncontent-length: ", str(len(text)).encode()]
            self.transport.write(b"".join([*lines, b"\r\nconnection: close\r\n\r\n", text]))
        self._abandon()
        self._close()

    def _busy(self) -> bool:
        """Whether an answer is under way that another one must not cut into."""
        return self.cycle.response_started or self._phase is Phase.ANSWER or bool(self.pipeline)

    def _headers(self) -> list[tuple[bytes, bytes]]:
        return self.server_state.default_headers

    def _abandon(self) -> None:
        """Tell the application that its caller is gone."""
        self.pipeline.clear()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _close(self) -> None:
        self._enter(Phase.CLOSING, _CLOSE_SECONDS)
        self.transport.close()


def _ambiguity(headers: list[tuple[bytes, bytes]], version: str) -> str:
    """What two readers could take differently, empty for nothing."""
    named = dict(headers)
    if version != "1.1" and version != "1.0":  # noqa: PLR1714 - two comparisons are faster than a set
        return "version"
    if b"host" not in named and version == "1.1":
        return "host"
    if len(named) != len(headers):
        counts = Counter(name for name, _ in headers)
        if any(counts[name] > 1 for name in _ONCE):
            return "repeated_header"
    if len(named.get(b"content-length", b"")) > _LONGEST_LENGTH:
        return "framing"
    coding = named.get(b"transfer-encoding")
    if coding is not None and (coding.lower() != b"chunked" or b"content-length" in named):
        return "framing"
    return ""


def subject(address: str) -> str:
    """What limits are counted by: the address, or the /64 network of an IPv6 address, which one host owns whole."""
    try:
        parsed: Any = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False).network_address)
