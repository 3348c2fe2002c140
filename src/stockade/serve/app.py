"""The application: raw ASGI, one path for every request.

(1) route, (2) who calls, (3) may the caller, (4) method, (5) rate, (6) size and type as declared, (7) load, (8) body,
(9) strict reading, (10) the model, (11) the log, (12) the answer. A caller who is not known learns nothing beyond
(2): not even which paths exist. Nothing of a body is looked at before (8).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from stockade.model.session import Model
from stockade.serve import frames, openinference
from stockade.serve.access import Authenticator, Caller, Role
from stockade.serve.columns import Columns, RequestError
from stockade.serve.connection import subject
from stockade.serve.gauges import CONTENT_TYPE, Gauges
from stockade.serve.identity import Identity
from stockade.serve.journal import Journal, JournalError
from stockade.serve.settings import Limits, Settings
from stockade.serve.throttle import Throttle, retry_after

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = dict[bytes, bytes]

_JSON = (b"application/json", b"application/octet-stream", b"")
_LARGE = 65_536
_NO_HEADERS: tuple[tuple[bytes, bytes], ...] = ()
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Route:
    """A path.

    Attributes:
        name: Word for logs and counters.
        method: GET (HEAD is the same) or POST.
        role: What it takes; None for anybody.
    """

    name: str
    method: str
    role: Role | None


@dataclass(slots=True)
class Answer:
    """What goes back, and what the log says of it."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = _NO_HEADERS
    content_type: bytes = b"application/json"
    reason: str = ""
    rows: int = 0
    size: int = 0
    logged: bool = True


@dataclass(slots=True)
class Visit:
    """One request on its way.

    Attributes:
        number: Identifier for the caller and the log.
        address: Where it comes from.
        method: HTTP method.
        route: Where it goes, None for nowhere.
        headers: By lower-case name.
        begun: When, in seconds of the performance counter.
        caller: Who sent it, None while or when unknown.
    """

    number: str
    address: str
    method: str
    route: Route | None
    headers: Headers
    begun: float
    caller: Caller | None = None


class _GoneError(Exception):
    """The caller left before the body was complete."""


