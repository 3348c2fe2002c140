"""Find out what this machine can enforce, by trying each thing in a process of its own.

    for ability in probe():
        print(ability.name, ability.holds, ability.detail)

Versions and configuration files say what a kernel should do; containers, older kernels and other security modules
take parts of it away, so `probe` attempts a forbidden act under each confinement and looks whether it is refused.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from stockade.sandbox import kernel, landlock, seccomp, user

_SECONDS = 20
_NEWER_KERNEL = "use a Linux kernel from 6.12 on with Landlock enabled (the boot parameter lsm= must list landlock)"
_CONTAINER = "if this is a container, allow seccomp filters and no_new_privs in its runtime"


@dataclass(frozen=True, slots=True)
class Ability:
    """One thing the sandbox needs.

    Attributes:
        name: What it is.
        holds: Whether a forbidden act was really refused here.
        detail: What was seen.
        remedy: What to do when it does not hold.
    """

    name: str
    holds: bool
    detail: str
    remedy: str


def probe() -> tuple[Ability, ...]:
    """Try everything; takes about a tenth of a second. Nothing about the calling process changes."""
    command = [sys.executable, "-I", "-m", "stockade.sandbox.probe"]
    try:
        result = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=True, env={})
        return tuple(Ability(**item) for item in json.loads(result.stdout))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return (
            Ability("sandbox", holds=False, detail=f"the trial itself failed: {error}", remedy="reinstall stockade"),
        )


def _files() -> str:
    version = _landlocked()
    try:
        os.listdir("/")  # noqa: PTH208 - nothing but the attempt matters
    except PermissionError:
        return f"ABI {version}"
    raise OSError("an undeclared folder could be listed")


def _landlocked() -> int:
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    version = landlock.enforce(read=(), listed=(), write=())
    if not version:
        raise OSError("this kernel has no Landlock")
    return version


def _signals() -> str:
    _landlocked()
    try:
        os.kill(os.getppid(), 0)
    except PermissionError:
        return "a signal to another process was refused"
    raise OSError("a process outside could be signalled")


def _calls() -> str:
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    seccomp.install(processes=False, signals=False, serving=False)
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except PermissionError:
        return "a network socket was refused"
    raise OSError("a network socket could be opened")


def _capabilities() -> str:
    if os.geteuid() == 0:
        kernel.drop_bounding_capabilities()
    kernel.drop_capabilities()
    left = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapPrm"))
    if int(left.split()[1], 16):
        raise OSError("some capabilities were kept")
    return "all given up"


def _subreaper() -> str:
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    os.close(os.pidfd_open(os.getpid()))
    return "abandoned processes come back to the engine"


def _another_user() -> str:
    if os.geteuid() != 0:
        return "not root: steps run as you, confined"
    paths = (Path(os.path.realpath(sys.executable)), Path(sysconfig.get_path("stdlib")), Path(__file__))
    if not user.readable_to_all(paths):
        raise OSError(
            "the interpreter or this package is readable to root alone, so steps stay root, without capabilities"
        )
    user.become(user.spare_id(os.getpid()))
    return "steps run as a user of their own"


_TRIALS: tuple[tuple[str, Callable[[], str], str], ...] = (
    ("Landlock: files", _files, _NEWER_KERNEL),
    ("Landlock: signals", _signals, _NEWER_KERNEL),
    ("seccomp: system calls", _calls, _CONTAINER),
    ("capabilities", _capabilities, _CONTAINER),
    ("ending descendants", _subreaper, "use a Linux kernel from 5.3 on"),
    ("another user", _another_user, "install Python and stockade outside /root, or run as an ordinary user"),
)


def _try(name: str, trial: Callable[[], str], remedy: str) -> Ability:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(_SECONDS // 2)
        try:
            answer = ["", trial()]
        except (OSError, ValueError, KeyError, StopIteration) as error:
            answer = [getattr(error, "strerror", None) or str(error), ""]
        os.write(writer, json.dumps(answer).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        data = stream.read()
    os.waitpid(pid, 0)
    problem, detail = json.loads(data) if data else ("the trial ended early", "")
    return Ability(name, holds=not problem, detail=problem or detail, remedy=remedy if problem else "")


if __name__ == "__main__":
    sys.stdout.write(json.dumps([asdict(_try(*trial)) for trial in _TRIALS]))
