"""A shell in a folder of its own: what is typed, and what a person then sees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from journey.shell import Screen, Shell
from stockade.workspace.project import Project


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Shell:
    """A shell in an empty folder, with an empty private folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.setenv("STOCKADE_HOME", str(tmp_path / "home"))
    return _shell(folder, monkeypatch, capfd)


@pytest.fixture
def shell(project: Project, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Shell:
    """A shell in a copy of a finished project."""
    return _shell(project.root, monkeypatch, capfd)


def _shell(folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "300")
    read: Callable[[], Screen] = lambda: Screen(*capfd.readouterr())  # noqa: E731  (one line says it)
    return Shell(folder, read)
