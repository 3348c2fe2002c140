"""What the page says of the verdict, the data, the findings and the provenance, ready to be set in templates.

A view holds text that is not yet escaped and drawings that are; the templates only place them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from markupsafe import Markup

from stockade.report import strips
from stockade.report.caps import Caps, rest
from stockade.report.content import Judgement, Report, RulingRow, StepNode, StepState
from stockade.report.dag import provenance
from stockade.report.icons import JUDGEMENTS, SEVERITIES, STATUSES
from stockade.report.svg import Scale, unit
from stockade.report.wording import (
    NOTHING,
    clean,
    day,
    interval,
    metric,
    moment,
    number,
    percent,
    plural,
    seconds,
    short,
    whole,
)
from stockade.types.execution import Origin
from stockade.types.results import Finding, Severity
from stockade.types.table import ColumnProfile

_FEW_FINDINGS = 6
_NO_FINDING = Finding("", "", "", Severity.INFO)
_UPPER, _LOWER = frozenset({"at most", "below"}), frozenset({"at least", "above"})


@dataclass(frozen=True, slots=True)
class RulingView:
    """One line of the rules table."""

    tone: str
    word: str
    title: str
    rule: str
    figure: str
    value: str
    interval: str
    threshold: str
    strip: Markup
    advice: str
    waiver: str
    reason: str
    missing: bool


@dataclass(frozen=True, slots=True)
class VerdictView:
    """The head of the page."""

    tone: str
    word: str
    headline: str
    detail: str
    counts: tuple[tuple[str, str], ...]
    rulings: tuple[RulingView, ...]
    quiet: tuple[tuple[str, str], ...]
    rest: str


def verdict(report: Report, caps: Caps) -> VerdictView:
    """Say what was decided, the gravest rules first."""
    decision = report.verdict
    if report.failure:
        tone, word = "bad", "Ended early"
        headline = (
            f"It stopped at step {clean(report.failure.step, caps.name)}" if report.failure.step else "It stopped"
        )
        return VerdictView(tone, word, headline, "", (), (), (), "")
    if decision is None:
        return VerdictView("plain", "No verdict", "No gate has judged this run yet", "", (), (), (), "")
    tone, word = STATUSES[decision.status]
    order = list(JUDGEMENTS)
    rulings = sorted(decision.rulings, key=lambda row: order.index(row.verdict))
    tally = Counter(row.verdict for row in rulings)
    counts = tuple((JUDGEMENTS[one][0], _counted(one, tally[one])) for one in order if tally[one])
    kept = rulings[: caps.rulings]
    loud = tuple(_ruling(row, caps) for row in kept if not _quiet(row))
    quiet = tuple((_title(row), row.rule) for row in kept if _quiet(row))
    left = rest(len(rulings), len(kept), "rule")
    return VerdictView(tone, word, decision.headline, decision.detail, counts, loud, quiet, left)


def _quiet(row: RulingRow) -> bool:
    """Whether a rule holds and has no figure to show: such rules are listed, and make no line of the table."""
    return row.verdict is Judgement.PASSED and row.value is None


def _title(row: RulingRow) -> str:
    """Say the rule in words; where it begins with the name of its figure, the figure's words stand for the name."""
    title = row.title or row.rule
    if row.figure and title.startswith(f"{row.figure} "):
        title = metric(row.figure) + title[len(row.figure) :]
        title = title.replace(f" baseline.{row.figure}", " the baseline's")
    return title[:1].upper() + title[1:]


def _counted(judgement: Judgement, count: int) -> str:
    words = {
        Judgement.REFUSED: ("rule refuses", "rules refuse"),
        Judgement.ABSENT: ("rule lacks evidence", "rules lack evidence"),
        Judgement.ADVISED: ("rule advises", "rules advise"),
        Judgement.WAIVED: ("rule is waived", "rules are waived"),
        Judgement.PASSED: ("rule holds", "rules hold"),
    }
    return plural(count, *words[judgement])


def _ruling(row: RulingRow, caps: Caps) -> RulingView:
    tone, word = JUDGEMENTS[row.verdict]
    waiver = ""
    if row.waiver:
        until = f" until {day(row.waiver.until)}" if row.waiver.until else ""
        waiver = f"Waived by {clean(row.waiver.by, caps.name)}{clean(until, 40)}"
    threshold = f"{row.bound} {short(round(row.threshold, 4))}".strip() if row.threshold is not None else ""
    return RulingView(
        tone=tone,
        word=word,
        title=_title(row),
        rule=row.rule,
        figure=row.figure,
        value=number(row.value) if row.value is not None else "",
        interval=interval(row.low, row.high),
        threshold=threshold,
        strip=_against(row, tone),
        advice=row.advice,
        waiver=waiver,
        reason=row.waiver.reason if row.waiver else "",
        missing=row.verdict is Judgement.ABSENT,
    )


