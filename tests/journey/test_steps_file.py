"""Mistakes in a project's own steps.py."""

from __future__ import annotations

import pytest

from journey.shell import Shell

_HEAD = "import polars as pl\n\n\ndef clean(valid: pl.DataFrame, schema: str) -> pl.DataFrame:\n"

BEFORE = {
    "syntax": ("def clean(valid, schema:\n    pass\n", "C100", ["not valid Python", "steps.py:1", "correct"]),
    "unknown": (_HEAD.replace("schema", "schma") + "    return valid\n", "C100",
                ["'schma', which no step makes", "steps.py:4", "did you mean 'schema'?"]),
    "latin": ("x = '\xe4'\n".encode("latin-1"), "C100", ["not valid Python", "steps.py"]),
    "circle": ("def one(two: dict) -> dict: ...\ndef two(one: dict) -> dict: ...\n", "C100", ["circle", "one, two"]),
}  # fmt: skip


@pytest.mark.parametrize("mistake", BEFORE)
def test_mistakes_are_found_before_anything_runs(shell: Shell, mistake: str) -> None:
    """A file that cannot be read as Python, or asks for what nothing makes, is refused with its line."""
    content, code, said = BEFORE[mistake]
    shell.file("steps.py", content)
    shell.refused("run", code, *said)


DURING = {
    "raises": ("    print('hello from here')\n    raise ValueError(f'no such thing: {valid.height}')\n", "P100",
               ["'clean' failed: ValueError: no such thing: 600", "steps.py:6", "run again"]),
    "exits": ("    raise SystemExit(0)\n", "P100", ["'clean' failed", "SystemExit", "steps.py:5"]),
    "aborts": ("    import os\n    os.abort()\n", "P100", ["'clean' failed", "SIGABRT"]),
    "imports": ("    import nowhere\n", "P100", ["No module named 'nowhere'", "steps.py:5"]),
    "nothing": ("    return None\n", "P102", ["'clean' failed", "None"]),
    "wrong type": ("    return 3.5j\n", "P102", ["'clean' failed", "complex"]),
}  # fmt: skip


@pytest.mark.parametrize("mistake", DURING)
def test_a_step_that_fails_is_one_screen_with_its_line(shell: Shell, mistake: str) -> None:
    """A step that raises, ends, crashes or returns the wrong thing is named; its own prints are shown, no traceback."""
    body, code, said = DURING[mistake]
    shell.file("steps.py", _HEAD + body)
    shell.refused("run", code, *said)


def test_what_a_failed_step_printed_is_shown_and_the_next_run_works(shell: Shell) -> None:
    """Lines that a step printed stand under its failure; without the mistake the same project runs again."""
    shell.file("steps.py", _HEAD + "    print('hello from here')\n    raise ValueError('no')\n")
    assert shell.types("run") == 1
    out, err = shell.read()
    assert "clean printed: hello from here" in out
    assert "Traceback" not in out + err
    (shell.folder / "steps.py").unlink()
    assert "clean      proven, not repeated" in shell.works("run")


def test_a_table_without_the_target_is_refused_by_the_next_step(shell: Shell) -> None:
    """A step that loses columns is caught where they are needed, in a sentence that names one."""
    shell.file("steps.py", _HEAD + "    return valid.select('age')\n")
    assert shell.types("run") in (1, 2)
    out, err = shell.read()
    assert "Traceback" not in out + err
    assert err.startswith("error ")
    assert "column" in err


def test_bytes_that_are_no_model_are_refused(shell: Shell) -> None:
    """A trainer that returns anything but an ONNX model is stopped before it is assessed."""
    shell.file(
        "steps.py",
        "import polars as pl\n\n\n"
        "def train(training: pl.DataFrame, folds: pl.DataFrame, layout: str) -> bytes:\n    return b'nothing'\n",
    )
    assert shell.types("run") in (1, 2)
    out, err = shell.read()
    assert "Traceback" not in out + err
    assert "model" in err
