"""Private working folders of a run, removed when it ends and swept when an earlier one could not."""

from __future__ import annotations

import os
import queue
import shutil
import stat
import tempfile
import threading
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


class Sweeper:
    """Removes folders in a thread of its own, for removal waits for the disk and nothing waits for removal.

    `close` waits until all are gone.
    """

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="stockade-sweeper", daemon=True)
        self._thread.start()

    def remove(self, folder: Path) -> None:
        """Remove a folder soon."""
        self._waiting.put(folder)

    def close(self) -> None:
        """Return when everything is removed."""
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (folder := self._waiting.get()) is not None:
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
        # Another run may be removing it at the same moment.
        with suppress(OSError):
            owned = folder.lstat().st_uid == os.geteuid() and not folder.is_symlink()
            if owned and process.isdecimal() and not Path(f"/proc/{process}").exists():
                remove(folder)
