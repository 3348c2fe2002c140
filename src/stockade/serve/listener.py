"""Accepting connections: counted before anything is done for them, and under a deadline while in the handshake.

The socket is accepted here rather than by the event loop's server, because that one begins a TLS handshake for every
caller and tells nobody: thousands of half-open handshakes would take all descriptors without passing any limit.
"""

from __future__ import annotations

import asyncio
import errno
import socket

from stockade.serve.connection import GuardedHttp, Hall, Seat, subject

_BACKLOG = 1_024
_AT_ONCE = 64
_PAUSE_SECONDS = 0.2
_SHUTDOWN_SECONDS = 1.0
_EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class Listener:
    """Accepts from one bound socket; it has the two methods that uvicorn asks of a server.

    Args:
        hall: What the connections share.
        listener: Bound, non-blocking.
    """

    def __init__(self, hall: Hall, listener: socket.socket) -> None:
        self._hall = hall
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._closed = False

    def start(self) -> None:
        """Begin to accept."""
        self._listener.listen(_BACKLOG)
        self._resume()

    def close(self) -> None:
        """Accept no more, and give up the handshakes under way."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for task in list(self._handshakes):
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait for the handshakes to be given up."""
        await asyncio.gather(*self._handshakes, return_exceptions=True)

    def _resume(self) -> None:
        if not self._closed:
            self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    # The waiting connection stays in the backlog; asking again at once would spin.
                    self._loop.remove_reader(self._listener)
                    self._loop.call_later(_PAUSE_SECONDS, self._resume)
                    return
                continue
            seat = self._hall.enter(subject(peer[0]))
            if seat is None:
                connection.close()
                continue
            connection.setblocking(False)  # noqa: FBT003 - the socket module's own signature
            task = self._loop.create_task(self._welcome(connection, seat))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _welcome(self, connection: socket.socket, seat: Seat) -> None:
        hall = self._hall
        try:
            if hall.tls is None:
                await self._loop.connect_accepted_socket(lambda: GuardedHttp(hall, seat), connection)
                return
            await self._loop.connect_accepted_socket(
                lambda: GuardedHttp(hall, seat),
                connection,
                ssl=hall.tls,
                ssl_handshake_timeout=hall.limits.handshake_seconds,
                ssl_shutdown_timeout=_SHUTDOWN_SECONDS,
            )
        except OSError as error:
            # Holds ssl.SSLError, resets and time-outs: a peer that does not get as far as HTTP.
            late = "taking longer" in str(error)
            hall.gauges.timeouts["handshake"] += late
            hall.gauges.refusals["handshake"] += not late
            seat.leave()
        except asyncio.CancelledError:
            seat.leave()
            raise
