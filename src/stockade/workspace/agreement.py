"""Hold ``[data]`` of the configuration against the committed schema, which is what runs.

The hints in ``[data]`` shape a schema once, when it is proposed. A hint that is edited later and contradicts the schema
would have no effect; that is refused here rather than left unnoticed.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from stockade.errors import ConfigError
from stockade.schema.column import Column, Role, Schema
from stockade.types.toml_lines import line_of
from stockade.workspace.config import DataSection

_REMEDY = "correct one of the two, or delete schema.toml to have it proposed anew"


def check_agreement(data: DataSection, schema: Schema, path: Path) -> None:
    """Check that the schema says what the configuration asks for.

    Args:
        data: Section ``[data]``.
        schema: The committed schema.
        path: The configuration file, for messages.

    Raises:
        ConfigError: they contradict each other, or the configuration names a column that the schema lacks.
    """
    if data.target != schema.target:
        _fail(path, "target", f"the target is {data.target!r}, and {schema.target!r} in schema.toml", _REMEDY)
    for key, role in (("time", Role.TIME), ("group", Role.GROUP)):
        if name := getattr(data, key):
            _expect(_column(schema, name, key, path).role is role, key, name, schema, path)
    for key in ("identifiers", "pseudonymise", "exclude"):
        for name in getattr(data, key):
            _expect(_column(schema, name, key, path).role is not Role.FEATURE, key, name, schema, path)
    for name in data.sensitive:
        if not _column(schema, name, "sensitive", path).sensitive:
            _fail(path, "sensitive", f"sensitive names {name!r}, and schema.toml does not say so of it", _REMEDY)


def _expect(agrees: bool, key: str, name: str, schema: Schema, path: Path) -> None:  # noqa: FBT001  (what is expected)
    if not agrees:
        role = schema.column(name).role.value
        _fail(path, key, f"{key} names {name!r}, which has the role {role!r} in schema.toml", _REMEDY)


def _column(schema: Schema, name: str, key: str, path: Path) -> Column:
    try:
        return schema.column(name)
    except KeyError:
        close = get_close_matches(name, schema.names, n=1)
        remedy = f"did you mean {close[0]!r}?" if close else f"columns are {', '.join(schema.names)}"
        _fail(path, key, f"{key} names {name!r}, which is no column of schema.toml", remedy)


def _fail(path: Path, key: str, message: str, remedy: str) -> NoReturn:
    line = line_of(path.read_text(encoding="utf-8"), "data", key) if path.exists() else 0
    raise ConfigError(message, where=f"{path}:{line}" if line else str(path), remedy=remedy)
