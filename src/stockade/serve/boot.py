"""Verified boot: from an `Admitted` and bytes to a listening server, or a refusal.

(1) only what `policy.admit` made, (2) only the very bytes it speaks of, (3) callers, certificate, log and port,
(4) rights given up, (5) the model, from memory and inside the confinement: a file changed later changes nothing, and a
hostile one breaks into a process that can do nothing. Then, in `Server.run`, (6) the first connection.

Nothing heavy is imported before (4): onnxruntime starts a thread when it is imported, and confinement binds only the
thread that asks for it and those it starts later.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
import uvloop

from stockade.errors import DigestMismatchError, EvidenceError, ServiceError, UnsupportedError
from stockade.policy.admit import Admitted
from stockade.sandbox.confine import Confinement, confine
from stockade.serve.access import Authenticator, KeyAuthenticator
from stockade.serve.connection import GuardedHttp, Hall
from stockade.serve.gauges import Gauges
from stockade.serve.identity import Identity
from stockade.serve.journal import Journal
from stockade.serve.listener import Listener
from stockade.serve.settings import Settings
from stockade.serve.tls import server_context
from stockade.types.digest import Digest
from stockade.types.execution import ISOLATION_LEVELS, Isolation

if TYPE_CHECKING:
    from stockade.serve.app import Application

_TICK_SECONDS = 0.1
_TICKS_A_SECOND = 10
_SPARE_DESCRIPTORS = 128
_SYSTEM = (
    "/usr/lib",
    "/lib",
    "/usr/share/zoneinfo",
    "/dev/urandom",
    "/proc/cpuinfo",
    "/sys/bus/pci/devices",
    "/sys/devices",
    "/sys/kernel/mm/transparent_hugepage",
)
_HEADERS = [
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("x-content-type-options", "nosniff"),
]
_SECURE_HEADERS = [*_HEADERS, ("strict-transport-security", "max-age=31536000")]


class UnprovenError(EvidenceError):
    """The server was asked to serve a model that no policy has admitted.

    A server boots only from an admission: evidence that was verified, held against the policy, and not refused. Run
    ``stockade promote`` first, and let ``stockade serve`` find the model by its alias.
    """

    code = "E120"


class PortError(ServiceError):
    """The address and port cannot be listened on: in use, not this machine's, or reserved for root."""

    code = "V112"


class Server:
    """A server that is bound to its port and not yet accepting; `boot` makes it.

    Attributes:
        url: Where it listens.
        model: Digest of the bytes it serves.
        isolation: What confinement was achieved; None when switched off.
    """

    def __init__(self, app: Application, hall: Hall, place: _Place, model: Digest, isolation: Isolation | None) -> None:
        self._app = app
        self._hall = hall
        self._place = place
        self._loop: _Loop | None = None
        self._stopping = threading.Event()
        self.url = place.url
        self.model = model
        self.isolation = isolation

    def run(self, *, ready: Callable[[str], None] | None = None) -> None:
        """Serve until SIGTERM, SIGINT or `stop`, answer what is in progress, and return.

        Signals are watched when this is the main thread.

        Args:
            ready: Called with the URL once connections are accepted.
        """
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve(ready))

    def stop(self) -> None:
        """Tell the server to stop; may be called from any thread, and again."""
        self._stopping.set()
        if self._loop is not None:
            self._loop.should_exit = True

    async def _serve(self, ready: Callable[[str], None] | None) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_ignore)
        self._loop = _Loop(self._hall, self._place.listener, lambda: ready(self.url) if ready else None)
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._loop.handle_exit, number, None)
        if self._stopping.is_set():
            self._loop.should_exit = True
        ticking = asyncio.create_task(self._tick())
        try:
            await self._loop.serve()
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
            self._hall.abort()
            self._app.close()

    async def _tick(self) -> None:
        count = 0
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            count += 1
            self._hall.sweep(asyncio.get_running_loop().time())
            try:
                await self._app.tick(second=count % _TICKS_A_SECOND == 0)
            except Exception:  # noqa: BLE001 - a defect in an authenticator must not end the sweeping of connections
                self._app.fault = "internal"


class _Place:
    """A listening place: the socket, its URL, and the settings it came from."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.listener = _bind(settings)
        host, port = self.listener.getsockname()[:2]
        shown = "localhost" if settings.host in {"127.0.0.1", "::1", "localhost"} and settings.tls else host
        shown = f"[{shown}]" if ":" in shown else shown
        self.url = f"{'https' if settings.tls else 'http'}://{shown}:{port}"


class _Loop(uvicorn.Server):
    """uvicorn's server, listening through `Listener` on a socket bound before, and leaving signals to its owner."""

    def __init__(self, hall: Hall, listener: socket.socket, ready: Callable[[], None]) -> None:
        super().__init__(hall.config)
        self.server_state = hall.state
        self._hall = hall
        self._listener = listener
        self._ready = ready

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop."""
        await self._serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections."""
        del sockets
        await self.lifespan.startup()
        await self.on_tick(0)
        listener = Listener(self._hall, self._listener)
        self.servers = [listener]  # type: ignore[list-item]
        listener.start()
        self.started = True
        self._ready()


