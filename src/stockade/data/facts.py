"""What is known of one column of raw values, and the column that this proposes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from stockade.data.bounds import propose as propose_bounds
from stockade.data.numerals import find_format, parse_number
from stockade.data.typed import NAMED_FORMATS, SHORT_FORMATS, TIMESTAMP_FORMATS, parse_timestamp, typed
from stockade.schema.column import Column, Kind, Role

if TYPE_CHECKING:
    from collections.abc import Callable

_FAILING_SHARE = 0.005
_LEAST_FOR_FAILURES = 100
_IDENTIFIER_WORDS = frozenset(
    ("id", "ids", "uuid", "guid", "identifier", "number", "no", "nr", "key", "index", "serial", "ssn", "email", "rowid")
)
# The year tells dates from versions such as 1.2.3, and a short one only where nothing else could be meant.
_DATES = (
    (r"^(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?:\D|$)", TIMESTAMP_FORMATS),
    (r"^(?:\d{1,2}/\d{1,2}/\d{2}|\d{2}\.\d{2}\.\d{2})$", SHORT_FORMATS),
    (r"^(?:\d{1,2}\.?[- ][A-Za-z]{3,9}[- ]|[A-Za-z]{3,9} \d{1,2}, )\d{4}$", NAMED_FORMATS),
)
_RARE = 5
_RARE_ROWS = 5000
_RARE_FACTOR = 25
_SMALL_VOCABULARY = 100
_CLOSED_VOCABULARY = 200
_LARGEST_VOCABULARY = 5000
_LEAST_PER_WORD = 10


@dataclass(frozen=True, slots=True)
class Facts:
    """One column, looked at.

    Attributes:
        name: Its name.
        kind: The kind its values are of; category for any text that is nothing else.
        format: Format of timestamps, or of numbers that are not written plainly, in text.
        values: Values of that kind, nulls and values of other kinds left out; text as it is.
        words: For text and numbers with a format, the distinct words (``word``) and how often each occurs (``count``),
            most frequent first.
        rows: Rows of the table.
        missing: Rows without a value.
        note: What was noticed, such as values that do not parse.
    """

    name: str
    kind: Kind
    format: str
    values: pl.Series
    words: pl.DataFrame
    rows: int
    missing: int
    note: str = ""

    @property
    def distinct(self) -> int:
        """Distinct values."""
        return self.values.n_unique()


def gather(series: pl.Series) -> Facts:
    """Look at a tidied column."""
    missing = series.null_count()
    kind, format_ = _kind_of(series)
    column = Column(series.name, kind, format=format_)
    values = series.to_frame().select(typed(column, series.name, series.dtype).alias(series.name)).to_series()
    kept = values.drop_nulls()
    if kind is Kind.REAL:
        kept = kept.filter(kept.is_finite())
    failing = len(series) - missing - values.len() + values.null_count()
    note = f"{failing} of {len(series)} values are not of this kind" if failing else ""
    wordy = kind is Kind.CATEGORY or (kind.numeric and format_)
    words = _words(series.drop_nulls()) if wordy else pl.DataFrame({"word": [], "count": []})
    return Facts(series.name, kind, format_, kept, words, len(series), missing, note)


def propose(item: Facts) -> Column:
    """Propose the column, as if it were neither target nor named by a hint."""
    nullable = item.missing > 0
    if item.values.is_empty():
        return Column(item.name, Kind.TEXT, Role.CONSTANT, nullable=True, note="no row has a value")
    if item.distinct == 1 and not nullable:
        return Column(item.name, item.kind, Role.CONSTANT, format=item.format, note="all rows have the same value")
    if reason := _identifying(item):
        kind = Kind.TEXT if item.kind is Kind.CATEGORY else item.kind
        return Column(item.name, kind, Role.IDENTIFIER, nullable=nullable, format=item.format, note=reason)
    if item.kind is Kind.CATEGORY:
        return _category(item, nullable=nullable)
    if item.kind.numeric:
        low, high = number_bounds(item)
        return Column(
            item.name, item.kind, nullable=nullable, minimum=low, maximum=high, format=item.format, note=item.note
        )
    return Column(item.name, item.kind, nullable=nullable, format=item.format, note=item.note)


def number_bounds(item: Facts) -> tuple[float | None, float | None]:
    """Bounds of a numeric column; whole numbers where the kind is integer."""
    low, high = propose_bounds(item.values.cast(pl.Float64).to_numpy())
    if item.kind is Kind.INTEGER:
        return (None if low is None else float(math.floor(low)), None if high is None else float(math.ceil(high)))
    return low, high


def known_words(words: pl.DataFrame, rows: int) -> list[str]:
    """Words but those that hardly occur: fewer than 5 times in 5,000 rows or more, and 25 times less than the rest.

    In a vocabulary of more than 100 words, or one whose words thin out gradually, rare words are to be expected and
    all stay: a small group of people must not be taken for a misspelling.
    """
    frequent = words.filter(pl.col("count") >= _RARE)
    if rows < _RARE_ROWS or frequent.height < 2 or frequent.height > _SMALL_VOCABULARY:
        return words["word"].to_list()
    least = frequent["count"].to_list()[-1]
    return words.filter((pl.col("count") >= _RARE) | (pl.col("count") * _RARE_FACTOR > least))["word"].to_list()


def _kind_of(series: pl.Series) -> tuple[Kind, str]:
    match series.dtype:
        case pl.Boolean():
            return Kind.BOOLEAN, ""
        case pl.Int64():
            return Kind.INTEGER, ""
        case pl.Float64():
            return Kind.REAL, ""
        case pl.Datetime():
            return Kind.TIMESTAMP, ""
        case _:
            return _kind_of_text(_words(series.drop_nulls()))


def _kind_of_text(words: pl.DataFrame) -> tuple[Kind, str]:
    """Tell from distinct words and their counts what most of them are."""
    total = int(words["count"].sum())
    if total == 0:
        return Kind.CATEGORY, ""
    allowed = max(_FAILING_SHARE * total, 1.0) if total >= _LEAST_FOR_FAILURES else 0.0

    def failing(test: pl.Expr) -> int:
        return total - int(words.select(pl.col("count").filter(test.fill_null(value=False)).sum()).item())

    if number := _number_kind(words, failing, allowed):
        return number
    word = pl.col("word")
    if failing(word.str.to_lowercase().is_in(["true", "false"])) <= allowed:
        return Kind.BOOLEAN, ""
    for pattern, formats in _DATES:
        for format_ in formats if failing(word.str.contains(pattern)) <= allowed else ():
            if failing(parse_timestamp(word, format_).is_not_null()) <= allowed:
                return Kind.TIMESTAMP, format_
    return Kind.CATEGORY, ""


def _number_kind(words: pl.DataFrame, failing: Callable[[pl.Expr], int], allowed: float) -> tuple[Kind, str] | None:
    """Integer or real with the format of its text, where all but the allowed number of rows hold numbers."""
    word = pl.col("word")
    number = word.cast(pl.Float64, strict=False)
    # Codes such as 007 or 02139 are words: as numbers they would lose their zeros.
    unread = failing(number.is_not_null() & ~word.str.contains(r"^[+-]?0\d"))
    format_ = find_format(words, failing, plain=unread <= allowed) if unread else ""
    if format_:
        written = parse_number(word, format_)
        if failing(written.is_not_null()) <= min(allowed, unread - 1):
            whole = words.select((written == written.round()).all()).item()
            return (Kind.INTEGER if whole else Kind.REAL), format_
    if unread > allowed:
        return None
    fractional = word.str.contains(r"[.eEiI]") & number.is_not_null()
    whole = words.select(fractional.any()).item() is False
    return (
        Kind.INTEGER if whole and failing(word.cast(pl.Int64, strict=False).is_not_null()) <= allowed else Kind.REAL
    ), ""


def _words(texts: pl.Series) -> pl.DataFrame:
    counts = texts.alias("word").value_counts(name="count")
    return counts.sort("count", "word", descending=[True, False])


def _identifying(item: Facts) -> str:
    """Why the column names rows rather than describes them, or nothing."""
    present = len(item.values)
    if item.kind in (Kind.BOOLEAN, Kind.TIMESTAMP) or present < 20 or item.distinct < 0.99 * present:
        return ""
    if item.kind is Kind.REAL and not bool((item.values == item.values.round()).all()):
        return ""
    if _IDENTIFIER_WORDS & set(_name_words(item.name)):
        return "named like an identifier, and unique"
    if item.kind is Kind.CATEGORY:
        return "a different word in every row" if not _is_prose(item) else ""
    steps = item.values.diff().drop_nulls()
    return "counts the rows" if int((steps == 1).sum()) >= 0.9 * len(steps) else ""


def _name_words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return re.split(r"[^a-z0-9]+", spaced.lower())


def _is_prose(item: Facts) -> bool:
    return int((item.values.str.count_matches(r"\S\s+\S") > 0).sum()) > 0.5 * len(item.values)


def _category(item: Facts, *, nullable: bool) -> Column:
    present = len(item.values)
    distinct = item.words.height
    per_word = present / distinct
    # Of cities or employers most rows name a frequent one, however many rare ones there are.
    often = int(item.words["count"].filter(item.words["count"] >= _LEAST_PER_WORD).sum())
    rare = per_word < _LEAST_PER_WORD and often < 0.5 * present
    scattered = (distinct > 20 and per_word < 2) or (distinct > _CLOSED_VOCABULARY and rare)
    if scattered or distinct > _LARGEST_VOCABULARY:
        note = f"text with {distinct} different values in {present} rows; derive columns from it to use it"
        return Column(item.name, Kind.TEXT, Role.EXCLUDED, nullable=nullable, note=note)
    if distinct > _CLOSED_VOCABULARY:
        note = f"{distinct} different words, too many to list: any word is allowed"
        return Column(item.name, Kind.CATEGORY, nullable=nullable, note=note)
    known = sorted(known_words(item.words, item.rows))
    left = [word for word in item.words["word"].to_list() if word not in set(known)]
    note = f"left out as unknown: {', '.join(left[:5])}" if left else ""
    return Column(item.name, Kind.CATEGORY, nullable=nullable, categories=tuple(known), note=note)
