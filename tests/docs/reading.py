"""Take pages apart: fenced blocks with what their first line says, headings and links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\S*)[ ]?([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        language: First word of its first line.
        marks: ``key=value`` words after it.
        text: What is inside.
    """

    language: str
    marks: dict[str, str]
    text: str


def pages() -> list[Path]:
    """Every page of documentation that the project ships."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    return sorted(path for path in found if ".venv" not in path.parts)


def blocks(path: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found = []
    for language, rest, text in _BLOCK.findall(path.read_text(encoding="utf-8")):
        marks = dict(word.split("=", 1) for word in rest.split() if "=" in word)
        found.append(Block(language, marks, text))
    return found


def commands(block: Block) -> list[str]:
    """The commands of a console block; a line that ends in a backslash goes on in the next."""
    found: list[str] = []
    for line in block.text.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            found.append(line[2:])
        elif found and line.startswith("    "):
            found[-1] += " " + line.strip()
    return found


def prose(path: Path) -> str:
    """A page without its fenced blocks."""
    return _BLOCK.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts derive them."""
    lines = [line.lstrip("#").strip() for line in prose(path).splitlines() if re.match(r"#{1,6} ", line)]
    return {re.sub(r"[^\w\- ]", "", line.replace("`", "")).strip().lower().replace(" ", "-") for line in lines}
