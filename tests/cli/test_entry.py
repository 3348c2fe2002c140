"""`python -m stockade`, typed in a folder that somebody else may have filled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import QUICK, write_people


@pytest.mark.parametrize("name", ["rich", "json", "polars", "argparse"])
def test_a_file_in_the_working_folder_stands_in_for_no_library(tmp_path: Path, name: str) -> None:
    """The program imports nothing from where it is typed."""
    (tmp_path / f"{name}.py").write_text("raise SystemExit('taken over')\n")
    command = [sys.executable, "-m", "stockade", "explain", "A101"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "taken over" not in result.stderr
    assert result.returncode == 0


def test_own_steps_run_where_the_program_is_typed_in_their_folder(tmp_path: Path) -> None:
    """A steps.py in the working folder is read by its step, and what is proven stays so for the API."""
    write_people(tmp_path / "people.csv", 200)
    (tmp_path / "steps.py").write_text("def count(source: bytes) -> int:\n    return source.count(b'\\n')\n")
    environment = {**os.environ, "STOCKADE_HOME": str(tmp_path / "home")}

    def typed(*words: str) -> str:
        result = subprocess.run(
            [sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    typed("-m", "stockade", "init", "people.csv", "--target", "employed")
    (tmp_path / "stockade.toml").write_text((tmp_path / "stockade.toml").read_text() + QUICK)
    typed("-m", "stockade", "run")
    again = "import stockade; print(all(step.cached for step in stockade.open('.').run().steps))"
    assert typed("-c", again) == "True\n"
