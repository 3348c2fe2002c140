"""What a step runs on besides its own sources: the interpreter, the platform and the installed distributions."""

from __future__ import annotations

import platform
import sys
import sysconfig
from functools import cache
from pathlib import Path


def python() -> str:
    """The interpreter, such as ``cpython 3.11.7``."""
    return f"{sys.implementation.name} {platform.python_version()}"


@cache
def machine() -> str:
    """The platform a result may depend on, such as ``linux x86_64 glibc 2.36``; without the kernel's version."""
    library, version = platform.libc_ver()
    return " ".join(part for part in (sys.platform, platform.machine(), library, version) if part)


def distributions() -> tuple[tuple[str, str], ...]:
    """Name and version of all installed distributions, from the names of their metadata folders."""
    found: set[tuple[str, str]] = set()
    for entry in sys.path:
        folder = Path(entry)
        if entry and folder.is_dir():
            for info in (*folder.glob("*.dist-info"), *folder.glob("*.egg-info")):
                name, _, version = info.stem.partition("-")
                found.add((name.lower().replace("_", "-"), version.partition("-py")[0]))
    return tuple(sorted(found))


def library_folders() -> tuple[Path, ...]:
    """Folders that hold the interpreter and installed packages: a change there shows as a distribution's version."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    paths = {Path(sysconfig.get_path(name)) for name in names}
    paths |= {Path(prefix) / "lib" for prefix in (sys.prefix, sys.base_prefix, sys.base_exec_prefix)}
    return tuple(sorted(path for path in paths if path.is_dir()))
