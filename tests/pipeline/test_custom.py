"""Signatures of a user's file are read and no line of it runs."""

from pathlib import Path

import pytest

from stockade.errors import ConfigError
from stockade.pipeline.custom import Function, Parameter, read_functions

CODE = '''
from typing import NamedTuple
import polars as pl
raise SystemExit("this file was run")

class Parts(NamedTuple):
    left: pl.DataFrame
    right: "bytes"

def divide(table: pl.DataFrame, share: float = 0.5, *, names: "list[str] | None" = None, now=later()) -> Parts:
    """Cut a table in two.

    More words.
    """

def _hidden(): ...
def plain(x): ...
'''


def test_functions_are_described(tmp_path: Path) -> None:
    """Parameters, literal defaults, annotations and the fields of a NamedTuple come out as written."""
    path = tmp_path / "steps.py"
    path.write_text(CODE)
    found = read_functions(path)
    assert set(found) == {"divide", "plain"}
    assert found["divide"] == Function(
        name="divide",
        line=10,
        doc="Cut a table in two.",
        parameters=(
            Parameter("table", "pl.DataFrame", required=True),
            Parameter("share", "float", required=False, default=0.5),
            Parameter("names", "list[str] | None", required=False, default=None),
            Parameter("now", "", required=False, default=None),
        ),
        returns="Parts",
        fields=("left", "right"),
    )


@pytest.mark.parametrize("content", [b"def f(:\n", b"x = 1\n\0", b"\xff\xfe\n"])
def test_what_is_not_python_is_named(tmp_path: Path, content: bytes) -> None:
    """A file that is not Python is a ConfigError with its path and line."""
    path = tmp_path / "steps.py"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="not valid Python") as caught:
        read_functions(path)
    assert caught.value.where.startswith(f"{path}:")


def test_absent_file(tmp_path: Path) -> None:
    """A file that is not there is a ConfigError."""
    with pytest.raises(ConfigError, match="cannot be read"):
        read_functions(tmp_path / "steps.py")