class Application:
    """Serves one model.

    Attributes:
        fault: Why requests are refused at the moment, empty when all is well.
    """

    def __init__(
        self,
        identity: Identity,
        model: Model,
        settings: Settings,
        *,
        authenticator: Authenticator,
        journal: Journal,
        gauges: Gauges,
    ) -> None:
        self._identity = identity
        self._model = model
        self._limits: Limits = settings.limits
        self._authenticator = authenticator
        self._journal = journal
        self._gauges = gauges
        self._columns = Columns(model.signature, settings.unseen, settings.limits.rows)
        self._outputs = openinference.output_names(model.signature)
        self._metadata = openinference.describe_model(
            model.signature, identity.name, identity.version, str(identity.digest)
        )
        self._routes = _routes(identity)
        self._keys = Throttle(self._limits.key_rows_per_second, self._limits.key_burst, time.monotonic)
        self._failures = Throttle(self._limits.failures_per_minute / 60, self._limits.failure_burst, time.monotonic)
        self._busy: Counter[str] = Counter()
        # One worker: large batches wait for each other, never for the loop, nor the loop for them.
        self._pool = ThreadPoolExecutor(1, "infer")
        self._boot = os.urandom(4).hex()
        self._count = 0
        self.fault = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise ValueError(f"this application does not speak {scope['type']!r}")
        client = scope.get("client")
        visit = self._visit(
            client[0] if client else "", scope["method"], self._routes.get(scope["path"]), dict(scope["headers"])
        )
        self._gauges.inflight += 1
        try:
            if visit.route is not None and visit.route.role is None:
                answer = self._health(visit.route, visit.method)
            else:
                visit.caller = self._identify(visit.headers)
                answer = await self._admit(visit, receive)
        except RequestError as error:
            unread = (b"connection", b"close") if error.reason == "body" else None
            answer = _refusal(error.status, error.message, error.reason, unread)
        except _GoneError:
            answer = Answer(499, b"", reason="gone")
        except Exception as error:  # noqa: BLE001 - a stranger must never see a trace, nor end the server with one
            answer = _refusal(500, "internal error", f"internal:{_place(error)}")
        finally:
            self._gauges.inflight -= 1
        self._account(answer, visit)
        if answer.status != 499:
            await _send(send, answer, visit.number)

    def refused(self, address: str, status: int, reason: str) -> None:
        """Log a connection that was refused below the application, as often as the address's limit allows."""
        answer = Answer(status, b"", reason=reason, logged=not self._failures.admit(address))
        self._account(answer, self._visit(address, "", None, {}))

    async def tick(self, *, second: bool) -> None:
        """Write the log out; once a second, also sync it and take in revocations.

        Args:
            second: Whether a second has passed since the last such call.
        """
        try:
            self._journal.flush()
            waiting = self._journal.begin_sync() if second else None
            if waiting is not None:
                await asyncio.get_running_loop().run_in_executor(self._pool, waiting)
        except JournalError:
            self.fault = "log"
            return
        known = not second or self._authenticator.refresh()
        if second:
            self.fault = "" if known else "keys"
        elif self.fault == "log":
            self.fault = ""

    def close(self) -> None:
        """Finish the log; the pool is idle when the server has stopped."""
        self._pool.shutdown(wait=True)
        self._journal.close()

    def _health(self, route: Route, method: str) -> Answer:
        if method not in {"GET", "HEAD"}:
            return _refusal(405, "method not allowed", "method", (b"allow", b"GET, HEAD"), logged=False)
        if route.name == "live":
            return Answer(200, b'{"live":true}', logged=False)
        ready = not self.fault
        return Answer(200 if ready else 503, b'{"ready":true}' if ready else b'{"ready":false}', logged=False)

    def _visit(self, address: str, method: str, route: Route | None, headers: Headers) -> Visit:
        self._count += 1
        return Visit(f"{self._boot}-{self._count:x}", address, method, route, headers, time.perf_counter())

    def _identify(self, headers: Headers) -> Caller | None:
        scheme, _, credential = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        return self._authenticator.identify(credential.strip())

    async def _admit(self, visit: Visit, receive: Receive) -> Answer:
        """Steps (2) to (8)."""
        caller, headers = visit.caller, visit.headers
        if caller is None:
            return self._unknown(subject(visit.address), headers)
        route = self._permit(visit, caller)
        if isinstance(route, Answer):
            return route
        if route.method == "GET":
            return self._tell(route)
        if self._gauges.inflight > self._limits.concurrency:
            return _refusal(503, "overloaded", "overloaded", (b"retry-after", b"1"), _closing(headers))
        if self._busy[caller.name] >= self._limits.key_concurrency:
            return _refusal(429, "too many requests", "key_concurrency", (b"retry-after", b"1"), _closing(headers))
        self._busy[caller.name] += 1
        try:
            return await self._infer(route, caller, await self._body(receive))
        finally:
            self._busy[caller.name] -= 1

    def _unknown(self, network: str, headers: Headers) -> Answer:
        wait = self._failures.admit(network)
        if wait:
            return _refusal(
                429,
                "too many requests",
                "failures",
                (b"retry-after", retry_after(wait)),
                _closing(headers),
                logged=False,
            )
        return _refusal(401, "unauthorized", "credential", (b"www-authenticate", b"Bearer"), _closing(headers))

    def _permit(self, visit: Visit, caller: Caller) -> Answer | Route:
        """Find the way, or refuse by path, role, method, rate, and what is declared of the body."""
        route, closing = visit.route, _closing(visit.headers)
        if self.fault:
            return _refusal(503, "unavailable", f"fault_{self.fault}", (b"retry-after", b"5"), closing, logged=False)
        wait = self._keys.admit(caller.name)
        if wait:
            return _refusal(429, "too many requests", "rate", (b"retry-after", retry_after(wait)), closing)
        if route is None:
            return _refusal(404, "not found", "path", closing)
        if route.role not in caller.roles:
            return _refusal(403, "forbidden", "role", closing)
        allowed = (route.method, "HEAD") if route.method == "GET" else (route.method,)
        if visit.method not in allowed:
            return _refusal(405, "method not allowed", "method", (b"allow", ", ".join(allowed).encode()), closing)
        refusal = self._declared(visit.headers) if route.method == "POST" else None
        return refusal or route

    def _declared(self, headers: Headers) -> Answer | None:
        length = headers.get(b"content-length")
        if length is None and b"transfer-encoding" not in headers:
            return _refusal(411, "a content length is required", "length")
        if length is not None and int(length) > self._limits.body_bytes:
            return self._too_large()
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind not in _JSON or headers.get(b"content-encoding", b"identity").lower() != b"identity":
            return _refusal(415, "application/json without compression is expected", "content_type", _closing(headers))
        if b"inference-header-content-length" in headers:
            text = "binary data is not taken, send JSON (tritonclient: binary_data=False)"
            return _refusal(400, text, "binary", _closing(headers))
        return None

    def _too_large(self) -> Answer:
        text = f"a request may have {self._limits.body_bytes} bytes at most"
        return _refusal(413, text, "body", (b"connection", b"close"))

    def _tell(self, route: Route) -> Answer:
        identity = self._identity
        if route.name == "metrics":
            shown = self._gauges.render(identity.name, identity.version, str(identity.digest))
            return Answer(200, shown, content_type=CONTENT_TYPE)
        if route.name == "model":
            return Answer(200, self._metadata)
        if route.name == "model_ready":
            return Answer(200, _encode({"name": identity.name, "ready": True}))
        return Answer(200, _encode({"name": "stockade", "version": "2", "extensions": [], "models": [identity.name]}))

    async def _body(self, receive: Receive) -> bytes:
        message = await receive()
        if message["type"] != "http.request":
            raise _GoneError
        body: bytes = message["body"]
        if not message["more_body"] and len(body) <= self._limits.body_bytes:
            return body
        parts, size = [body], len(body)
        while message["more_body"] and size <= self._limits.body_bytes:
            message = await receive()
            if message["type"] != "http.request":
                raise _GoneError
            parts.append(message["body"])
            size += len(parts[-1])
        if size > self._limits.body_bytes:
            raise RequestError(f"a request may have {self._limits.body_bytes} bytes at most", reason="body", status=413)
        return b"".join(parts)

    async def _infer(self, route: Route, caller: Caller, body: bytes) -> Answer:
        begun = time.perf_counter()
        work = self._scored if route.name == "invocations" else self._inferred
        if len(body) > _LARGE:
            answer, rows = await asyncio.get_running_loop().run_in_executor(self._pool, work, body)
        else:
            answer, rows = work(body)
        self._keys.charge(caller.name, rows - 1)
        self._gauges.rows += rows
        self._gauges.observe(time.perf_counter() - begun)
        return Answer(200, answer, rows=rows, size=len(body))

    def _inferred(self, body: bytes) -> tuple[bytes, int]:
        batch = openinference.read_request(body, self._columns, self._outputs)
        predicted, labels = self._predict(batch)
        name, version = self._identity.name, self._identity.version
        return openinference.write_answer(batch, predicted, labels, name, version), batch.rows

    def _scored(self, body: bytes) -> tuple[bytes, int]:
        batch = frames.read_frame(body, self._columns)
        predicted, labels = self._predict(batch)
        return frames.write_predictions(predicted, labels, self._model.signature.classes), batch.rows

    def _predict(self, batch: openinference.Batch) -> tuple[Any, list[str] | None]:
        predicted = self._model.predict(batch.columns)
        if not np.isfinite(predicted).all():
            raise RequestError("the model gave no finite answer", reason="output_not_finite", status=500)
        classes = self._model.signature.classes
        return predicted, self._model.labels(predicted).tolist() if classes else None

    def _account(self, answer: Answer, visit: Visit) -> None:
        """Count it and log it. A 429 or a stranger's failure beyond the limit is only counted."""
        route, caller = visit.route, visit.caller
        name = route.name if route else "none"
        self._gauges.requests[name, answer.status] += 1
        if answer.reason:
            self._gauges.refusals[answer.reason.partition(":")[0]] += 1
        if not answer.logged:
            return
        entry: dict[str, object] = {
            "event": "request",
            "time": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
            "id": visit.number,
            "address": visit.address,
            "caller": caller.name if caller else None,
            "method": visit.method if visit.method in {"", "GET", "HEAD", "POST"} else "other",
            "route": name,
            "status": answer.status,
            "reason": answer.reason,
            "rows": answer.rows,
            "bytes": answer.size,
            "ms": round((time.perf_counter() - visit.begun) * 1e3, 3),
        }
        try:
            self._journal.record(entry)
        except JournalError:
            # An answer that cannot be logged is not given.
            self.fault = "log"
            answer.status, answer.body, answer.headers = 503, b'{"error":"unavailable"}', ((b"retry-after", b"5"),)
            answer.content_type = b"application/json"