def _against(row: RulingRow, tone: str) -> Markup:
    if row.value is None or row.threshold is None or row.bound not in _UPPER | _LOWER:
        return Markup("")
    around = [row.value, row.low, row.high, row.threshold]
    finite = [value for value in around if value is not None and math.isfinite(value)]
    largest = max(map(abs, finite), default=1.0)
    top = 1.0 if unit(around) and largest > 0.5 else largest * 1.25 or 1.0
    lowest = 0.0 if min(finite, default=0.0) >= 0 else -top
    return strips.bound(Scale(lowest, top, 0, 100), row.threshold, around[:3], tone, upper=row.bound in _UPPER)


@dataclass(frozen=True, slots=True)
class ColumnView:
    """One card of the data profile."""

    name: str
    kind: str
    marks: tuple[str, ...]
    missing: str
    distinct: str
    histogram: Markup
    ends: tuple[str, str, str]
    always: str
    bars: tuple[tuple[str, Markup, str], ...]
    rest: str


@dataclass(frozen=True, slots=True)
class ProfileView:
    """The data profile: cards shown at once, cards to unfold, and what is left out."""

    rows: str
    columns: str
    cards: tuple[ColumnView, ...]
    more: tuple[ColumnView, ...]
    rest: str


def profile(report: Report, caps: Caps) -> ProfileView | None:
    """Show each column small, the target first and the sensitive ones next."""
    table = report.profile
    if table is None:
        return None
    first = {report.target: 0, **{name: 1 for name in report.sensitive if name != report.target}}
    columns = sorted(table.columns, key=lambda column: first.get(column.name, 2))
    cards = [_column(column, report, caps) for column in columns[: caps.columns]]
    # A few cards over are not worth a fold.
    cut = caps.cards if len(cards) > caps.cards + 6 else len(cards)
    left = rest(len(columns), len(cards), "column")
    rows, count = plural(table.rows, "row"), plural(len(columns), "column")
    return ProfileView(rows, count, tuple(cards[:cut]), tuple(cards[cut:]), left)


def _column(column: ColumnProfile, report: Report, caps: Caps) -> ColumnView:
    marks = [word for word, on in (("target", column.name == report.target),) if on]
    marks += ["sensitive"] if column.name in report.sensitive else []
    total = column.count + column.nulls
    bars = tuple(
        (clean(tally.value, 40), strips.share(tally.count / max(column.count, 1)), percent(tally.count, column.count))
        for tally in column.top[: caps.top]
    )
    constant = column.minimum is not None and column.minimum == column.maximum
    median = column.quantiles[2] if len(column.quantiles) == 5 else None
    ends = (short(column.minimum), f"median {short(median)}" if median is not None else "", short(column.maximum))
    label = f"Histogram of {clean(column.name, 60)}, {ends[0]} to {ends[2]}"
    return ColumnView(
        name=clean(column.name, caps.name),
        kind=column.kind,
        marks=tuple(marks),
        missing=f"{percent(column.nulls, total)} missing" if column.nulls else "complete",
        distinct=f"{whole(column.distinct)} distinct",
        histogram=strips.histogram(() if constant else column.histogram[:24], label, median),
        ends=ends if column.minimum is not None else ("", "", ""),
        always=short(column.minimum) if constant else "",
        bars=() if column.histogram else bars,
        rest=rest(column.distinct, len(bars), "value") if bars and not column.histogram else "",
    )


@dataclass(frozen=True, slots=True)
class QuarantineView:
    """Rows that were set aside."""

    headline: str
    reasons: tuple[tuple[str, str, Markup, str], ...]
    rows: tuple[tuple[str, str, str, str, str], ...]
    rest: str
    unfolded: bool


