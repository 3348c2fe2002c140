"""Log tiles in a folder, and the workspace lock."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from stockade.errors import BusyError, MissingEvidenceError, ServiceError
from stockade.store.lock import exclusive
from stockade.store.tiles import FolderTiles


def test_tiles_come_back_and_are_replaced_whole(tmp_path):
    """A resource reads back as written; a checkpoint is replaced; nothing temporary stays."""
    tiles = FolderTiles(tmp_path)
    tiles.write("tile/0/x001/067.p/3", b"abc")
    tiles.write("checkpoint", b"one")
    tiles.write("checkpoint", b"two")
    assert tiles.read("tile/0/x001/067.p/3") == b"abc"
    assert tiles.read("checkpoint") == b"two"
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["3", "checkpoint"]


def test_writing_the_same_again_does_nothing(tmp_path):
    """An equal write leaves the very same file."""
    tiles = FolderTiles(tmp_path)
    tiles.write("tile/0/000", b"abc")
    before = (tmp_path / "tile/0/000").stat().st_ino
    tiles.write("tile/0/000", b"abc")
    assert (tmp_path / "tile/0/000").stat().st_ino == before


def test_missing_resources_are_named(tmp_path):
    """What the log does not have is missing evidence."""
    with pytest.raises(MissingEvidenceError, match="tile/0/000"):
        FolderTiles(tmp_path).read("tile/0/000")


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../b", "", "a//b", "A", "a\x00b", "a/./b", ".hidden"])
def test_paths_stay_inside(tmp_path, path):
    """No path leads out of the folder."""
    tiles = FolderTiles(tmp_path)
    with pytest.raises(ValueError, match="not a path"):
        tiles.write(path, b"x")
    with pytest.raises(ValueError, match="not a path"):
        tiles.read(path)


def test_a_read_only_log_is_not_written(tmp_path):
    """A log opened read-only takes nothing and creates nothing."""
    with pytest.raises(ServiceError, match="read-only"):
        FolderTiles(tmp_path / "log", read_only=True).write("checkpoint", b"x")
    assert not (tmp_path / "log").exists()


def test_one_holder_at_a_time(tmp_path):
    """A second holder is told which process works here; afterwards the lock is free."""
    path = tmp_path / "state" / "lock"
    with exclusive(path), pytest.raises(BusyError, match=f"process {os.getpid()}"), exclusive(path):
        pass
    with exclusive(path):
        pass


def test_a_killed_holder_frees_the_lock(tmp_path):
    """The kernel releases the lock of a process that was killed."""
    code = (
        "import sys, time, pathlib; from stockade.store.lock import exclusive\n"
        "with exclusive(pathlib.Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "lock")], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BusyError, match=str(holder.pid)), exclusive(tmp_path / "lock"):
            pass
        holder.kill()
        holder.wait()
    with exclusive(tmp_path / "lock"):
        pass
