"""A model card as Markdown, for people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from stockade.assess.card import ModelCard, describe
from stockade.types.results import Figure

# An underscore inside a word is a letter to Markdown.
_ACTIVE = re.compile(r"[\\`*\[\]<>|#~]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")


def to_markdown(card: ModelCard) -> str:
    """Write a card as Markdown; what came from data or from people cannot become markup."""
    parts = [f"# {_plain(card.name)}", _plain(card.summary)]
    parts += _section("Purpose", [_plain(card.purpose) if card.purpose else "Not stated."])
    parts += _section("Limits", _list(card.limits))
    parts += _section("What it achieves", _figures(card))
    if card.groups:
        parts += _section("By group", _groups(card))
    if card.slices:
        parts += _section("Where it does worst", _slices(card))
    parts += _section("Data", [*_list(card.data), "", "Features: " + ", ".join(map(_code, card.features)) + "."])
    if card.classes:
        parts += ["Classes: " + ", ".join(map(_code, card.classes)) + "."]
    parts += _section("Training", _list(card.training))
    parts += _section("How it was measured", _list(card.methods))
    return "\n\n".join(parts) + "\n"


def _section(title: str, lines: Iterable[str]) -> list[str]:
    return [f"## {title}", "\n".join(lines)]


def _list(sentences: Iterable[str]) -> list[str]:
    return [f"- {_plain(sentence)}" for sentence in sentences]


def _figures(card: ModelCard) -> list[str]:
    constants = {figure.name: figure for figure in card.figures if figure.name.startswith("baseline.")}
    rows = []
    for figure in card.figures:
        if figure.name not in constants:
            constant = constants.get(f"baseline.{figure.name}")
            mark = " (selected by)" if figure.name == card.metric else ""
            rows.append((_code(figure.name) + mark, *_cells(figure), f"{constant.value:.4g}" if constant else ""))
    return _table(("figure", "value", "95 % interval", "constant"), rows)


def _groups(card: ModelCard) -> list[str]:
    names = list(dict.fromkeys(figure.name for group in card.groups for figure in group.figures))
    rows = []
    for group in card.groups:
        figures = {figure.name: figure for figure in group.figures}
        cells = [describe(figures[name]) if name in figures else "" for name in names]
        mark = " (too few to judge)" if group.small else ""
        rows.append((_code(group.column), _plain(group.value) + mark, f"{group.count:,}", *cells))
    return _table(("column", "group", "rows", *names), rows)


def _slices(card: ModelCard) -> list[str]:
    rows = [
        (
            _plain(part.description),
            f"{part.count:,}",
            describe(part.figure),
            f"{part.overall:.4g}",
            f"{part.p_value:.2g}",
        )
        for part in card.slices
    ]
    return _table(("rows where", "rows", card.slices[0].figure.name, "on all rows", "adjusted p"), rows)


def _cells(figure: Figure) -> tuple[str, str]:
    if figure.low is None and figure.high is None:
        return f"{figure.value:.4g}", ""
    return f"{figure.value:.4g}", describe(figure).split(" ", 1)[1].strip("()")


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _plain(text: str) -> str:
    """Escape whatever Markdown or HTML would act on."""
    return _ACTIVE.sub(lambda found: "\\" + found.group(), _one_line(text))


def _code(text: str) -> str:
    return "`" + _one_line(text).replace("`", "'").replace("|", "\\|") + "`"
