"""The schema as a TOML file that a person reads, corrects and commits.

    text = to_toml(schema)
    assert from_toml(text, "schema.toml") == schema

Format 1: ``format``, ``target``, ``task``, then one ``[columns."name"]`` table a column, in the order of the source.
"""

from __future__ import annotations

import json
import re
import textwrap
import tomllib
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from stockade.errors import ConfigError
from stockade.schema.column import Column, Kind, Role, Schema
from stockade.types.scorecard import Task
from stockade.types.toml_lines import line_of

FORMAT = 1
_TOP = ("format", "target", "task", "columns")
_KEYS = {
    "kind": str,
    "role": str,
    "nullable": bool,
    "minimum": float,
    "maximum": float,
    "categories": list,
    "format": str,
    "sensitive": bool,
    "note": str,
}
_EXPECTED = {
    str: "text in quotation marks",
    bool: "true or false",
    float: "a number",
    list: "a list of texts",
    int: "a whole number",
    dict: "a table",
}
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LINE_OF_ERROR = re.compile(r"at line (\d+), column (\d+)")

_HEADER = """\
# What each column of the data must look like. Proposed from the data; read it, correct it, commit it.
# From now on it is enforced: a row that breaks it is set aside with its reasons, and never used.
#
#   kind        integer, real, boolean, category, text or timestamp
#   role        feature, target, identifier, time, group, constant or excluded; only features reach a model,
#               and only features and the target are checked
#   nullable    true where a row may lack the value
#   minimum, maximum   bounds, both allowed; proposed with a margin around what was seen
#   categories  the words allowed; of two classes of a target the last is the positive one
#   format      how timestamps are written in text, as in strptime; or numbers: "1,234.5" or "1.234,5 €"
#   sensitive   true where fairness is to be reported by this column
#   note        why it was proposed so
"""

E = TypeVar("E", bound=StrEnum)


def to_toml(schema: Schema) -> str:
    """Write a schema as TOML with an explaining header; `from_toml` reads it back equal."""
    head = [_HEADER, f"format = {FORMAT}"]
    if schema.task is not None:
        head += [f"target = {_text(schema.target)}", f"task = {_text(schema.task.value)}"]
    return "\n".join(head) + "\n" + "".join("\n" + _column_text(column) for column in schema.columns)


def from_toml(text: str, path: str = "schema.toml") -> Schema:
    """Read a schema; `path` is named in errors.

    Raises:
        stockade.errors.ConfigError: not TOML, an unknown or missing key, a value of the wrong type, or columns that
            contradict each other; `where` holds file and line.
    """
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _LINE_OF_ERROR.search(str(error))
        where = f"{path}:{place[1]}:{place[2]}" if place else path
        sentence = _LINE_OF_ERROR.sub("", str(error)).replace(" ()", "")
        raise ConfigError(f"not TOML: {sentence}", where=where, remedy="correct the line") from None
    except RecursionError:
        raise ConfigError("not TOML: it nests too deep", where=path, remedy="correct the file") from None
    return _Reader(text, path).schema(plain)


