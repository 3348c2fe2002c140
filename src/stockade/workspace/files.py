"""Files that people wrote, opened with a sentence for whatever is wrong with them."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path

from stockade.errors import ConfigError, SourceUnreadableError
from stockade.schema.column import Schema


def source_file(path: Path, remedy: str) -> Path:
    """The path itself, once it is a file that can be opened.

    Raises:
        SourceUnreadableError: it is missing, a folder, or not readable; `remedy` is advised where no name is close.
    """
    where = str(path)
    if path.is_dir():
        raise SourceUnreadableError("the source is a folder", where=where, remedy="name a file inside it")
    if not path.is_file():
        names = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        close = get_close_matches(path.name, names, n=1)
        meant = f"did you mean {path.parent / close[0]}?" if close else remedy
        raise SourceUnreadableError("there is no such file", where=where, remedy=meant)
    if not os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
        raise SourceUnreadableError(
            "the file cannot be read: permission denied", where=where, remedy="check who may read it"
        )
    return path


def schema_file(path: Path) -> Schema:
    """Read a schema.

    Raises:
        ConfigError: there is none, it is not UTF-8 text, or it says something that cannot be.
    """
    from stockade.schema.toml import from_toml

    return from_toml(text_file(path, "schema"), str(path))


def text_file(path: Path, what: str) -> str:
    """Read a text.

    Raises:
        ConfigError: there is no such file, it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"there is no such {what} file", where=str(path), remedy="check the path") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError("the text is not UTF-8", where=f"{path}:{line}", remedy="save the file as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror}", where=str(path), remedy="check it") from None
