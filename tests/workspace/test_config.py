"""The configuration file: what it accepts, and how it says what is wrong."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.errors import ConfigError, ConfigMissingError
from stockade.types.execution import Mode
from stockade.types.toml_lines import line_of
from stockade.workspace import config
from stockade.workspace.config import load, parse

MINIMAL = '[data]\nsource = "people.csv"\ntarget = "employed"\n'
HERE = Path("stockade.toml")


def test_two_keys_are_enough() -> None:
    """Source and target have no default; everything else does."""
    found = parse(MINIMAL, HERE)
    assert (found.data.source, found.data.target) == ("people.csv", "employed")
    assert found.project.mode is Mode.RESEARCH
    assert found.train.folds == 5


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (MINIMAL + "[trian]\nseed = 1\n", 4, ("trian", "train")),
        (MINIMAL + "[train]\ntrails = 3\n", 5, ("trails", "trials")),
        (MINIMAL + "[train]\n\n# a comment\nfolds = 1\n", 7, ("folds", "2 to 20")),
        (MINIMAL + '[train]\nfolds = "five"\n', 5, ("folds", "whole number")),
        (MINIMAL + "[train]\nfolds = true\n", 5, ("folds", "whole number")),
        (MINIMAL + '[train]\ntrainers = ["ligthgbm"]\n', 5, ("ligthgbm", "lightgbm")),
        (MINIMAL + '[project]\nmode = "prod"\n', 5, ("prod", "production")),
        (MINIMAL + '[workspace]\nisolation = "none"\n', 5, ("isolation", "strict")),
        ('[data]\ntarget = "employed"\n', 1, ("source", 'source = "..."')),
        ("[data]\nsource = 3\n", 2, ("source", "text")),
        (MINIMAL + "sensitive = 'sex'\n", 4, ("sensitive", '["a", "b"]')),
    ],
)
def test_a_mistake_is_named_with_its_line_and_remedy(text: str, line: int, words: tuple[str, str]) -> None:
    """Every error says file, line, key and what was probably meant."""
    with pytest.raises(ConfigError) as caught:
        parse(text, HERE)
    assert caught.value.where == f"stockade.toml:{line}"
    for word in words:
        assert word in f"{caught.value.message} {caught.value.remedy}"


def test_broken_toml_is_a_config_error() -> None:
    """What is not TOML is named as such."""
    with pytest.raises(ConfigError, match="not valid TOML"):
        parse("[data\n", HERE)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    """Without a project the remedy is ``stockade init``."""
    with pytest.raises(ConfigMissingError) as caught:
        load(tmp_path / "stockade.toml")
    assert "stockade init" in caught.value.remedy


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    """A file that is not UTF-8 is a configuration error, not a traceback."""
    (tmp_path / "stockade.toml").write_bytes(b"\xff\xfe[\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(tmp_path / "stockade.toml")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the reader fail in another way."""
    with contextlib.suppress(ConfigError):
        parse(text, HERE)


def test_lines_of_dotted_keys_and_tables_are_found() -> None:
    """Headers, dotted keys and quoted keys count."""
    text = 'a.b = 1\n[c]\n"d" = 2\n[[e]]\nf = 3\n'
    assert [line_of(text, *keys) for keys in (("a", "b"), ("c", "d"), ("e", "f"), ("x",))] == [1, 3, 5, 0]


def test_the_trainers_are_those_of_training() -> None:
    """What the configuration may name is what training knows; the two rooms do not import each other."""
    from stockade.train.settings import TRAINERS as KNOWN

    assert config.TRAINERS == KNOWN