def quarantine(report: Report, caps: Caps) -> QuarantineView | None:
    """List failed constraints by row, with a tally of the columns and rules at fault above."""
    named = report.rejections
    if not named and not report.rejected_rows:
        return None
    rows = report.rejected_rows or len({one.row for one in named})
    total = max(report.rejected_total, len(named))
    tally = Counter((one.column or "(row)", one.rule) for one in named).most_common(8)
    most = tally[0][1] if tally else 1
    reasons = tuple(
        (clean(column, 40), clean(rule, 40), strips.share(count / most, "two"), whole(count))
        for (column, rule), count in tally
    )
    ordered = sorted(named, key=lambda one: (one.row, one.column))[: min(caps.rejections, 200)]
    shown = tuple(
        (whole(one.row), clean(one.column, caps.name), clean(one.value, 80), one.rule, clean(one.reason, caps.text))
        for one in ordered
    )
    of = f" of {whole(report.profile.rows + rows)}" if report.profile else ""
    headline = f"{plural(rows, 'row')}{of} set aside"
    left = rest(total, len(shown), "failed constraint")
    return QuarantineView(headline, reasons if len(tally) > 1 else (), shown, left, len(shown) <= 24)


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding."""

    tone: str
    severity: str
    message: str
    subject: str
    rule: str
    measured: str
    techniques: str
    remedy: str


@dataclass(frozen=True, slots=True)
class FindingsView:
    """What checks found, the gravest first."""

    findings: tuple[FindingView, ...]
    minor: tuple[FindingView, ...]
    rest: str
    checks: str
    audits: tuple[str, ...]


def findings(report: Report, caps: Caps) -> FindingsView | None:
    """List findings; a run whose checks found nothing says so, a run without checks says nothing."""
    if not report.findings and not report.audits:
        return None
    ordered = sorted(report.findings, key=lambda one: -one.severity.rank)
    shown = ordered[: caps.findings]
    views = [_finding(one, said=before.remedy) for before, one in pairwise([_NO_FINDING, *shown])]
    cut = sum(one.severity.rank >= Severity.MEDIUM.rank for one in shown)
    cut = cut if len(shown) > _FEW_FINDINGS else len(shown)
    left = rest(len(ordered), len(shown), "finding")
    audits = report.audits[: 4 * caps.pairs]
    return FindingsView(tuple(views[:cut]), tuple(views[cut:]), left, plural(len(report.audits), "check"), audits)


def _finding(one: Finding, said: str) -> FindingView:
    """Show one finding; a remedy that was just said is not said again."""
    measured = ""
    if one.value is not None:
        name = metric(one.measure) if one.measure else "measured"
        limit = f", held against {short(one.threshold)}" if one.threshold is not None else ""
        measured = f"{clean(name, 60)} {number(one.value)}{limit}"
    techniques = clean(", ".join(one.technique[:6]), 120)
    tone = SEVERITIES[one.severity]
    remedy = "" if one.remedy == said else one.remedy
    return FindingView(tone, one.severity.value, one.message, one.subject, one.rule, measured, techniques, remedy)


@dataclass(frozen=True, slots=True)
class StepView:
    """One line of the table of steps."""

    name: str
    state: str
    seconds: str
    isolation: str
    origin: str
    custom: bool
    digest: str


@dataclass(frozen=True, slots=True)
class ProvenanceView:
    """The graph of steps and its table."""

    graph: Markup
    steps: tuple[StepView, ...]
    rest: str
    summary: str


def steps(report: Report, caps: Caps) -> ProvenanceView | None:
    """Draw the graph of steps and say how many ran, were cached, or are custom."""
    shown = report.steps[: caps.steps]
    if not shown:
        return None
    tally = Counter(step.state for step in report.steps)
    words = [f"{tally[state]} {state.value}" for state in StepState if tally[state]]
    custom = sum(step.origin is Origin.CUSTOM for step in report.steps)
    words += [f"{custom} custom"] if custom else []
    summary = f"{plural(len(report.steps), 'step')}: {', '.join(words)}"
    left = rest(len(report.steps), len(shown), "step")
    return ProvenanceView(provenance([_short(step, caps) for step in shown]), tuple(map(_step, shown)), left, summary)


def _short(step: StepNode, caps: Caps) -> StepNode:
    return replace(step, inputs=step.inputs[: caps.pairs], outputs=step.outputs[: caps.pairs])


def _step(step: StepNode) -> StepView:
    return StepView(
        name=step.name,
        state=step.state.value,
        seconds=seconds(step.seconds),
        isolation=step.isolation or NOTHING,
        origin=step.origin.value,
        custom=step.origin is Origin.CUSTOM,
        digest=step.digest.short if step.digest else NOTHING,
    )


def digests(report: Report, caps: Caps) -> Sequence[tuple[str, str]]:
    """Say what can be checked; the model and the policy are named even when the report lists neither."""
    listed = {digest for _, digest in report.digests}
    decision = report.verdict
    found = [("model", report.model), ("policy", decision.policy if decision else None)]
    ahead = [(name, str(digest)) for name, digest in found if digest and digest not in listed]
    return ahead + [(clean(name, caps.name), str(digest)) for name, digest in report.digests[: caps.pairs]]


def facts(report: Report) -> Sequence[tuple[str, str]]:
    """Say what was judged, in a few pairs of words."""
    pairs = [
        ("Registered as", report.version),
        ("Run", report.run),
        ("Mode", report.mode.value),
        ("Source", report.source),
        ("Target", report.target),
        ("Written", moment(report.created) if report.created else ""),
    ]
    return [(name, clean(value, 80)) for name, value in pairs if value]
