"""Private working folders of a run, removed when it ends and swept when an earlier one could not."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "stockade-run-"


@contextmanager
def scratch_folder(parent: Path | None) -> Iterator[Path]:
    """A new folder in `parent`, or in the system's temporary folder; gone afterwards with all in it.

    Others may pass through it, since a step may run as another user, and may not list it.
    """
    if parent is not None:
        parent.mkdir(parents=True, exist_ok=True)
    place = parent or Path(tempfile.gettempdir())
    _sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=place))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder, even if a step made folders in it that cannot be entered."""
    shutil.rmtree(folder, onerror=_unlock)


def _unlock(action: Callable[..., object], path: str, _: object) -> None:
    with suppress(OSError):
        Path(path).parent.chmod(stat.S_IRWXU)
        if Path(path).is_dir() and not Path(path).is_symlink():
            Path(path).chmod(stat.S_IRWXU)
            shutil.rmtree(path, ignore_errors=True)
        else:
            action(path)


def _sweep(place: Path) -> None:
    """Remove what killed runs left: folders of ours whose process is gone."""
    for folder in place.glob(f"{_PREFIX}*"):
        process = folder.name.removeprefix(_PREFIX).partition("-")[0]
        owned = folder.lstat().st_uid == os.geteuid() and not folder.is_symlink()
        if owned and process.isdecimal() and not Path(f"/proc/{process}").exists():
            remove(folder)
