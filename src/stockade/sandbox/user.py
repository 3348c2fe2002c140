"""Running as another user than root, where the files a process needs stay readable to that user."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

_UNUSED_IDS = 0x70000000
_SPAN = 1 << 22


def spare_id(seed: int) -> int:
    """A user id that belongs to nobody, from the range that systemd's allocation table calls unused.

    Different seeds (process ids) give different ids, so that process limits, which count by user, do not add up.
    """
    return _UNUSED_IDS + seed % _SPAN


def readable_to_all(paths: Iterable[Path]) -> bool:
    """Whether any user can reach and read these files and enter these folders; absent ones do not matter."""
    ancestors: set[Path] = set()
    for path in paths:
        real = path.resolve()
        needed = stat.S_IROTH | (stat.S_IXOTH if real.is_dir() else 0)
        if real.exists() and not _has(real, needed):
            return False
        ancestors.update(real.parents)
    return all(_has(folder, stat.S_IXOTH) for folder in ancestors)


def _has(path: Path, bits: int) -> bool:
    return path.stat().st_mode & bits == bits


def become(identity: int) -> None:
    """Change to a user and a group of this id for good, without supplementary groups; needs root.

    Raises:
        OSError: not root, or the id is not mapped in this user namespace.
    """
    os.setgroups([])
    os.setresgid(identity, identity, identity)
    os.setresuid(identity, identity, identity)
