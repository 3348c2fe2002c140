"""The executor on this machine: a zygote, started on first use, that forks one confined child per order."""

from __future__ import annotations

import errno
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import IO

from stockade.errors import ServiceError, StepLimitError, StepOutputError
from stockade.pipeline import child, outputs, reading, zygote
from stockade.pipeline.channel import ChildReader, LogCollector, printable
from stockade.pipeline.order import Ending, Failure, Order, Progress, Receipt, Task
from stockade.sandbox import user
from stockade.store.durable import explained
from stockade.types.digest import Digest

_QUIET = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "ORT_DISABLE_TELEMETRY": "1",
}
"""Libraries start no threads when they are imported, and report to nobody."""
_PATIENCE = 5.0
_LIMITS = {
    "time": "ran longer than its limit of {0.seconds:g} seconds",
    "memory": "used more than its limit of {0.memory_bytes} bytes of memory",
    "output": "wrote more than its limit of {0.output_bytes} bytes, or far too many files",
    "threads": "had more than its limit of {0.threads} threads",
    "processes": "had more than its limit of {0.processes} processes",
}
_REMEDIES: dict[int, str] = {
    signal.SIGABRT: "a library gave up, most often for lack of memory: raise the step's memory limit",
    signal.SIGKILL: "most often the machine ran out of memory: close other programs, or use less data",
    signal.SIGSEGV: "a library crashed; the log may say which",
}


