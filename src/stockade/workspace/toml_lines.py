"""Find the line of a key in TOML text, for messages; the standard parser keeps no positions."""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?")
_ASSIGNMENT = re.compile(r"\s*([A-Za-z0-9_\-.\"']+(?:\s*\.\s*[A-Za-z0-9_\-\"']+)*)\s*=")


def line_of(text: str, *keys: str) -> int:
    """Line, counted from 1, of the assignment or header that best matches a path of keys; 0 where none does."""
    best, best_line = 0, 0
    section: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            section = _parts(header.group(1))
            found = section
        elif assignment := _ASSIGNMENT.match(line):
            found = (*section, *_parts(assignment.group(1)))
        else:
            continue
        if len(found) > best and found == keys[: len(found)]:
            best, best_line = len(found), number
    return best_line


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
