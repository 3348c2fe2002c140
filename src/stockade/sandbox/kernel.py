"""Calls into the C library that Python does not offer: prctl, capset, Landlock and seccomp.

Each function does one call and raises OSError with the kernel's reason. On systems other than Linux every function
raises OSError with ENOSYS.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47

CAP_DAC_READ_SEARCH, CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_SYS_PTRACE = 2, 5, 6, 7, 8, 19

_CAPGET = {"x86_64": 125, "aarch64": 90}
_CAPSET = {"x86_64": 126, "aarch64": 91}
_LANDLOCK_CREATE = 444
_LANDLOCK_ADD = 445
_LANDLOCK_RESTRICT = 446
_LANDLOCK_ASK_VERSION = 1
_LANDLOCK_PATH_BENEATH = 1
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_AMBIENT_CLEAR_ALL = 4
# Root gains nothing by being root: NOROOT and its lock, and KEEP_CAPS locked off.
_SECUREBITS = 0b100011


@cache
def _libc() -> ctypes.CDLL:
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "only Linux has this")
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    library.prctl.restype = ctypes.c_int
    return library


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def prctl(option: int, first: int = 0, second: int = 0, third: int = 0, fourth: int = 0) -> int:
    """Ask the kernel for an operation on the calling process, by the numbers above."""
    words = [ctypes.c_ulong(word) for word in (first, second, third, fourth)]
    return _checked(_libc().prctl(ctypes.c_int(option), *words))


def syscall(number: int, *arguments: object) -> int:
    """Make a raw system call; integers must already be ctypes values where their width matters."""
    return _checked(_libc().syscall(ctypes.c_long(number), *arguments))


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilityData(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def drop_bounding_capabilities() -> None:
    """Empty the bounding set and lock root's privileges away; needs CAP_SETPCAP, so it comes before `user.become`."""
    for capability in range(_last_capability() + 1):
        prctl(PR_CAPBSET_DROP, capability)
    prctl(PR_SET_SECUREBITS, _SECUREBITS)


def drop_capabilities(*, but: Iterable[int] = ()) -> None:
    """Give up all ambient, effective, permitted and inheritable capabilities, but those of these that are held."""
    prctl(PR_CAP_AMBIENT, _AMBIENT_CLEAR_ALL)
    machine = os.uname().machine
    if machine not in _CAPSET:
        raise OSError(errno.ENOSYS, f"capabilities are not supported on {machine}")
    header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
    held, kept = (_CapabilityData * 2)(), (_CapabilityData * 2)()
    syscall(_CAPGET[machine], ctypes.byref(header), ctypes.byref(held))
    for capability in but:
        half, bit = divmod(capability, 32)
        kept[half].permitted |= held[half].permitted & 1 << bit
        kept[half].effective = kept[half].permitted
    syscall(_CAPSET[machine], ctypes.byref(header), ctypes.byref(kept))


@cache
def _last_capability() -> int:
    try:
        return int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    except OSError:
        return 40


class _LandlockRules(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _LandlockPath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def landlock_version() -> int:
    """The Landlock ABI of the running kernel, 0 where there is none."""
    try:
        return syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_LANDLOCK_ASK_VERSION))
    except OSError:
        return 0


def landlock_create(*, files: int, network: int, scopes: int) -> int:
    """Make a ruleset that denies these rights; returns its descriptor, which the caller closes."""
    rules = _LandlockRules(files, network, scopes)
    # An older kernel takes a shorter structure; the part it does not know must then be left out.
    size = 24 if scopes else 16 if network else 8
    return syscall(_LANDLOCK_CREATE, ctypes.byref(rules), ctypes.c_size_t(size), ctypes.c_uint32(0))


def landlock_allow(ruleset: int, parent: int, allowed: int) -> None:
    """Grant file rights beneath the file or folder that the descriptor `parent` stands for."""
    rule = _LandlockPath(allowed, parent)
    reference = ctypes.byref(rule)
    syscall(_LANDLOCK_ADD, ctypes.c_int(ruleset), ctypes.c_int(_LANDLOCK_PATH_BENEATH), reference, ctypes.c_uint32(0))


def landlock_restrict(ruleset: int) -> None:
    """Put a ruleset in force for the calling thread and all it starts later; needs no_new_privs."""
    syscall(_LANDLOCK_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0))


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("word", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filter", ctypes.POINTER(_Instruction)))


def install_filter(program: tuple[tuple[int, int, int, int], ...]) -> None:
    """Install a seccomp filter on the calling thread; needs no_new_privs."""
    block = (_Instruction * len(program))(*(_Instruction(*line) for line in program))
    holder = _Program(len(program), block)
    prctl(PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(holder))
