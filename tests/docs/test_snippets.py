"""The blocks that a page marks with ``run=`` do what the page says, typed as they stand there."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import write_people
from docs.reading import ROOT, blocks, commands, pages

PEOPLE = ("docs/quick-start.md", "README.md")
"""Pages whose ``run=people`` blocks are typed one after another in one folder each."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with people.csv, in which the quick start was followed to its end."""
    base = tmp_path_factory.mktemp("quick-start")
    follow(ROOT / "docs" / "quick-start.md", prepared(base))
    yield base
    shutil.rmtree(base)


def prepared(base: Path) -> Path:
    write_people(base / "people.csv")
    (base / "bin").mkdir()
    program = base / "bin" / "stockade"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m stockade "$@"\n')
    program.chmod(0o755)
    return base


def environment(base: Path) -> dict[str, str]:
    return {"PATH": f"{base / 'bin'}:/usr/bin:/bin", "STOCKADE_HOME": str(base / "home"), "NO_COLOR": "1"}


def typed(command: str, base: Path) -> str:
    result = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=base,
        env=environment(base),
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout[-1500:]}{result.stderr[-1500:]}"
    return result.stdout


@contextlib.contextmanager
def served(base: Path) -> Iterator[dict[str, str]]:
    """What `stockade serve` announces; on a free port, for the default one may be taken."""
    process = subprocess.Popen(
        ["stockade", "serve", "--port", "0", "--json"],
        cwd=base,
        env=environment(base),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        executable=base / "bin" / "stockade",
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line, process.communicate(timeout=10)[1]
        yield json.loads(line)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


def follow(page: Path, base: Path) -> int:
    """Type the marked commands of a page; returns how many."""
    lines = [line for block in blocks(page) if block.marks.get("run") == "people" and block.language == "console" for line in commands(block)]  # fmt: skip
    for line in lines:
        command = line.partition(" #")[0].strip()
        if command == "stockade serve":
            with served(base):
                continue
        typed(command, base)
    return len(lines)


def python_block(page: str, mark: str) -> str:
    found = [item.text for item in blocks(ROOT / page) if item.language == "python" and item.marks.get("run") == mark]
    assert len(found) == 1
    return found[0]


def run_python(text: str, base: Path) -> str:
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", text],
        cwd=base,
        env=environment(base),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout


def test_all_marks_are_known() -> None:
    """No block is marked for a runner that does not exist, and each page that promises commands has them run."""
    marks = {(str(page.relative_to(ROOT)), block.marks["run"]) for page in pages() for block in blocks(page) if "run" in block.marks}  # fmt: skip
    assert marks == {
        *((page, "people") for page in PEOPLE),
        ("docs/serving.md", "serving"),
        ("docs/serving.md", "keys"),
    }


def test_the_quick_start_works_as_typed(folder: Path) -> None:
    """After it there is a served version in production, a report, answers and a verified bundle."""
    assert {"report.html", "answers.csv", "people-1.stockade", "schema.toml", "trust.json"} <= set(os.listdir(folder))  # noqa: PTH208
    assert json.loads(typed("stockade status --json", folder))["aliases"] == {"production": 1}
    assert len((folder / "stockade.toml").read_text().splitlines()) == 6


def test_the_readme_takes_two_lines(folder: Path) -> None:
    """The README's commands for own data are the first two of the quick start, which works."""
    marked = [block for block in blocks(ROOT / "README.md") if block.marks.get("run") == "people" and block.language == "console"]  # fmt: skip
    first = next(block for block in blocks(ROOT / "docs" / "quick-start.md") if block.marks.get("run") == "people")
    assert [block.text for block in marked] == [first.text]
    assert len(commands(first)) == 2


def test_the_readme_in_python(folder: Path) -> None:
    """The snippet runs the project again and prints its version and verdict."""
    assert run_python(python_block("README.md", "people"), folder).splitlines()[0] == "1 True"


def test_serving_by_curl_and_python(folder: Path) -> None:
    """The request of the page is answered as shown, by curl and by the client."""
    shown = next(block for block in blocks(ROOT / "docs" / "serving.md") if block.language == "console")
    expected = json.loads(shown.text.strip().splitlines()[-1])
    with served(folder) as endpoint:
        shutil.copy(endpoint["ca"], folder / "ca.pem")
        shutil.copy(endpoint["key_file"], folder / "api-key")
        (command,) = commands(shown)
        if shutil.which("curl"):
            found = json.loads(typed(command.replace("https://localhost:8443", endpoint["url"]) + " --silent", folder))
            assert _shape(found) == _shape(expected)
        text = python_block("docs/serving.md", "serving").replace("https://localhost:8443", endpoint["url"])
        assert re.fullmatch(r"\('1',\) \(0\.\d+,\)\n", run_python(text, folder))


def _shape(answer: object) -> object:
    if isinstance(answer, dict):
        return {name: _shape(value) for name, value in answer.items()}
    if isinstance(answer, list):
        return [_shape(value) for value in answer]
    return "number" if isinstance(answer, float) else answer


def test_issuing_and_revoking_keys(tmp_path: Path) -> None:
    """A key is issued and revoked, and the file of keys holds no secret."""
    (tmp_path / "bin").mkdir()
    assert run_python(python_block("docs/serving.md", "keys"), tmp_path) == "stk_ True\n"
    assert json.loads((tmp_path / "keys.json").read_text())["keys"] == []
