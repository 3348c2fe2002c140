"""Which files a step's process may read besides its inputs: the interpreter, installed packages, facts of the machine.

A folder on the path that is no library folder (a project in development mode) is opened package by package, for data
and keys may lie beside the packages.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from stockade.pipeline.surroundings import library_folders

_SYSTEM = (
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
)
# libraries ask these how many processors and how much memory they may use; /proc/self is the step's own process
_MACHINE = (
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
)


@cache
def readable() -> tuple[Path, ...]:
    """Files and folders to read, with all beneath."""
    found = [Path(name) for name in (*_SYSTEM, *_MACHINE)]
    found += library_folders()
    for folder in _development_folders():
        found += [entry for entry in sorted(folder.iterdir()) if _is_code(entry)]
    return tuple(found)


@cache
def listed() -> tuple[Path, ...]:
    """Folders whose names may be listed, which importing from them needs."""
    return _development_folders()


def to_start() -> tuple[Path, ...]:
    """What a process reads that starts steps: what they read, the interpreter itself, and how its processes fare."""
    return (*readable(), Path(os.path.realpath(sys.executable)), Path(sys.prefix, "pyvenv.cfg"), Path("/proc"))


def must_reach() -> tuple[Path, ...]:
    """What another user must be able to read to run a step at all."""
    development = [entry for folder in _development_folders() for entry in folder.iterdir() if _is_code(entry)]
    return (Path(os.path.realpath(sys.executable)), *library_folders(), *_development_folders(), *development)


def _development_folders() -> tuple[Path, ...]:
    libraries = library_folders()
    folders = (Path(entry) for entry in sys.path if entry and Path(entry).is_dir())
    return tuple(folder for folder in folders if not any(folder.is_relative_to(library) for library in libraries))


def _is_code(entry: Path) -> bool:
    if entry.is_dir():
        return (entry / "__init__.py").is_file() or entry.suffix in (".dist-info", ".egg-info")
    return entry.suffix in (".py", ".so")
