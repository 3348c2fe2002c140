"""Private working folders of a run, removed when it ends and swept when an earlier one could not."""

from __future__ import annotations

import os
import queue
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "stockade-run-"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


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
    """Remove a folder, even if a step made folders in it that cannot be entered, or nested them a thousand deep.

    It goes down and up one folder at a time, with one descriptor, so neither this process's stack nor the longest path
    that the kernel takes bounds the depth. Links are removed and never followed, and nothing outside is touched; what
    the operating system refuses to remove stays, for the next run's sweep. No process that could move things about
    while it works may be alive.
    """
    with suppress(OSError):
        _empty(os.open(folder, _FOLDER))
        folder.rmdir()


def _empty(here: int) -> None:
    """Remove all that is in the folder `here`, whose descriptor it closes."""
    # For each folder entered: its name, and the folders in it that are still there.
    path: list[tuple[str, list[str]]] = [("", _clear(here))]
    try:
        while True:
            name, left = path[-1]
            if left:
                path.append((left[-1], []))
                here = _moved(here, left.pop())
                path[-1][1].extend(_clear(here))
            elif len(path) > 1:
                path.pop()
                here = _moved(here, "..")
                with suppress(OSError):
                    os.rmdir(name, dir_fd=here)
            else:
                return
    finally:
        os.close(here)


def _moved(here: int, name: str) -> int:
    there = os.open(name, _FOLDER, dir_fd=here)
    os.close(here)
    return there


def _clear(folder: int) -> list[str]:
    """Remove the files of a folder, and unlock its folders; returns their names."""
    folders: list[str] = []
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        with suppress(OSError):
            if is_folder:
                os.chmod(name, stat.S_IRWXU, dir_fd=folder)
                folders.append(name)
            else:
                os.unlink(name, dir_fd=folder)
    return folders


def _sweep(place: Path) -> None:
    """Remove what killed runs left: folders of ours whose process is gone."""
    for folder in place.glob(f"{_PREFIX}*"):
        process = folder.name.removeprefix(_PREFIX).partition("-")[0]
        # Another run may be removing it at the same moment.
        with suppress(OSError):
            owned = folder.lstat().st_uid == os.geteuid() and not folder.is_symlink()
            if owned and process.isdecimal() and not Path(f"/proc/{process}").exists():
                remove(folder)