class _Reader:
    """Turns parsed TOML into a schema and knows on which line each key stands."""

    def __init__(self, text: str, path: str) -> None:
        self._path = path
        self._text = text

    def schema(self, plain: dict[str, Any]) -> Schema:
        for key in plain:
            if key not in _TOP:
                self._fail((key,), f"unknown key {key!r}", _meant(key, _TOP))
        if plain.get("format") != FORMAT:
            self._fail(("format",), f"format must be {FORMAT}", f"write format = {FORMAT} in the first line")
        tables = self._value(plain, (), "columns", dict, {})
        if not tables:
            self._fail((), "there are no columns", 'add a table such as [columns."age"] for each column')
        columns = tuple(self._column(name, table) for name, table in tables.items())
        target = self._value(plain, (), "target", str, "")
        if target and target not in tables:
            self._fail(("target",), f"target {target!r} is not among the columns", _meant(target, tuple(tables)))
        task = self._word(plain, (), "task", Task) if "task" in plain else None
        try:
            return Schema(columns, target, task)
        except ValueError as error:
            self._fail(("columns", target) if target else (), str(error), "correct roles, target and task")

    def _column(self, name: str, table: object) -> Column:
        place = ("columns", name)
        if not isinstance(table, dict):
            self._fail(place, f"columns.{name} must be a table", f"write [columns.{_key(name)}] on a line of its own")
        for key in table:
            if key not in _KEYS:
                self._fail((*place, key), f"unknown key {key!r}", _meant(key, tuple(_KEYS)))
        if "kind" not in table:
            self._fail(place, f"column {name!r} has no kind", f"add kind, one of {_listed(Kind)}")
        categories = self._value(table, place, "categories", list, [])
        if not all(isinstance(word, str) for word in categories):
            self._fail((*place, "categories"), "categories must be texts", "put each in quotation marks")
        try:
            return Column(
                name,
                self._word(table, place, "kind", Kind),
                self._word(table, place, "role", Role) if "role" in table else Role.FEATURE,
                nullable=self._value(table, place, "nullable", bool, default=False),
                minimum=self._value(table, place, "minimum", float, None),
                maximum=self._value(table, place, "maximum", float, None),
                categories=tuple(categories),
                format=self._value(table, place, "format", str, ""),
                sensitive=self._value(table, place, "sensitive", bool, default=False),
                note=self._value(table, place, "note", str, ""),
            )
        except ValueError as error:
            self._fail(place, f"column {name!r}: {error}", "correct the column")

    def _value(self, table: dict[str, Any], place: tuple[str, ...], key: str, kind: type, default: Any = None) -> Any:
        if key not in table:
            return default
        value = table[key]
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            try:
                return float(value)
            except OverflowError:
                self._fail((*place, key), f"{key} is too large a number", "write a smaller bound or none")
        if not isinstance(value, kind):
            self._fail((*place, key), f"{key} must be {_EXPECTED[kind]}", "correct the value")
        return value

    def _word(self, table: dict[str, Any], place: tuple[str, ...], key: str, kind: type[E]) -> E:
        word = self._value(table, place, key, str)
        try:
            return kind(word)
        except ValueError:
            options = tuple(item.value for item in kind)
            self._fail((*place, key), f"{key} {word!r} is none of {', '.join(options)}", _meant(word, options))

    def _fail(self, place: tuple[str, ...], message: str, remedy: str) -> NoReturn:
        line = line_of(self._text, *place)
        raise ConfigError(message, where=f"{self._path}:{line}" if line else self._path, remedy=remedy)


def _meant(word: str, options: tuple[str, ...]) -> str:
    close = get_close_matches(word, options, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(options[:12])}"


def _listed(kind: type[StrEnum]) -> str:
    return ", ".join(item.value for item in kind)


def _column_text(column: Column) -> str:
    lines = [
        f"[columns.{_key(column.name)}]",
        f"kind = {_text(column.kind.value)}",
        f"role = {_text(column.role.value)}",
    ]
    if column.nullable:
        lines.append("nullable = true")
    for name, bound in (("minimum", column.minimum), ("maximum", column.maximum)):
        if bound is not None:
            lines.append(f"{name} = {_number(bound)}")
    if column.categories:
        lines.append(_list("categories", column.categories))
    if column.format:
        lines.append(f"format = {_text(column.format)}")
    if column.sensitive:
        lines.append("sensitive = true")
    if column.note:
        lines.append(f"note = {_text(column.note)}")
    return "\n".join(lines) + "\n"


def _list(name: str, words: tuple[str, ...]) -> str:
    line = f"{name} = [{', '.join(map(_text, words))}]"
    if len(line) <= 110:
        return line
    # A word with a blank must not be torn apart, so blanks inside words are hidden from the wrapping.
    inner = ", ".join(_text(word).replace(" ", "\x00") for word in words)
    wrapped = textwrap.wrap(inner, 106, break_long_words=False, break_on_hyphens=False)
    return f"{name} = [\n" + "\n".join(f"    {part}" for part in wrapped).replace("\x00", " ") + ",\n]"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
