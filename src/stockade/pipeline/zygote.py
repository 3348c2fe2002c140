"""The process that forks one child per step from a warm interpreter.

Executed by the runner as ``python -I -m stockade.pipeline.zygote SOCKET REACH MODULE...`` with an empty environment, so
it holds nothing of the runner's: no memory, no descriptor but one socket, no secret in its environment. It confines
itself before it imports the modules named, for a poisoned library acts when it is imported: from then on neither it nor
anything below it can reach a key, the network, or a file outside the interpreter and `REACH`. It uses none of the
modules, for some libraries hang in a child when they were used before the fork.

Such a library still shares this process with the steps of one run. ``isolation = "strict"`` imports none here.

It is a subreaper: whatever a step starts and abandons becomes its child, and it reports a step's end only after every
descendant has ended. When the runner goes away, the socket closes, and the zygote ends its children and itself.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

from stockade.pipeline import child, reading, watch
from stockade.pipeline.order import Ending, Task
from stockade.sandbox import kernel
from stockade.sandbox.confine import close_descriptors, confine_starter

_HEADER = 4


def send(channel: socket.socket, data: bytes, descriptors: tuple[int, ...] = ()) -> None:
    """Send one message, length first, with descriptors attached to the length."""
    header = len(data).to_bytes(_HEADER, "big")
    if descriptors:
        socket.send_fds(channel, [header], list(descriptors))
    else:
        channel.sendall(header)
    channel.sendall(data)


def receive(channel: socket.socket, descriptors: int = 0) -> tuple[bytes, list[int]]:
    """Receive one message and the descriptors sent with it.

    Raises:
        EOFError: the other side has gone.
    """
    header, passed, _, _ = socket.recv_fds(channel, _HEADER, descriptors)
    header += _exactly(channel, _HEADER - len(header)) if header else b""
    if not header:
        raise EOFError
    return _exactly(channel, int.from_bytes(header, "big")), passed


def _exactly(channel: socket.socket, count: int) -> bytes:
    parts: list[bytes] = []
    while count:
        part = channel.recv(min(count, 1 << 16))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def serve(channel: socket.socket) -> None:
    """Fork a child per task until the runner closes the socket."""
    while True:
        try:
            data, descriptors = receive(channel, 2)
        except (EOFError, ConnectionError):
            return
        ending = _fork(Task.parse(data), descriptors, channel)
        try:
            send(channel, ending.to_bytes())
        except ConnectionError:
            return


def _fork(task: Task, descriptors: list[int], channel: socket.socket) -> Ending:
    log, reports = descriptors
    pid = os.fork()
    if pid == 0:
        _become_child(task, log, reports)
    os.close(log)
    os.close(reports)
    return watch.until_all_ended(pid, task, channel)


def _become_child(task: Task, log: int, reports: int) -> NoReturn:
    os.setsid()
    # The numbers received may be any from 3 up: park them high before they take their places.
    log, reports = _parked(log), _parked(reports)
    for number, descriptor in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log), (child.CHANNEL, reports)):
        os.dup2(descriptor, number)
    if task.fresh:
        _execute(task)
    child.run(task)


def _parked(descriptor: int) -> int:
    import fcntl

    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 64)


def _execute(task: Task) -> NoReturn:
    memory = os.memfd_create("task")
    with open(memory, "wb", closefd=False) as stream:
        stream.write(task.to_bytes())
    os.lseek(memory, 0, os.SEEK_SET)
    os.dup2(memory, 0)
    close_descriptors(child.CHANNEL + 1)
    command = [sys.executable, "-I", "-X", "utf8", "-m", "stockade.pipeline.child"]
    os.execve(sys.executable, command, dict(task.environment))  # noqa: S606 - no shell, fixed arguments


def main() -> None:
    """Serve on the socket whose number is the first argument, within the reach that the second tells as JSON.

    The modules named by the other arguments are imported.
    """
    sys.dont_write_bytecode = True
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    reach = json.loads(sys.argv[2])
    confine_starter(
        read=(*reading.to_start(), *map(Path, reach["read"])),
        listed=reading.listed(),
        write=(*map(Path, reach["write"]), Path(os.devnull)),
    )
    for module in sys.argv[3:]:
        try:
            importlib.import_module(module)
        except ImportError:
            # The step that needs it fails with the same error, and is the one that can be shown it.
            continue
    gc.collect()
    gc.freeze()
    send(channel, b"ready")
    serve(channel)


if __name__ == "__main__":
    main()
