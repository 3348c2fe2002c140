"""On which line a key of TOML text stands; the standard parser keeps no positions."""

from __future__ import annotations

import re

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_DOTTED})\s*\]\]?")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=")
_ONE = re.compile(_PART)


def line_of(text: str, *keys: str) -> int:
    """The line, counted from 1, of the key or header that matches the longest part of the path; 0 for none.

    Keys with dots match both quoted (``"a.b"``) and dotted (``a.b``) spellings.
    """
    wanted = ".".join(keys)
    best, place, section = 0, 0, ""
    for number, line in enumerate(text.splitlines(), 1):
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
    return ".".join(part[1:-1] if part[0] in "\"'" else part for part in _ONE.findall(dotted))
