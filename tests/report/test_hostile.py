"""Whatever a file, a model or a person put into a name, it stays text on the page, and the page stays small."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from report import sample
from report.reading import read
from stockade.report.content import Report
from stockade.report.page import LIMIT, render
from stockade.report.wording import clean
from stockade.types.digest import Digest

HOSTILE = (
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}",
    "</title></svg></table><h1>owned</h1>",
    "<!-- -->]]>",
    "&lt;b&gt;&amp;",
    "\u202eevil\u202c",
    "a\x00b\x1b[31m",
    "\ud800 lone",
    "𝕬\u200b\ufeff",
)


def poison(value: Any, text: str) -> Any:
    """Replace every text in a record, however deep, by `text`."""
    if isinstance(value, (Enum, Digest)) or value is None:
        return value
    if isinstance(value, str):
        return text
    if isinstance(value, tuple):
        return tuple(poison(item, text) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {field.name: poison(getattr(value, field.name), text) for field in fields(value)}
        return replace(value, **changed)
    return value


def keep_figures(report: Report, clean_one: Report) -> Report:
    """Give a poisoned report its figure and curve names back, so that the drawings they choose are drawn."""
    if report.scorecard is None or clean_one.scorecard is None:
        return report
    card = replace(report.scorecard, figures=clean_one.scorecard.figures, curves=clean_one.scorecard.curves)
    return replace(report, scorecard=card)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", ["census", "digits", "failed"])
def test_hostile_text_is_inert(name: str, text: str) -> None:
    """No text makes an element, an attribute, a comment or a scheme that the page does not have without it."""
    honest = sample.ALL[name]()
    html = render(keep_figures(poison(honest, text), honest))
    page = read(html)
    assert not page.comments
    for element in page.elements:
        assert element.tag not in {"script", "img"}
        assert not any(key.startswith("on") or key == "style" for key in element.attributes)
        assert element.attributes.get("href", "#").startswith("#")
    assert len(page.all("h1")) == 1
    html.encode()
    if text.startswith("{{"):
        assert "{{ 7*7 }}" in page.by_id("verdict").text


@pytest.mark.parametrize("name", ["census", "digits", "failed", "regression"])
def test_structure_does_not_depend_on_text(name: str) -> None:
    """A page made of hostile text has exactly the elements of one made of harmless text."""
    honest = sample.ALL[name]()
    harmless = read(render(poison(honest, "harmless")))
    hostile = read(render(poison(honest, "</a><b x='\">")))
    assert [element.tag for element in hostile.elements] == [element.tag for element in harmless.elements]


def test_direction_overrides_are_written_out() -> None:
    """What would turn the reader's text around is shown as its code point."""
    html = render(replace(sample.census(), purpose="pay \u202egnihton\u202c \u2066now\u2069"))
    assert "\u202e" not in html
    assert "\u2066" not in html
    assert "pay ‹U+202E›gnihton‹U+202C›" in html


def test_right_to_left_words_stay_and_are_isolated() -> None:
    """Words of right-to-left scripts keep their letters and cannot rearrange their neighbours."""
    base = sample.census()
    assert base.scorecard
    groups = tuple(replace(group, value="מבוגרים") for group in base.scorecard.groups)
    page = read(render(replace(base, scorecard=replace(base.scorecard, groups=groups))))
    isolated = [element for element in page.all("bdi") if element.text == "מבוגרים"]
    assert len(isolated) == len(groups)


@pytest.mark.parametrize("letter", ["x", "<", '"', "\u202e", "漢", "😀"])
def test_ten_kilobyte_names(letter: str) -> None:
    """Names of ten thousand characters are cut, and the page keeps its limit."""
    for make in (sample.census, sample.digits):
        html = render(keep_figures(poison(make(), letter * 10_000), make()))
        assert len(html.encode()) <= LIMIT
        read(html)


def test_everything_at_once() -> None:
    """A hundredfold of everything with the longest and worst names still fits, and says what it leaves out."""
    text = '<"&>' * 2500
    base = sample.census()
    big = poison(base, text)
    card, board, verdict, profile = big.scorecard, big.leaderboard, big.verdict, big.profile
    assert card
    assert board
    assert verdict
    assert profile
    groups = tuple(replace(group, column=f"{index % 40}{text}") for index, group in enumerate(card.groups * 100))
    steps = tuple(
        replace(step, name=f"{index}{text}", inputs=(text,) * 40) for index, step in enumerate(big.steps * 50)
    )
    report = replace(
        big,
        scorecard=replace(
            card, groups=groups, slices=card.slices * 100, figures=card.figures * 100, notes=card.notes * 100
        ),
        leaderboard=replace(board, candidates=board.candidates * 100),
        verdict=replace(verdict, rulings=verdict.rulings * 100),
        profile=replace(profile, columns=profile.columns * 100),
        rejections=big.rejections * 100,
        findings=big.findings * 100,
        audits=(text,) * 1000,
        steps=steps,
        environment=big.environment * 100,
        digests=big.digests * 100,
        verify=text,
    )
    html = render(report)
    assert len(html.encode()) <= LIMIT
    page = read(html)
    assert "more columns" in page.by_id("data").text
    assert "more failed constraints" in page.by_id("data").text
    assert "more steps" in page.by_id("provenance").text


def test_cyclic_and_repeated_steps() -> None:
    """Steps that feed each other, feed themselves or share a name are drawn without hanging."""
    steps = sample.census_steps()
    knot = tuple(replace(step, inputs=steps[(index + 1) % len(steps)].outputs) for index, step in enumerate(steps))
    itself = tuple(replace(step, inputs=step.outputs) for step in steps)
    for tangle in (knot, itself, steps + steps, (replace(steps[0], name=""),)):
        read(render(replace(sample.census(), steps=tangle)))


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_cleaned_text_is_visible_and_encodable(text: str) -> None:
    """Cleaned text never holds control characters, direction marks or surrogates, and cleaning twice changes nothing."""
    once = clean(text, 5000)
    assert clean(once, 5000) == once
    once.encode()
    assert all(char.isprintable() or char.isspace() for char in once)
    assert not set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\n\r\t\x00") & set(once)


@given(st.text(max_size=60))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_leaves_the_page_whole(text: str) -> None:
    """Any text at all, everywhere, leaves a balanced page without scripts."""
    page = read(render(poison(sample.failed(), text)))
    assert not page.all("script")
    assert len(page.all("main")) == 1
