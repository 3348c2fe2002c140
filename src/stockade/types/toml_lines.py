"""On which line a key of TOML text stands; the standard parser keeps no positions."""

from __future__ import annotations

import re
import tomllib

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_DOTTED})\s*\]\]?")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=")


def line_of(text: str, *keys: str) -> int:
    """The line, counted from 1, of the key or header that matches the longest part of the path; 0 for none.

    A key with dots in its name is found in both spellings, quoted (``"a.b"``) and dotted (``a.b``).
    """
    wanted = ".".join(keys)
    best, place, section = 0, 0, ""
    for number, line in enumerate(text.split("\n"), 1):
        if header := _HEADER.match(line):
            section = found = _plain(header[1])
        elif key := _KEY.match(line):
            found = f"{section}.{_plain(key[1])}" if section else _plain(key[1])
        else:
            continue
        if len(found) > best and (wanted == found or wanted.startswith(f"{found}.")):
            best, place = len(found), number
    return place


def _plain(dotted: str) -> str:
    """The names of a dotted key, unquoted, joined by dots."""
    try:
        node: object = tomllib.loads(f"{dotted} = 0")
    except tomllib.TOMLDecodeError:
        return ""
    names: list[str] = []
    while isinstance(node, dict) and node:
        name, node = next(iter(node.items()))
        names.append(name)
    return ".".join(names)
