"""What the terminal shows: words beside colours, plain text elsewhere, nothing wider than the window, nothing steered."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from report import sample
from stockade.cli import look
from stockade.errors import DataError
from stockade.pipeline.events import CacheRefused, StepCached, StepFailed, StepFinished, StepProgress, StepStarted
from stockade.policy.decision import Decision, Ruling, Verdict
from stockade.types.execution import Isolation
from stockade.types.results import Figure, Results, Severity
from stockade.types.table import Rejection

HOSTILE = "[red]x[/red]\x1b[2J\x1b]0;owned\x07\u202e"
ADVICE = (
    "Look at the features that stand in for disability, reweigh the rows of the group, or limit the use of the model."
)


def ruling(rule: str, verdict: Verdict, **more: object) -> Ruling:
    return Ruling(rule, f"{rule} holds", verdict, Severity.HIGH, ADVICE, **more)  # type: ignore[arg-type]


def decision(*, allowed: bool = False) -> Decision:
    digest = sample.digest("x")
    gap = {"figure": "tpr_gap.disability", "value": 0.588, "low": 0.556, "high": 0.618, "operator": "<="}
    rulings = (
        ruling("baseline.auc", Verdict.ALLOWED, figure="auc", value=0.9, operator=">", threshold="baseline.auc"),
        ruling("fairness.tpr_gap.disability", Verdict.REFUSED, threshold="0.2", limit=0.2, **gap),
        ruling(
            "fairness.tpr_gap.age",
            Verdict.WAIVED,
            threshold="0.2",
            waived_by=("ben",),
            waived_until="2026-12-21",
            **gap,
        ),
        ruling("max.ece", Verdict.MISSING, figure="ece", operator="<=", threshold="0.1"),
        ruling("evidence.log", Verdict.ALLOWED),
    )
    made = "2026-01-01T00:00:00Z"
    return Decision("employment", 3, digest, "staging", "production", digest, digest, "ada", made, allowed, rulings)


def show_everything() -> None:
    wide = "a_column_with_a_name_that_nobody_would_choose_but_somebody_did_" * 3
    profile = sample.census_profile()
    look.decision(decision())
    look.quarantine((*sample.rejections(), Rejection(7, wide, "v" * 80, "range", wide * 3)))
    look.leaderboard(sample.census_leaderboard())
    look.profile(replace(profile, columns=(*profile.columns, replace(profile.columns[0], name=wide))))
    look.findings(sample.census().findings)
    look.results(Results((Figure("auc", 0.9, 0.88, 0.91),), sample.census().findings))
    look.checks(
        "tried",
        [("a byte of the model flipped", True, "refused: E101 " + "stored bytes differ " * 8), (wide, False, "")],
    )
    look.summary("next", [("root", str(sample.digest("root"))), ("where", wide)])
    look.heading("1. A root of trust")
    look.say("The promotion is refused, and rightly. " * 5)
    look.error(DataError("Something is wrong. " * 10, where=wide, remedy=wide))


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_wider_than_the_window(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At 80 and at 120 columns every line fits, however long the names are."""
    monkeypatch.setenv("COLUMNS", str(width))
    show_everything()
    shown = capsys.readouterr()
    for line in (*shown.out.splitlines(), *shown.err.splitlines()):
        assert len(line) <= width, line


def test_no_escape_reaches_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """What is not a terminal gets no colour and no cursor movement."""
    show_everything()
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out + shown.err


def test_no_color_is_heeded_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With NO_COLOR a terminal gets no colour codes; without it, it does."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    look.decision(decision())
    assert re.search(r"\x1b\[[\d;]*3[1-3]", capsys.readouterr().out)
    monkeypatch.setenv("NO_COLOR", "1")
    look.decision(decision())
    assert not re.search(r"\x1b\[[\d;]*3[1-3]", capsys.readouterr().out)


