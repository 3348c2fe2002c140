"""Signs that stand beside a word, never instead of it, and the tones of the verdicts they go with."""

from __future__ import annotations

from markupsafe import Markup

from stockade.report.content import Judgement, Status
from stockade.report.svg import tag
from stockade.types.results import Severity

_PATHS = {
    "good": "M3.5 8.5l3 3 6-7",
    "bad": "M4 4l8 8M12 4l-8 8",
    "warn": "M8 3.2v6M8 12.2v.6",
    "waive": "M8 4.2v4l2.6 1.8M8 1.6a6.4 6.4 0 1 0 .01 0",
    "plain": "M4 8h8",
}

JUDGEMENTS: dict[Judgement, tuple[str, str]] = {
    Judgement.REFUSED: ("bad", "refused"),
    Judgement.ABSENT: ("bad", "no evidence"),
    Judgement.ADVISED: ("warn", "advice"),
    Judgement.WAIVED: ("waive", "waived"),
    Judgement.PASSED: ("good", "holds"),
}
"""Tone and word of each judgement, gravest first."""

STATUSES: dict[Status, tuple[str, str]] = {
    Status.ADMITTED: ("good", "Admitted"),
    Status.REFUSED: ("bad", "Refused"),
    Status.ADVICE: ("warn", "Advice"),
}
"""Tone and word of each status."""

SEVERITIES: dict[Severity, str] = {
    Severity.CRITICAL: "bad",
    Severity.HIGH: "bad",
    Severity.MEDIUM: "warn",
    Severity.LOW: "warn",
    Severity.INFO: "plain",
}
"""Tone of each severity."""


def icon(tone: str) -> Markup:
    """Draw the sign of a tone: ``good bad warn waive plain``."""
    path = tag("path", d=_PATHS.get(tone, _PATHS["plain"]))
    return tag(
        "svg", path, viewBox="0 0 16 16", width=16, height=16, class_="icon", aria_hidden="true", focusable="false"
    )
