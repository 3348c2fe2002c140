"""Type commands as a user does, and hold what is shown against the manners that every error keeps."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from stockade.cli.main import run as command

ONE_SCREEN = 24


class Screen(NamedTuple):
    """What is on standard output and standard error."""

    out: str
    err: str


@dataclass
class Shell:
    """A place to type in.

    Attributes:
        folder: Where it is.
        read: Returns what was printed since it was called last, by this process and all below it.
    """

    folder: Path
    read: Callable[[], Screen]

    def types(self, *words: str) -> int:
        """Type a command that is expected to work or to find something; returns the exit code."""
        self.read()
        return command(words)

    def works(self, *words: str) -> str:
        """Type a command that must work without a word on standard error; returns what it printed."""
        code = self.types(*words)
        screen = self.read()
        assert code == 0, screen
        assert not screen.err, screen.err
        return screen.out

    def refused(self, words: str | tuple[str, ...], code: str, *said: str) -> str:
        """Type a command that must end in one screen of error; returns that in one line.

        Args:
            words: The command.
            code: Code of the error.
            said: Words that the error must have, in any case.
        """
        typed = tuple(words.split()) if isinstance(words, str) else words
        before = footprint(self.folder)
        status = self.types(*typed)
        shown = mannered(self.read(), status, code, *said)
        after = footprint(self.folder)
        assert after == before, f"changed: {set(before.items()) ^ set(after.items())}"
        return shown

    def file(self, name: str, content: str | bytes) -> Path:
        """Write a file."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace one passage of a file."""
        path = self.folder / name
        text = path.read_text()
        assert text.count(old) >= 1, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new, 1))


def mannered(screen: Screen, status: int, code: str, *said: str) -> str:
    """Check that an error is one screen: code, sentence, remedy, the exit code of its family, never a traceback."""
    assert "Traceback" not in screen.out + screen.err, screen
    shown = " ".join(screen.err.split())
    assert shown.startswith(f"error {code} "), screen
    assert " remedy " in shown, screen.err
    assert len(screen.err.splitlines()) <= ONE_SCREEN, screen.err
    family = {"C": 2, "V": 3}.get(code[0], 1)
    assert status == family, f"exit code {status} for {code}"
    for words in said:
        assert words.lower() in shown.lower(), f"{words!r} is not in: {shown}"
    return shown


def footprint(folder: Path) -> dict[str, str]:
    """Every file that a person would see in a project, by its content; the store proves itself."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".stockade" not in path.parts and not path.name.startswith("._")
    }


def spawn(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start a command in a process group of its own, as a shell does."""
    return subprocess.Popen(
        [sys.executable, "-m", "stockade", *words],
        cwd=folder,
        env={**os.environ, "COLUMNS": "300"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