def _routes(identity: Identity) -> dict[str, Route]:
    model = f"/v2/models/{identity.name}"
    routes = {
        "/v2": Route("server", "GET", Role.METADATA),
        "/v2/health/live": Route("live", "GET", None),
        "/v2/health/ready": Route("ready", "GET", None),
        "/metrics": Route("metrics", "GET", Role.METRICS),
        "/invocations": Route("invocations", "POST", Role.INFER),
    }
    for prefix in (model, f"{model}/versions/{identity.version}"):
        routes[prefix] = Route("model", "GET", Role.METADATA)
        routes[f"{prefix}/ready"] = Route("model_ready", "GET", Role.METADATA)
        routes[f"{prefix}/infer"] = Route("infer", "POST", Role.INFER)
    return routes


def _refusal(status: int, text: str, reason: str, *headers: tuple[bytes, bytes] | None, logged: bool = True) -> Answer:
    kept = tuple(header for header in headers if header is not None)
    return Answer(status, _encode({"error": text}), kept, reason=reason, logged=logged)


def _closing(headers: Headers) -> tuple[bytes, bytes] | None:
    """Close after refusing a large body unread; a small one is read and dropped, which keeps the TLS session."""
    length = headers.get(b"content-length", b"0" if b"transfer-encoding" not in headers else b"")
    return None if length.isdigit() and int(length) <= _LARGE else (b"connection", b"close")


def _place(error: Exception) -> str:
    """Class and place of an unexpected error; its text could hold a caller's values."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "?"  # noqa: PTH119
    return f"{type(error).__name__}@{place}"


async def _send(send: Send, answer: Answer, number: str) -> None:
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", str(len(answer.body)).encode()),
        (b"x-request-id", number.encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
