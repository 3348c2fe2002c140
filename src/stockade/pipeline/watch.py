"""Watch a step's process from its parent, end it at its limits, and end all it leaves behind."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import stat
import time
from pathlib import Path

from stockade.pipeline.order import Ending, Task

_TICK = 0.1
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MOST_FILES = 100_000
# The kernel takes paths of up to 4096 bytes and names of up to 255.
_LONGEST_PATH = 3800


def until_all_ended(pid: int, task: Task, channel: socket.socket) -> Ending:
    """Wait for a child, then end every descendant of this process; returns only when none is left.

    Args:
        pid: The child.
        task: Its limits.
        channel: The runner's socket: anything that can be read there, even its end, means to stop.
    """
    handle = os.pidfd_open(pid)
    deadline = time.monotonic() + task.seconds
    reason = "exit"
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    poll.register(channel, select.POLLIN)
    while True:
        events = dict(poll.poll(_TICK * 1000))
        if handle in events:
            break
        reason = "abort" if channel.fileno() in events else _exceeded(pid, task, deadline)
        if reason != "exit":
            os.kill(pid, signal.SIGKILL)
            break
    os.close(handle)
    _, status, usage = os.wait4(pid, 0)
    end_descendants()
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
    return Ending(os.waitstatus_to_exitcode(status), reason, cpu, peak)


def _exceeded(pid: int, task: Task, deadline: float) -> str:
    if time.monotonic() > deadline:
        return "time"
    # All below this process, not below the child: who leaves its parent becomes this process's own.
    family = descendants(os.getpid()) if task.processes else [pid]
    if len(family) > 1 + task.processes:
        return "processes"
    sizes = [_size(member) for member in family]
    if sum(threads for threads, _ in sizes) > task.threads:
        return "threads"
    if sum(resident for _, resident in sizes) > task.memory_bytes:
        return "memory"
    hidden = sum(_unlinked(family).values())
    return "output" if hidden + _folder_size(Path(task.folder), task.output_bytes) > task.output_bytes else "exit"


def _size(pid: int) -> tuple[int, int]:
    """Threads and resident bytes of a process, zeros when it has gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return int(fields[17]), int(fields[21]) * _PAGE
    except (OSError, IndexError):
        return 0, 0


def _unlinked(family: list[int]) -> dict[tuple[int, int], int]:
    """Bytes of files that processes hold open and no folder lists any more, by device and number.

    Not seen are those of a process that this one may not look into, and files that are mapped and closed.
    """
    found: dict[tuple[int, int], int] = {}
    for member in family:
        with contextlib.suppress(OSError), os.scandir(f"/proc/{member}/fd") as descriptors:
            for descriptor in descriptors:
                with contextlib.suppress(OSError):
                    status = descriptor.stat()
                    if stat.S_ISREG(status.st_mode) and not status.st_nlink:
                        found[status.st_dev, status.st_ino] = status.st_blocks * 512
    return found


def _folder_size(folder: Path, enough: int) -> int:
    """Bytes in a folder, counting no further than a little above `enough`; each entry weighs at least a page.

    Folders nested too deep to be looked into count as more than enough.
    """
    total, entries, waiting = 0, 0, [folder]
    while waiting and total <= enough:
        if len(os.fsencode(waiting[-1])) > _LONGEST_PATH:
            return enough + 1
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as found:
            for entry in found:
                entries += 1
                if entries > _MOST_FILES:
                    return enough + 1
                with contextlib.suppress(OSError):
                    total += max(_PAGE, entry.stat(follow_symlinks=False).st_blocks * 512)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
    return total


def descendants(pid: int) -> list[int]:
    """All processes below one, by the kernel's lists of children; a moment later there may be others."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        for child in _children(waiting.pop()):
            found.append(child)
            waiting.append(child)
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
        return found
    # Some kernels are built without these lists; then every process is asked for its parent.
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal() and _parent(path) == pid]


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_bytes().rpartition(b")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def end_descendants() -> None:
    """Kill and reap until this process, a subreaper, has no child left.

    A child that dies hands its children to this process, so killing children until there are none reaches everything,
    however deep. The whole tree is stopped before it is killed, for stopped processes do not fork.
    """
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid:
            continue
        family = descendants(os.getpid())
        for member in family:
            _signal(member, signal.SIGSTOP)
        for member in family:
            _signal(member, signal.SIGKILL)
        time.sleep(0.001)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
