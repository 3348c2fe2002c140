"""Records of CSV and TSV text (RFC 4180, and what is found in the wild): every value stays text.

A header is needed; lines before it that start with # and have another number of fields are comments. Blank lines are
rows without a value, except at the end of the file. A record with more or fewer fields than the header is set aside.
"""

from __future__ import annotations

import csv
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import normalize

import polars as pl

from stockade.data.raw import check_names
from stockade.errors import SourceUnreadableError
from stockade.schema.column import ROW
from stockade.schema.constraint import Rule
from stockade.types.table import Rejection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SEPARATORS = (",", "\t", ";", "|")
_CHUNK = 20_000


class Parsed(NamedTuple):
    """Raw rows of a text file, and the lines that are no records."""

    table: pl.DataFrame
    damaged: list[tuple[int, str]]
    rejections: list[Rejection]


def parse(path: Path) -> Parsed:
    """Parse a CSV or TSV file.

    Raises:
        stockade.errors.SourceUnreadableError: not UTF-8, or a quotation mark is never closed.
        stockade.errors.ColumnError: column names that are duplicated or reserved.
    """
    text = Text(path)
    comments, separator = _opening(path)
    reader = csv.reader(islice(text, comments, None), delimiter=separator)
    names = _names(_next(reader, text, 0) or [], str(path))
    frames: list[pl.DataFrame] = []
    kept: list[list[str]] = []
    numbers: list[int] = []
    parsed = Parsed(pl.DataFrame(), [], [])
    blank: list[int] = []
    row = 0
    while (record := _next(reader, text, row)) is not None:
        row += 1
        if not record:
            blank.append(row)
            continue
        if len(record) != len(names):
            _set_aside(parsed, row, record, len(names), text)
            continue
        kept += [[""] * len(names) for _ in blank] + [record]
        numbers += [*blank, row]
        blank.clear()
        if len(kept) >= _CHUNK:
            frames.append(_frame(names, kept, numbers))
            kept, numbers = [], []
    frames.append(_frame(names, kept, numbers))
    return parsed._replace(table=pl.concat(frames, rechunk=True))


class Text:
    """The lines of a UTF-8 file, byte order mark dropped, that knows which lines the current record spans."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = 0
        self.ended = False
        self.quotes = 0
        self.first = 1

    def __iter__(self) -> Iterator[str]:
        with self.path.open("rb") as stream:
            for raw in stream:
                self.line += 1
                data = raw.removeprefix(b"\xef\xbb\xbf") if self.line == 1 else raw
                try:
                    text = data.decode("utf-8")
                except UnicodeDecodeError as error:
                    remedy = f"convert it, for example: iconv -f WINDOWS-1252 -t UTF-8 {self.path.name}"
                    byte = f"0x{data[error.start]:02x}"
                    message = f"the text is not UTF-8: byte {byte} at position {error.start + 1} of line {self.line}"
                    where = f"{self.path}:{self.line}"
                    raise SourceUnreadableError(message, where=where, remedy=remedy) from None
                self.quotes += text.count('"')
                yield text
        self.ended = True


def _next(reader: Iterator[list[str]], text: Text, row: int) -> list[str] | None:
    text.quotes = 0
    text.first = text.line + 1
    try:
        record = next(reader, None)
    except csv.Error as error:
        where = f"{text.path}:{text.first}"
        remedy = "look for a quotation mark that is never closed, or for binary content"
        if "new-line" in str(error):
            remedy = f"lines must end as on Unix or Windows: tr '\\r' '\\n' < {text.path.name} > unix-{text.path.name}"
        raise SourceUnreadableError(f"row {row + 1} cannot be parsed: {error}", where=where, remedy=remedy) from None
    if record is not None and text.ended and text.quotes % 2 and text.line > text.first:
        message = f"a quotation mark in row {row + 1} is never closed"
        where = f"{text.path}:{text.first}"
        raise SourceUnreadableError(
            message, where=where, remedy='close it, or double it ("") where it is meant literally'
        )
    return record


def _opening(path: Path) -> tuple[int, str]:
    """How many lines of comment precede the header, and what separates fields."""
    marked: list[str] = []
    first = ""
    for line in Text(path):
        if not line.startswith("#"):
            first = line
            break
        marked.append(line)
    lines = [*marked, first] if first.strip() else marked
    separator = "\t" if path.suffix == ".tsv" else max(_SEPARATORS, key=lines[-1].count)
    # A header may start with # itself; then it has as many fields as what follows.
    header = len(lines) > 1 and lines[-2].count(separator) == lines[-1].count(separator)
    return max(0, len(lines) - 1 - int(header)) if marked else 0, separator


def _names(header: list[str], where: str) -> list[str]:
    names = [normalize("NFC", name.strip()) or f"column_{position}" for position, name in enumerate(header, 1)]
    check_names(names, where)
    return names


def _set_aside(parsed: Parsed, row: int, record: list[str], expected: int, text: Text) -> None:
    content = ",".join(record)
    place = f"line {text.first}" if text.line <= text.first else f"lines {text.first} to {text.line}"
    reason = f"{len(record)} fields where the header has {expected} ({place})"
    parsed.damaged.append((row, content))
    parsed.rejections.append(Rejection(row, "", content, Rule.RAGGED.value, reason))


def _frame(names: list[str], rows: list[list[str]], numbers: list[int]) -> pl.DataFrame:
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    series = [pl.Series(name, values, dtype=pl.String) for name, values in zip(names, columns, strict=True)]
    return pl.DataFrame([pl.Series(ROW, numbers, dtype=pl.Int64), *series])
