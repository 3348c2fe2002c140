"""Landlock: which files a confined process sees, and that its signals and sockets stay inside.

Source: Linux, Documentation/userspace-api/landlock.rst. Rights that the running kernel does not know are left out, and
`enforce` says which ABI it enforced.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from stockade.sandbox import kernel

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_SOCKET, _MAKE_DEVICES = 1 << 9, (1 << 6) | (1 << 11)
_REFER, _TRUNCATE, _IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
_RIGHTS_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP = 0b11
_SCOPES = 0b11

_READ = _EXECUTE | _READ_FILE | _READ_DIR
_WRITE = (_RIGHTS_BY_ABI[3] & ~_EXECUTE) & ~(_MAKE_DEVICES | _MAKE_SOCKET | (1 << 10))
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE


def enforce(*, read: Iterable[Path], listed: Iterable[Path], write: Iterable[Path]) -> int:
    """Confine the calling thread and all it starts later; returns the ABI enforced, 0 when the kernel has none.

    Args:
        read: Files and folders to read and execute, with all beneath. Absent ones are left out.
        listed: Folders whose file names may be listed, and nothing more.
        write: Files and folders to read and change, with all beneath; no device, socket or pipe can be made there.

    Raises:
        OSError: the kernel has Landlock and refused.
    """
    version = kernel.landlock_version()
    if not version:
        return 0
    handled = max((abi, rights) for abi, rights in _RIGHTS_BY_ABI.items() if abi <= version)[1]
    network = _TCP if version >= 4 else 0
    ruleset = kernel.landlock_create(files=handled, network=network, scopes=_SCOPES if version >= 6 else 0)
    try:
        for paths, rights in ((read, _READ), (listed, _READ_DIR), (write, _WRITE)):
            for path in paths:
                _allow(ruleset, path, rights & handled)
        kernel.landlock_restrict(ruleset)
    finally:
        os.close(ruleset)
    return version


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _FILE_RIGHTS
        if rights:
            kernel.landlock_allow(ruleset, descriptor, rights)
    finally:
        os.close(descriptor)
