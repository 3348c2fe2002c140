"""One self-contained HTML page about a run: no network, no script, at most 300 kB whatever it is given.

    from stockade.report.page import render

    Path("report.html").write_text(render(report), encoding="utf-8")

Rules:
    - Every value a template prints is cleaned (`stockade.report.wording.clean`) and escaped; only drawings, whose parts
      were escaped one by one, are taken as they are.
    - The content security policy allows one style block, by its SHA-256, and nothing else.
    - What does not fit is left out and counted, never cut off in the middle.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from stockade.report import groups, scores, sections
from stockade.report.caps import LEVELS, Caps
from stockade.report.content import Report
from stockade.report.icons import icon
from stockade.report.palette import DARK, LIGHT, properties
from stockade.report.wording import GLOSSARY, clean

LIMIT = 300_000
"""Largest size of a page in bytes of UTF-8."""


def render(report: Report) -> str:
    """Write the page for one run; encode it as UTF-8.

    The text is at most 300,000 bytes long: where a run has more to say than fits, tables and texts are cut harder, and
    the page says how much it leaves out.
    """
    page = ""
    for caps in LEVELS:
        page = _environment().get_template("page.html").render(_context(report, caps))
        if len(page.encode()) <= LIMIT:
            break
    return page


def _context(report: Report, caps: Caps) -> dict[str, object]:
    style = _style()
    return {
        "report": report,
        "caps": caps,
        "style": Markup(style),  # noqa: S704  (our own file, nothing of a run is in it)
        "policy": _security_policy(style),
        "verdict": sections.verdict(report, caps),
        "facts": sections.facts(report),
        "profile": sections.profile(report, caps),
        "quarantine": sections.quarantine(report, caps),
        "findings": sections.findings(report, caps),
        "leaderboard": scores.leaderboard(report, caps),
        "score": scores.scores(report, caps),
        "slices": groups.slices(report, caps),
        "fairness": groups.fairness(report, caps),
        "safety": groups.safety(report, caps),
        "digests": sections.digests(report, caps),
        "provenance": sections.steps(report, caps),
        "glossary": GLOSSARY,
    }


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("stockade.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_inert,
    )
    environment.globals["icon"] = icon
    environment.filters["entire"] = lambda text: escape(clean(text, 2000))
    return environment


@pass_context
def _inert(context: Context, value: object) -> object:
    """Clean and cut what a template prints: the last thing that happens to a value before it is escaped."""
    return clean(value, context["caps"].text) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _style() -> str:
    light, dark = properties(LIGHT), properties(DARK)
    sheet = resources.files("stockade.report").joinpath("templates/style.css").read_text("utf-8")
    themes = f":root{{color-scheme:light dark;{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return themes + "".join(line.strip() for line in sheet.splitlines())


def _security_policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
