"""Read a CSV, TSV, Parquet or JSON Lines file into a raw table.

    source = read("people.csv")
    source.table        # raw values and "#row"; text files keep every value as text
    source.rejections   # lines that are no records, with reasons

The format is told from the content, helped by the name. Lines that do not fit are set aside one by one and never
dropped silently; what makes the file as a whole unusable is a `DataError`.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

import polars as pl

from stockade.data import delimited, lines
from stockade.data.raw import check_names, raw_table
from stockade.data.rejection import TEXT, rejection_table
from stockade.errors import SourceUnreadableError
from stockade.schema.column import ROW

_PARQUET = b"PAR1"
_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ": "xz",
}
_BYTE_ORDER_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


class Source(NamedTuple):
    """What a file held.

    Attributes:
        table: Raw values, first column ``#row`` (Int64, from 1 without the header).
        damaged: Lines that are no records: ``#row`` and their ``#text``.
        rejections: Why, one line each; columns ``row column value rule reason``.
    """

    table: pl.DataFrame
    damaged: pl.DataFrame
    rejections: pl.DataFrame


def read(path: str | Path) -> Source:
    """Read a table.

    Raises:
        stockade.errors.SourceUnreadableError: missing, empty, header only, not UTF-8, compressed, or not in its format.
        stockade.errors.ColumnError: names that are duplicated or reserved, or columns that hold lists or records.
    """
    path = Path(path)
    head = _head(path)
    if head.startswith(_PARQUET):
        table = _parquet(path)
        source = Source(table, damaged_table(()), rejection_table())
    else:
        _refuse_foreign(path, head)
        parsed = lines.parse(path) if _is_json(path, head) else delimited.parse(path)
        source = Source(parsed.table, damaged_table(parsed.damaged), rejection_table(parsed.rejections))
    if source.table.is_empty():
        damaged = "" if source.damaged.is_empty() else f"no line is a record: {source.rejections['reason'][0]}"
        raise SourceUnreadableError(
            damaged or "the file holds no rows",
            where=str(path),
            remedy="check how the file was exported; a header alone is not enough",
        )
    return source


def damaged_table(rows: tuple[tuple[int, str], ...] | list[tuple[int, str]]) -> pl.DataFrame:
    """Make a table of ``#row`` and ``#text`` for lines that are no records."""
    return pl.DataFrame(rows, schema={ROW: pl.Int64, TEXT: pl.String}, orient="row")


def _head(path: Path) -> bytes:
    where = str(path)
    if path.is_dir():
        raise SourceUnreadableError("the source is a folder", where=where, remedy="name a file inside it")
    try:
        with path.open("rb") as stream:
            head = stream.read(4096)
    except FileNotFoundError:
        near = _near(path)
        raise SourceUnreadableError("there is no such file", where=where, remedy=near) from None
    except OSError as error:
        message = f"the file cannot be opened: {error.strerror}"
        raise SourceUnreadableError(message, where=where, remedy="check its permissions") from None
    if not head.strip():
        raise SourceUnreadableError("the file is empty", where=where, remedy="check how it was exported")
    return head


def _near(path: Path) -> str:
    from difflib import get_close_matches

    names = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
    close = get_close_matches(path.name, names, n=1)
    return f"did you mean {path.parent / close[0]}?" if close else "check the path"


def _refuse_foreign(path: Path, head: bytes) -> None:
    where = str(path)
    for magic, name in _COMPRESSED.items():
        if head.startswith(magic):
            raise SourceUnreadableError(
                f"the file is compressed or an archive ({name})", where=where, remedy="unpack it"
            )
    for magic, name in _BYTE_ORDER_MARKS.items():
        if head.startswith(magic):
            remedy = f"convert it: iconv -f {name} -t UTF-8 {path.name} > utf8-{path.name}"
            raise SourceUnreadableError(f"the text is {name}, not UTF-8", where=where, remedy=remedy)
    if b"\0" in head or path.suffix == ".parquet":
        what = "not a Parquet file, whatever its name says" if path.suffix == ".parquet" else "neither text nor Parquet"
        raise SourceUnreadableError(f"the file is {what}", where=where, remedy="use CSV, TSV, Parquet or JSON Lines")


def _is_json(path: Path, head: bytes) -> bool:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"[") and path.suffix == ".json":
        raise SourceUnreadableError(
            "the file is one JSON list",
            where=str(path),
            remedy="write JSON Lines: one object a line, such as jq -c '.[]'",
        )
    return text.startswith(b"{") and path.suffix not in {".csv", ".tsv"}


def _parquet(path: Path) -> pl.DataFrame:
    where = str(path)
    try:
        table = pl.read_parquet(path, hive_partitioning=False, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        sentence = str(error).splitlines()[0][:160] if str(error) else "no reason given"
        remedy = "the file may be cut off; copy or export it again"
        raise SourceUnreadableError(
            f"the Parquet file cannot be read: {sentence}", where=where, remedy=remedy
        ) from None
    names = {name: normalize("NFC", name) for name in table.columns}
    check_names([name for name in names.values() if name != ROW], where)
    return raw_table(table.rename(names), where)