class LocalExecutor:
    """Runs orders in children of one zygote; an `order.Executor`.

    Args:
        preload: Modules the zygote imports, so that children have them at once.
        fresh: Execute a new interpreter for each order instead (``isolation = "strict"``).
    """

    def __init__(self, preload: tuple[str, ...] = (), *, fresh: bool = False) -> None:
        # A new interpreter imports for itself, so the process that starts it stays free of other people's code.
        self._preload = () if fresh else preload
        self._fresh = fresh
        self._reach: frozenset[tuple[str, str]] = frozenset()
        self._complaints: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    def execute(self, order: Order, report: Callable[[Progress], None]) -> Receipt:
        """Run one step; see the port. Interrupted (Ctrl-C), it ends all processes first."""
        try:
            channel = self._connected(_reach(order))
            started = time.monotonic()
            with explained(order.folder, "prepare"):
                task = self._prepare(order)
            reader, log = ChildReader(report), LogCollector()
            ending = _converse(channel, task, reader, log)
        except (EOFError, ConnectionError) as error:
            words = self._last_words()
            self.close()
            raise ServiceError(
                f"the process that starts steps has ended by itself{words}",
                remedy="run again; if it happens again, the machine may be short of memory",
            ) from error
        except BaseException:
            self.close()
            raise
        failure = _judge(order, reader, ending)
        copies: tuple[tuple[Path, Digest], ...] = ()
        if failure is None:
            try:
                copies = _copies(order)
            except (StepOutputError, StepLimitError) as error:
                failure = Failure(type(error).__name__, error.message, error.code, error.where, error.remedy)
        seconds = time.monotonic() - started
        return Receipt(reader.isolation, ending, failure, copies, log.bytes(), seconds)

    def close(self) -> None:
        """End the zygote and every process below it."""
        channel, process = self._channel, self._process
        self._channel = self._process = None
        if channel is not None:
            channel.close()
        if self._complaints is not None:
            self._complaints.close()
            self._complaints = None
        if process is not None:
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _last_words(self) -> str:
        """What the zygote complained of last, such as a module that it lacks."""
        if self._process is None or self._complaints is None:
            return ""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)
        self._complaints.seek(0)
        lines = self._complaints.read().decode("utf-8", "replace").strip().splitlines()
        return f": {printable(lines[-1], 300)}" if lines else ""

    def _connected(self, reach: frozenset[tuple[str, str]]) -> socket.socket:
        if not reach <= self._reach:
            # Nothing widens what a process may reach, so another one takes its place.
            self.close()
            self._reach |= reach
        if self._channel is None:
            ours, theirs = socket.socketpair()
            self._channel = ours
            self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
            command = [sys.executable, "-I", "-X", "utf8", "-m", "stockade.pipeline.zygote", str(theirs.fileno())]
            reach_of = {
                kind: [path for name, path in sorted(self._reach) if name == kind] for kind in ("read", "write")
            }
            with theirs:
                self._process = subprocess.Popen(
                    [*command, json.dumps(reach_of), *self._preload],
                    env=_QUIET,
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._complaints,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
            zygote.receive(ours)
        return self._channel

    def _prepare(self, order: Order) -> Task:
        step, limits = order.step, order.step.limits
        work, given = order.folder / "work", order.folder / "in"
        for folder in (work, work / child.OUTPUT, work / child.TEMPORARY, order.folder / "private"):
            folder.mkdir(mode=0o700)
        given.mkdir(exist_ok=True)
        given.chmod(0o711)
        inputs = dict(order.inputs)
        for name, path in order.secrets.items():
            inputs[name] = given / f"secret-{name}"
            inputs[name].touch(mode=0o600)
            shutil.copyfile(path, inputs[name])
        identity = _identity(order)
        if identity is not None:
            # An input may have a folder of its own, for the sake of its name.
            parents = {path.parent for path in inputs.values()} - {given}
            _hand_over(identity, [work, work / child.OUTPUT, work / child.TEMPORARY, *parents], inputs.values())
        return Task(
            call=step.call,
            outputs=len(step.outputs),
            inputs={name: str(path) for name, path in inputs.items()},
            params=dict(step.params),
            folder=str(work),
            read=tuple(map(str, reading.readable())),
            sources=tuple(map(str, order.sources)),
            listed=tuple(map(str, reading.listed())),
            environment={**_QUIET, "HOME": str(work), "TMPDIR": str(work / child.TEMPORARY), "LANG": "C.UTF-8"},
            memory_bytes=limits.memory_bytes,
            output_bytes=limits.output_bytes,
            seconds=limits.seconds,
            threads=limits.threads,
            processes=limits.processes,
            user=identity,
            fresh=self._fresh,
        )


def _reach(order: Order) -> frozenset[tuple[str, str]]:
    """What the processes of an order read, and where they write; orders of one run lie in one folder."""
    place = order.folder.parent
    outside = {path for path in order.inputs.values() if not path.is_relative_to(place)}
    return frozenset({("write", str(place)), *(("read", str(path)) for path in (*order.sources, *outside))})


def _identity(order: Order) -> int | None:
    """Another user for the step, where this process is root and that user could read what it needs."""
    if os.geteuid() != 0 or not _interpreter_is_public():
        return None
    return user.spare_id(os.getpid()) if user.readable_to_all((*order.sources, order.folder / "in" / "x")) else None


@cache
def _interpreter_is_public() -> bool:
    return user.readable_to_all(reading.must_reach())


def _hand_over(identity: int, folders: Iterable[Path], files: Iterable[Path]) -> None:
    for path in (*folders, *files):
        os.chown(path, identity, identity)


def _converse(channel: socket.socket, task: Task, reader: ChildReader, log: LogCollector) -> Ending:
    log_end, log_start = os.pipe2(os.O_CLOEXEC)
    report_end, report_start = os.pipe2(os.O_CLOEXEC)
    feeds = {log_end: log.feed, report_end: reader.feed}
    try:
        try:
            zygote.send(channel, task.to_bytes(), (log_start, report_start))
        finally:
            os.close(log_start)
            os.close(report_start)
        poll = select.poll()
        for descriptor in (channel.fileno(), log_end, report_end):
            poll.register(descriptor, select.POLLIN)
        ending: Ending | None = None
        while feeds or ending is None:
            # After the ending no writer is left, so the pipes have nothing but what is in them already.
            for descriptor, _ in poll.poll():
                if descriptor == channel.fileno():
                    ending = Ending.parse(zygote.receive(channel)[0])
                    poll.unregister(descriptor)
                elif data := os.read(descriptor, 1 << 16):
                    feeds[descriptor](data)
                else:
                    poll.unregister(descriptor)
                    feeds.pop(descriptor)
        return ending
    finally:
        os.close(log_end)
        os.close(report_end)


def _judge(order: Order, reader: ChildReader, ending: Ending) -> Failure | None:
    if ending.reason in _LIMITS:
        return _limit("it " + _LIMITS[ending.reason].format(order.step.limits))
    if ending.status == 0 and reader.done:
        return None
    if reader.failure is not None:
        return _judge_claim(order, reader.failure)
    if ending.status < 0:
        return Failure(
            "Signal", f"it was ended by {_signal_name(-ending.status)}", remedy=_REMEDIES.get(-ending.status, "")
        )
    return Failure("SystemExit", f"its process ended by itself, with exit code {ending.status}")


def _judge_claim(order: Order, claim: Failure) -> Failure:
    if claim.kind == "MemoryError":
        return _limit("it " + _LIMITS["memory"].format(order.step.limits))
    if claim.kind == "RuntimeError" and claim.message == "can't start new thread":
        return _limit("it had more threads than its memory limit has room for")
    if claim.kind == "OSError" and f"[Errno {errno.EFBIG}]" in claim.message:
        return _limit("it " + _LIMITS["output"].format(order.step.limits))
    if claim.kind == "OSError" and f"[Errno {errno.ENOSPC}]" in claim.message:
        claim = replace(claim, remedy="the disk is full: free some space and run again")
    return _without_folders(claim, order.folder)


def _limit(message: str) -> Failure:
    return Failure(
        "StepLimitError", message, StepLimitError.code, remedy="raise the limit of this step if that is right"
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _without_folders(claim: Failure, folder: Path) -> Failure:
    """Private folders mean nothing to the reader, and are gone when they look."""
    prefix = re.compile(re.escape(str(folder)) + r"/(in/[^/\s]+/|work/out/)?")
    return replace(claim, **{name: prefix.sub("", getattr(claim, name)) for name in ("message", "where", "remedy")})


def _copies(order: Order) -> tuple[tuple[Path, Digest], ...]:
    results, private = order.folder / "work" / child.RESULT, order.folder / "private"
    return outputs.copy_out(results, len(order.step.outputs), private, order.step.limits.output_bytes)
