"""Read what a child says: its first line is the engine's own word, all that follows is hostile.

Lines are JSON objects with one known key. Whatever else comes is dropped without an answer, for nothing of it decides
anything: a step is done when its process ended with 0 and its outputs are there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable

from stockade.pipeline.order import Failure, Progress
from stockade.types.execution import Isolation
from stockade.types.record import from_plain

_LONGEST_LINE = 1 << 16
_LONGEST_TEXT = 2000
_MOST_BYTES = 16 << 20


def printable(text: str, longest: int = _LONGEST_TEXT) -> str:
    """Text that cannot steer a terminal: control and format characters become spaces, and it is cut."""
    return "".join(mark if mark.isprintable() or mark == "\n" else " " for mark in text[:longest]).strip()


class ChildReader:
    """Collects a child's lines.

    Attributes:
        isolation: From the first line; None until then.
        done: Whether the step says it is done.
        failure: Why the step says it failed, if it does.
    """

    def __init__(self, report: Callable[[Progress], None]) -> None:
        self.isolation: Isolation | None = None
        self.done = False
        self.failure: Failure | None = None
        self._report = report
        self._rest = b""
        self._seen = 0
        self._first = True

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Lines that are too long, and all beyond 16 MiB, are dropped."""
        self._seen += len(data)
        if self._seen > _MOST_BYTES:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            self._rest = b""
        for line in lines:
            if len(line) <= _LONGEST_LINE:
                self._take(line)
            self._first = False

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
            if not isinstance(message, dict) or len(message) != 1:
                return
            ((name, value),) = message.items()
            if self._first:
                if name == "isolation":
                    self.isolation = from_plain(Isolation, value)
            elif name == "progress":
                self._progress(value)
            elif name == "failure":
                self.failure = _failure(from_plain(Failure, value))
            elif name == "done":
                self.done = value is True
        except (ValueError, RecursionError):
            return

    def _progress(self, value: object) -> None:
        done, total, text = from_plain(tuple[float, float, str], value)
        if math.isfinite(done) and math.isfinite(total) and 0 <= done <= max(total, done):
            self._report(Progress(done, total, printable(text, 200)))


def _failure(claim: Failure) -> Failure:
    return Failure(
        kind=printable(claim.kind, 80),
        message=printable(claim.message),
        code=printable(claim.code, 8),
        where=printable(claim.where),
        remedy=printable(claim.remedy),
    )


class LogCollector:
    """Keeps the start and the end of what a step prints, in bounded memory."""

    def __init__(self, half: int = 1 << 18) -> None:
        self._half = half
        self._head = b""
        self._tail = b""
        self._dropped = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > 2 * self._half:
            self._cut()

    def _cut(self) -> None:
        spare = len(self._tail) - self._half
        if spare > 0:
            self._dropped += spare
            self._tail = self._tail[spare:]

    def bytes(self) -> bytes:
        """What was kept, with a note in the middle of how much was not."""
        self._cut()
        note = f"\n[{self._dropped} bytes left out]\n".encode() if self._dropped else b""
        return self._head + note + self._tail
