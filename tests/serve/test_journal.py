"""The request log: every line follows the one before, across files, crashes and full disks."""

from __future__ import annotations

import errno
import io
import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.errors import LogError
from stockade.serve.journal import Journal, JournalError, verify
from stockade.serve.settings import Sync


def write(folder: Path, count: int, **options: object) -> Journal:
    journal = Journal(folder, {"server": "s"}, **options)  # type: ignore[arg-type]
    for number in range(count):
        journal.record({"event": "request", "number": number})
    journal.close()
    return journal


def test_lines_form_a_chain_that_crosses_files_and_runs(tmp_path: Path) -> None:
    """Three runs with small files make one chain; each file is private and begins with a header."""
    for _ in range(3):
        journal = write(tmp_path, 20, log_bytes=500, sync=Sync.ALWAYS)
    head = verify(tmp_path)
    assert head.files > 6
    assert head.entries == 60 + head.files
    assert head.hash == journal.prev
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert json.loads(path.read_text().splitlines()[0])["event"] == "file"


@settings(max_examples=60)
@given(st.data())
def test_no_change_to_a_log_goes_unseen(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Change, remove, repeat or swap anything before the end: verification fails or the head differs."""
    folder = tmp_path_factory.mktemp("log")
    write(folder, 6, log_bytes=400)
    head = verify(folder)
    files = sorted(folder.iterdir())
    path = data.draw(st.sampled_from(files))
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    kind = data.draw(st.sampled_from(["byte", "drop", "repeat", "swap", "unlink"]))
    index = data.draw(st.integers(0, len(lines) - 1))
    if kind == "byte":
        place = data.draw(st.integers(0, len(content) - 1))
        path.write_bytes(
            content[:place] + bytes([content[place] ^ data.draw(st.integers(1, 255))]) + content[place + 1 :]
        )
    elif kind == "drop":
        path.write_bytes(b"".join(lines[:index] + lines[index + 1 :]))
    elif kind == "repeat":
        path.write_bytes(b"".join(lines[: index + 1] + lines[index:]))
    elif kind == "swap":
        other = (index + 1) % len(lines)
        lines[index], lines[other] = lines[other], lines[index]
        path.write_bytes(b"".join(lines))
    else:
        path.unlink()
    if all(file.exists() for file in files) and path.read_bytes() == content:
        return
    try:
        changed = verify(folder)
    except LogError:
        return
    assert (changed.entries, changed.hash) != (head.entries, head.hash)


def test_a_torn_line_is_kept_and_the_chain_goes_on(tmp_path: Path) -> None:
    """After a crash in the middle of a write the next file follows the last complete line."""
    write(tmp_path, 3)
    (path,) = tmp_path.iterdir()
    complete = verify(tmp_path)
    with path.open("ab") as stream:
        stream.write(b'{"seq":4,"event"')
    write(tmp_path, 2)
    head = verify(tmp_path)
    assert (head.entries, head.files, head.torn) == (complete.entries + 3, 2, 1)


def test_a_file_that_tore_at_its_first_line_is_passed_over(tmp_path: Path) -> None:
    """A crash before the header was whole breaks nothing."""
    write(tmp_path, 3)
    (tmp_path / "requests-00000002.jsonl").write_bytes(b'{"se')
    write(tmp_path, 1)
    assert verify(tmp_path).torn == 1


def test_a_full_disk_is_told_and_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full the write fails whole; when there is room again nothing is missing."""
    journal = Journal(tmp_path, {})
    real = os.write
    written: list[int] = []

    def full(descriptor: int, data: bytes) -> int:
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(real(descriptor, data[:10]))
        return written[0]

    journal.record({"event": "request"})
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(JournalError, match="No space left"):
        journal.flush()
    assert verify(tmp_path).torn == 0
    assert verify(tmp_path).entries == 1
    monkeypatch.setattr(os, "write", real)
    journal.close()
    assert verify(tmp_path).entries == 2


def test_entries_are_also_written_to_a_stream(tmp_path: Path) -> None:
    """What is logged can be watched."""
    stream = io.StringIO()
    write(tmp_path, 2, stream=stream)
    assert [json.loads(line)["seq"] for line in stream.getvalue().splitlines()] == [0, 1, 2]


def test_a_watcher_that_went_away_does_not_end_the_log(tmp_path: Path) -> None:
    """A closed stream is passed over."""
    stream = io.StringIO()
    journal = Journal(tmp_path, {}, stream=stream)
    stream.close()
    journal.record({"event": "request"})
    journal.close()
    assert verify(tmp_path).entries == 2


def test_an_outbox_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    """The log says where it cannot write."""
    (tmp_path / "outbox").write_text("x")
    with pytest.raises(JournalError, match="cannot be written"):
        Journal(tmp_path / "outbox", {})