def boot(admitted: Admitted, model: bytes, settings: Settings, *, authenticator: Authenticator | None = None) -> Server:
    """Boot from an admission, or refuse. The calling process is confined for good, unless the settings say otherwise.

    Args:
        admitted: What `policy.admit` made of verified evidence; nothing else is taken.
        model: The model's bytes. They are hashed and loaded from this very object.
        settings: How to serve.
        authenticator: Who may call; by default the keys of ``settings.keys``.

    Raises:
        UnprovenError: `admitted` is anything but an `Admitted`.
        DigestMismatchError: the bytes are not those that were admitted.
        UnsupportedError: the confinement reaches less than the settings ask for.
        StockadeError: the model, keys, certificate, outbox or port cannot be used.
    """
    if type(admitted) is not Admitted:
        raise UnprovenError(
            f"the server boots from an admission alone, not from {type(admitted).__name__}",
            remedy="Promote the model, so that its evidence is verified and held against the policy.",
        )
    digest = Digest.of(model)
    if digest != admitted.model:
        raise DigestMismatchError(
            f"the model's bytes are {digest.short}, and {admitted.model.short} was admitted",
            where=f"model {admitted.name!r}",
            remedy="The file was altered or swapped; restore it from the registry.",
        )
    return open_server(Identity(admitted.name, str(admitted.version), digest), model, settings, authenticator)


def open_server(
    identity: Identity, model: bytes, settings: Settings, authenticator: Authenticator | None = None
) -> Server:
    """Steps (3) to (5) of `boot`, which is the only way to here outside tests: it takes the identity on trust."""
    known = authenticator or KeyAuthenticator(settings.keys)
    context = server_context(settings.tls) if settings.tls is not None else None
    place = _Place(settings)
    journal: Journal | None = None
    try:
        journal = _journal(identity, settings, place.url)
        isolation = _confine(settings) if settings.confine else None
        # onnxruntime would send usage data to its maker. The confinement stops it; this keeps it from trying.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        # From here on the process is confined, and only now may these be imported.
        from stockade.model.session import Model
        from stockade.serve.app import Application

        gauges = Gauges()
        app = Application(identity, Model(model), settings, authenticator=known, journal=journal, gauges=gauges)
    except BaseException:
        place.listener.close()
        if journal is not None:
            journal.close()
        raise
    hall = Hall(settings.limits, gauges, app.refused, context, _uvicorn(app, settings), uvicorn.server.ServerState())
    return Server(app, hall, place, identity.digest, isolation)


def _journal(identity: Identity, settings: Settings, url: str) -> Journal:
    return Journal(
        settings.outbox,
        {"server": url, "name": identity.name, "version": identity.version, "model": str(identity.digest)},
        sync=settings.sync,
        log_bytes=settings.log_bytes,
        stream=settings.stream,
    )


def _uvicorn(app: Application, settings: Settings) -> uvicorn.Config:
    _silence()
    config = uvicorn.Config(
        app,
        http=GuardedHttp,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        headers=_HEADERS if settings.tls is None else _SECURE_HEADERS,
        timeout_graceful_shutdown=max(1, round(settings.limits.stop_seconds)),
    )
    config.load()
    return config


def _bind(settings: Settings) -> socket.socket:
    try:
        kind, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(kind, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.settimeout(0)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise PortError(
            f"cannot listen: {error.strerror}",
            where=f"{settings.host}:{settings.port}",
            remedy="Choose another port with --port, or 0 for any free one.",
        ) from error
    return listener


def _confine(settings: Settings) -> Isolation:
    """Step (4). Landlock and seccomp bind this thread and what it starts; threads there already stay free."""
    threads = threading.active_count()
    with contextlib.suppress(OSError):
        threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208 - only counted
    reached = confine(
        Confinement(
            read=_readable(settings),
            write=(settings.outbox.resolve(),),
            open_files=max(1_024, settings.limits.connections + _SPARE_DESCRIPTORS),
            serving=True,
        )
    )
    demanded = ISOLATION_LEVELS.index(settings.isolation)
    if threads > 1:
        note = f"{threads - 1} threads were started before the confinement, which does not bind them"
        reached = replace(reached, notes=(*reached.notes, note))
    if ISOLATION_LEVELS.index(reached.level) < demanded or (threads > 1 and demanded):
        raise UnsupportedError(
            f"the server is confined to level {reached.level!r}, and {settings.isolation!r} is demanded: "
            + "; ".join(reached.notes),
            where="serve isolation",
            remedy="Run `stockade doctor` to see what this machine can enforce, or lower the demand.",
        )
    return reached


def _readable(settings: Settings) -> tuple[Path, ...]:
    """The interpreter, its libraries, the shape of the processor, and the folder of keys, for revocations.

    Of other places that modules come from, such as the folder a command was typed in, only this package.
    """
    libraries = [place for place in sys.path if Path(place).name in {"site-packages", "dist-packages"}]
    package = str(Path(__file__).resolve().parents[1])
    places = [sys.prefix, sys.base_prefix, sys.exec_prefix, package, *libraries, *_SYSTEM]
    found = {Path(place).resolve() for place in places if os.path.exists(place)}  # noqa: PTH110 - str or Path
    return (*sorted(found), settings.keys.resolve().parent)


def _silence() -> None:
    """Keep uvicorn's own messages, which quote requests, from the last-resort handler."""
    logger = logging.getLogger("uvicorn")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _ignore(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Peers that break off a handshake or a connection are counted by `Listener`, and are no error of the server."""
