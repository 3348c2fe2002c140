"""The system-call filter of a confined process: an allow-list, with arguments looked at where they matter.

Theory of operation. Landlock alone leaves holes (chmod and extended attributes of undeclared files, pathname sockets,
UDP, io_uring, System V IPC, the scheduling of other processes), so the filter names what may be called and refuses the
rest. A refused call fails with EPERM, which Python shows as PermissionError. Calls for which the C library has an older
substitute fail with ENOSYS, so that it takes the substitute, whose arguments a filter can see.
"""

from __future__ import annotations

import errno
import os

from stockade.sandbox import bpf, kernel, syscalls

_CLONE_THREAD = 0x00010000
_CLONE_NEW_NAMESPACES = 0x7E020080
_X32_CALLS = 0x40000000
_NEWER_CALLS = 463
_REFUSED = bpf.fail(errno.EPERM)
_ABSENT = bpf.fail(errno.ENOSYS)

_NEW_PROCESSES = ("fork", "vfork", "execve", "execveat", "setsid", "setpgid")
_SUBSTITUTED = ("clone3", "openat2", "memfd_create")
# Names, dumpable flag, bounding-set queries, timer slack, anonymous memory names: nothing that loosens confinement.
_PRCTL = (3, 15, 16, 21, 23, 30, 38, 39, 41, 0x53564D41)
# Terminal questions and close-on-exec, non-blocking and bytes-waiting flags; no other device control.
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# Duplicates, flags, locks and pipe size; not F_SETOWN, which sends signals, nor F_NOTIFY, leases and seals.
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)


def build(machine: str, *, own_pid: int, processes: bool, signals: bool, serving: bool) -> bpf.Program:
    """Assemble the filter.

    Args:
        machine: ``x86_64`` or ``aarch64``; KeyError for any other.
        own_pid: The process that will be confined; it may signal itself and set its own limits.
        processes: Whether it may start other processes; threads it always may.
        signals: Whether it may signal others, which is safe only under Landlock's signal scope.
        serving: Whether it may use sockets opened before; it never opens or connects one.
    """
    architecture = syscalls.ARCHITECTURES[machine]
    calls = dict(syscalls.plain(machine))
    if serving:
        calls |= syscalls.sockets(machine)
    looked_at = _arguments(own_pid=own_pid, processes=processes, signals=signals)
    if serving:
        looked_at["socketpair"] = bpf.argument_in(0, (1,), _REFUSED)
    return _assemble(architecture, calls, looked_at, processes=processes)


def build_starter(machine: str) -> bpf.Program:
    """Assemble the filter of a process that starts others, each of which confines itself further.

    It may fork, execute, signal and reap, change the user, install filters, and talk on sockets opened before; it opens
    no socket and does nothing else to other processes or to the system.
    """
    calls = {**syscalls.plain(machine), **syscalls.starting(machine)}
    looked_at = _arguments(own_pid=0, processes=True, signals=True)
    # Its own descendants ask these of the filter, and what they may ask is told by theirs.
    for name in ("prctl", "prlimit64", "memfd_create"):
        looked_at.pop(name)
    return _assemble(syscalls.ARCHITECTURES[machine], calls, looked_at, processes=True)


def _assemble(
    architecture: int, calls: dict[str, int], looked_at: dict[str, bpf.Program], *, processes: bool
) -> bpf.Program:
    program = [*bpf.require_architecture(architecture), *bpf.from_number(_X32_CALLS, _ABSENT)]
    for name, body in looked_at.items():
        if name in calls:
            program += bpf.on_call(calls.pop(name), body)
    if not processes:
        for name in _NEW_PROCESSES:
            calls.pop(name, None)
    program += bpf.allow_numbers(list(calls.values()))
    program += bpf.from_number(_NEWER_CALLS, _ABSENT)
    return (*program, *bpf.verdict(_REFUSED))


def _arguments(*, own_pid: int, processes: bool, signals: bool) -> dict[str, bpf.Program]:
    needed = 0 if processes else _CLONE_THREAD
    clone = bpf.argument_bits(0, needed=needed, forbidden=_CLONE_NEW_NAMESPACES, otherwise=_REFUSED)
    to_itself = bpf.verdict(bpf.ALLOW) if signals else bpf.argument_in(0, (own_pid,), _REFUSED)
    return {
        "clone": clone,
        "kill": to_itself,
        "tgkill": to_itself,
        "tkill": bpf.verdict(_REFUSED),
        "prctl": bpf.argument_in(0, _PRCTL, _REFUSED),
        "ioctl": bpf.argument_in(1, _IOCTL, bpf.fail(errno.ENOTTY)),
        "fcntl": bpf.argument_in(1, _FCNTL, _REFUSED),
        "prlimit64": bpf.argument_in(0, (0, own_pid), _REFUSED),
        # Thread pools pin their threads by id; to pretend success keeps them quiet and changes nothing for others.
        "sched_setaffinity": bpf.argument_in(0, (0,), bpf.fail(0)),
        **{name: bpf.verdict(_ABSENT) for name in _SUBSTITUTED},
    }


def install_starter() -> None:
    """Put the filter of `build_starter` in force; needs no_new_privs. Raises OSError as `install`."""
    kernel.install_filter(build_starter(_machine()))


def install(*, processes: bool, signals: bool, serving: bool) -> None:
    """Put the filter in force for the calling thread and all it starts later; needs no_new_privs.

    Raises:
        OSError: the kernel has no seccomp filters, or the architecture is not supported.
    """
    kernel.install_filter(
        build(_machine(), own_pid=os.getpid(), processes=processes, signals=signals, serving=serving),
    )


def _machine() -> str:
    machine = os.uname().machine
    if machine not in syscalls.ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no system-call list for {machine}")
    return machine
