"""Confine the calling process, for good, and say what was achieved.

    confine(Confinement(read=(Path("/usr/lib"),), write=(folder,), memory_bytes=1 << 30))

Rules:

1. Everything is best effort and nothing is pretended: what the kernel refuses is left out and noted, and the caller
   compares `Isolation.level` with what it needs before it runs anything it does not trust.
2. Landlock and seccomp bind the calling thread and what it starts later. Call this while the process has one thread.
3. Nothing here can be undone by the process.
"""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from stockade.sandbox import kernel, landlock, seccomp, user
from stockade.types.execution import Isolation

_SCOPES_SINCE = 6
_THREADS = 8192
_STARTER = (
    kernel.CAP_DAC_READ_SEARCH,
    kernel.CAP_KILL,
    kernel.CAP_SETGID,
    kernel.CAP_SETUID,
    kernel.CAP_SETPCAP,
    kernel.CAP_SYS_PTRACE,
)


@dataclass(frozen=True, slots=True)
class Confinement:
    """What a process may still do.

    Attributes:
        read: Files and folders it may read and execute, with all beneath.
        listed: Folders whose names it may list.
        write: Files and folders it may change, with all beneath.
        memory_bytes: Private memory; None for no limit.
        cpu_seconds: Processor time; None for no limit.
        file_bytes: Size of any file it writes; None for no limit.
        open_files: Descriptors.
        processes: Whether it may start processes; threads it always may.
        serving: Whether it may use sockets opened before.
        user: User and group id to change to; needs root.
        die_with_parent: End when the parent's thread that started this process ends.
    """

    read: tuple[Path, ...] = ()
    listed: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    memory_bytes: int | None = None
    cpu_seconds: int | None = None
    file_bytes: int | None = None
    open_files: int = 1024
    processes: bool = False
    serving: bool = False
    user: int | None = None
    die_with_parent: bool = False


def close_descriptors(keep: int) -> None:
    """Close all descriptors from number `keep` on."""
    os.closerange(keep, max(os.sysconf("SC_OPEN_MAX"), 1 << 16))


def confine_starter(*, read: Iterable[Path], listed: Iterable[Path], write: Iterable[Path]) -> tuple[str, ...]:
    """Confine the calling process, which will start others that `confine` themselves further.

    It keeps its user and, of root's capabilities, those that it takes to become another user and to watch and end what
    runs as one. From now on it and all below it reach no other file than these, open no socket, and signal and trace
    nobody outside.

    Args:
        read: Files and folders to read and execute, with all beneath.
        listed: Folders whose names may be listed.
        write: Files and folders to change, with all beneath.

    Returns:
        What the kernel refused, one sentence each.
    """
    notes: list[str] = []
    # Some others would lead around Landlock: to the environment of any process, for one.
    _attempt(notes, "dropping capabilities", lambda: kernel.drop_capabilities(but=_STARTER))
    _attempt(notes, "no_new_privs", lambda: kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1))
    _attempt(notes, "Landlock", lambda: landlock.enforce(read=read, listed=listed, write=write))
    _attempt(notes, "the system-call filter", seccomp.install_starter)
    return tuple(notes)


def confine(policy: Confinement, *, fresh_interpreter: bool = False) -> Isolation:
    """Confine the calling process and return what the kernel really enforced.

    Args:
        policy: What it may still do.
        fresh_interpreter: Passed on into the result: whether this process was executed for its one purpose.
    """
    notes: list[str] = []
    limits = _attempt(notes, "resource limits", lambda: _set_limits(policy))
    root = os.geteuid() == 0
    if root:
        _attempt(notes, "the bounding set", kernel.drop_bounding_capabilities)
    changed = policy.user is not None and _attempt(notes, "another user", lambda: user.become(policy.user or 0))
    if root and policy.user is None:
        notes.append("the process stays root without capabilities, for no other user could reach its files")
    dropped = _attempt(notes, "dropping capabilities", kernel.drop_capabilities)
    _attempt(notes, "no_new_privs", lambda: kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1))
    if policy.die_with_parent:
        # Changing the user clears this, so it comes after.
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    version = _landlock(policy, notes)
    filtered = _attempt(notes, "the system-call filter", lambda: _filter(policy, version))
    return Isolation(
        landlock=version,
        seccomp=filtered,
        capabilities_dropped=dropped,
        user_changed=changed,
        limits=limits,
        fresh_interpreter=fresh_interpreter,
        notes=tuple(notes),
    )


def _attempt(notes: list[str], what: str, action: Callable[[], object]) -> bool:
    try:
        action()
    except (OSError, ValueError) as error:
        notes.append(f"{what} could not be had: {getattr(error, 'strerror', None) or error}")
        return False
    return True


def _landlock(policy: Confinement, notes: list[str]) -> int:
    try:
        version = landlock.enforce(read=policy.read, listed=policy.listed, write=policy.write)
    except OSError as error:
        notes.append(f"Landlock could not be had: {error.strerror}")
        return 0
    if not version:
        notes.append("this kernel has no Landlock, so files are not confined")
    elif version < _SCOPES_SINCE:
        notes.append(f"Landlock ABI {version} has no scopes for signals and abstract sockets")
    return version


def _filter(policy: Confinement, version: int) -> None:
    signals = policy.processes and version >= _SCOPES_SINCE
    seccomp.install(processes=policy.processes, signals=signals, serving=policy.serving)


def _set_limits(policy: Confinement) -> None:
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, policy.open_files)
    _limit(resource.RLIMIT_MEMLOCK, 0)
    _limit(resource.RLIMIT_MSGQUEUE, 0)
    _limit(resource.RLIMIT_NPROC, _THREADS)
    if policy.file_bytes is not None:
        _limit(resource.RLIMIT_FSIZE, policy.file_bytes)
    if policy.cpu_seconds is not None:
        _limit(resource.RLIMIT_CPU, policy.cpu_seconds)
    if policy.memory_bytes is not None:
        # DATA counts private writable memory, which is what programs use; AS also bounds shared memory, and gets room
        # for libraries and for address space that allocators reserve and never touch.
        _limit(resource.RLIMIT_DATA, policy.memory_bytes)
        _limit(resource.RLIMIT_AS, 2 * policy.memory_bytes + (4 << 30))


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))