@pytest.mark.parametrize(
    "show",
    [
        lambda text: look.error(DataError(text, where=text, remedy=text)),
        lambda text: look.summary(text, [(text, text)]),
        lambda text: look.table(text, (text,), [(text,)]),
        lambda text: look.checks(text, [(text, True, text)]),
        lambda text: look.quarantine((Rejection(1, text, text, text, text),)),
        look.heading,
        look.say,
        lambda text: look.findings(tuple(replace(one, subject=text, message=text) for one in sample.census().findings)),
        lambda text: look.decision(replace(decision(), name=text, notes=(text,), problems=(text,))),
    ],
    ids=["error", "summary", "table", "checks", "quarantine", "heading", "say", "findings", "decision"],
)
def test_hostile_text_is_shown_and_steers_nothing(
    show: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Markup is shown as it is, and no control character or direction mark of a value reaches the terminal."""
    monkeypatch.setenv("COLUMNS", "200")
    show(HOSTILE)
    shown = capsys.readouterr()
    both = shown.out + shown.err
    assert "[red]x[/red]" in both
    assert not set("\x1b\x07\u202e") & set(both)


def test_plain_errors_need_no_library(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where rich is missing an error still has code, message, place and remedy, and steers nothing."""
    monkeypatch.setattr(look, "_console", lambda **_: None)
    look.error(DataError(f"broken {HOSTILE}", where="people.csv, row 3", remedy="mend it"))
    told = capsys.readouterr().err
    for part in ("D100", "broken", "people.csv, row 3", "mend it"):
        assert part in told
    assert "\x1b" not in told


def test_errors_say_what_where_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """An error goes to standard error with code, message, place, remedy and the command that says more."""
    look.error(DataError("It is empty.", where="people.csv", remedy="Give a file with rows."))
    shown = capsys.readouterr()
    assert not shown.out
    for part in ("D100", "It is empty.", "people.csv", "Give a file with rows.", "stockade explain D100"):
        assert part in shown.err


def test_every_verdict_has_a_sign_and_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Met, waived, refused and missing are told apart without colour; the refused figure has interval and threshold."""
    monkeypatch.setenv("COLUMNS", "140")
    look.decision(decision())
    shown = capsys.readouterr().out
    for part in (
        "✓ met",
        "◌ waived",
        "✗ refused",
        "? missing",
        "0.5560 to 0.6180",
        "<= 0.2",
        "waived by ben until 2026-12-21",
    ):
        assert part in shown
    assert shown.index("✗ refused") < shown.index("✓ met")
    assert "1 rule about the evidence is met" in shown
    assert shown.count("Look at the features") == 1


def test_an_admitted_decision_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """A favourable decision ends with its word."""
    look.decision(replace(decision(allowed=True), rulings=decision().rulings[:1]))
    assert capsys.readouterr().out.rstrip().endswith("✓ admitted to production")


def test_advice_is_no_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    """In research mode the same rulings are told as what would be refused."""
    look.decision(decision(), advice=True)
    assert "would be refused; in research mode gates advise" in capsys.readouterr().out


def test_quarantine_counts_what_it_does_not_show(capsys: pytest.CaptureFixture[str]) -> None:
    """Only so many rows are listed, and the rest is counted."""
    look.quarantine(sample.rejections(40), 40)
    shown = capsys.readouterr().out
    assert "40 rows set aside" in shown
    assert "16 more reasons" in shown
    assert "(missing)" in shown


EVENTS = (
    StepStarted("ingest", 1, 3, "first run"),
    StepFinished("ingest", 0.4, Isolation(landlock=5, seccomp=True, limits=True), ()),
    StepCached("validate", 2, 3, 0.01),
    CacheRefused("train", "its log leaf is missing"),
    StepStarted("train", 3, 3, "the code changed"),
    StepProgress("train", 3, 10, "trial 3 [of 10]"),
    StepFailed("train", "it failed", "last line"),
)


def test_a_run_is_told_in_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Off a terminal each step is one line with its place, what became of it, and how long it took."""
    with look.RunDisplay() as display:
        for event in EVENTS:
            display.on_event(event)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "[1/3] ingest     sandbox, signed (0.4 s)",
        "[2/3] validate   proven, not repeated (0.0 s)",
        "! train: its log leaf is missing; it runs again",
        "[3/3] train      failed",
        "  train printed: last line",
    ]


def test_a_run_is_shown_live_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal every step has its line, with what it says about itself, brackets and all."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    with look.RunDisplay() as display:
        for event in EVENTS[:-1]:
            display.on_event(event)
    shown = capsys.readouterr().out
    for part in ("ingest", "sandbox, signed", "proven, not repeated", "trial 3 [of 10]", "\x1b["):
        assert part in shown


def test_importing_loads_no_library() -> None:
    """The module is light: rich is imported by what prints."""
    code = "import sys, stockade.cli.look; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
