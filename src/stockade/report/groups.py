"""What the page says of parts of the rows and of attackers: slices, sensitive groups, robustness and privacy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from stockade.report import strips
from stockade.report.caps import Caps, rest
from stockade.report.content import Report, RulingRow
from stockade.report.icons import JUDGEMENTS
from stockade.report.svg import Scale, span, unit
from stockade.report.wording import clean, interval, metric, number, whole
from stockade.types.results import Figure
from stockade.types.scorecard import Group

_UNIT = Scale(0.0, 1.0, 2.0, 98.0)
_SAFETY: Mapping[str, tuple[str, float | None]] = {
    "robustness.accuracy": ("Test rows still answered rightly when somebody may change the features a little.", None),
    "robustness.median_distance": ("How far a row must be moved, at the median, before the answer changes.", None),
    "membership.auc": ("How well an attacker tells training rows from others; 0.5 learns nothing.", 0.5),
    "membership.tpr_at_1pct_fpr": ("Training rows exposed at 1 % false alarms; 0.01 learns nothing.", 0.01),
    "generalisation_gap": ("How much better the model does on rows it was trained on.", 0.0),
}


@dataclass(frozen=True, slots=True)
class SliceView:
    """One slice on the common scale."""

    description: str
    count: str
    strip: Markup
    value: str
    interval: str
    p_value: str


@dataclass(frozen=True, slots=True)
class SlicesView:
    """The worst slices."""

    metric: str
    overall: str
    axis: Markup
    slices: tuple[SliceView, ...]
    rest: str


def slices(report: Report, caps: Caps) -> SlicesView | None:
    """Draw the worst slices against the whole."""
    card = report.scorecard
    if card is None or not card.slices:
        return None
    shown = card.slices[: caps.slices]
    values = [value for one in shown for value in (one.figure.value, one.figure.low, one.figure.high, one.overall)]
    scale = span(values, within=(0.0, 1.0) if unit(values) else None)
    views = tuple(
        SliceView(
            description=one.description,
            count=whole(one.count),
            strip=strips.whisker(
                scale, one.figure.value, one.figure.low, one.figure.high, tone="two", reference=one.overall
            ),
            value=number(one.figure.value),
            interval=interval(one.figure.low, one.figure.high),
            p_value="< 0.001" if 0 <= one.p_value < 0.001 else number(one.p_value),
        )
        for one in shown
    )
    # The figure of a slice may be called after the slice; the scorecard's metric names what is measured.
    name = shown[0].figure.name if not shown[0].figure.name.startswith("slice") else card.metric
    left = rest(len(card.slices), len(shown), "slice")
    return SlicesView(clean(metric(name), 40), number(shown[0].overall), strips.axis(scale), views, left)


@dataclass(frozen=True, slots=True)
class GapView:
    """The largest difference between groups in one rate."""

    label: str
    value: str
    interval: str
    tone: str
    word: str


@dataclass(frozen=True, slots=True)
class CellView:
    """One rate of one group."""

    label: str
    value: str
    interval: str
    strip: Markup


@dataclass(frozen=True, slots=True)
class GroupView:
    """One group of a sensitive column."""

    value: str
    count: str
    small: bool
    cells: tuple[CellView, ...]


@dataclass(frozen=True, slots=True)
class SensitiveView:
    """One sensitive column: its gaps, and the rates of its groups on common scales."""

    column: str
    tone: str
    gaps: tuple[GapView, ...]
    heads: tuple[tuple[str, Markup], ...]
    groups: tuple[GroupView, ...]
    rest: str


@dataclass(frozen=True, slots=True)
class FairnessView:
    """All sensitive columns, those with refused rules first."""

    columns: tuple[SensitiveView, ...]
    rest: str


def fairness(report: Report, caps: Caps) -> FairnessView | None:
    """Draw the rates of every group of every sensitive column."""
    card = report.scorecard
    if card is None or not card.groups:
        return None
    by_column: dict[str, list[Group]] = {}
    for group in card.groups:
        by_column.setdefault(group.column, []).append(group)
    rulings = _rulings(report)
    gaps = {column: _gaps(column, card.figures, rulings) for column in by_column}
    order = ["bad", "waive", "warn", "good", "plain"]
    worst = {
        column: min((gap.tone for gap in found), key=order.index, default="plain") for column, found in gaps.items()
    }
    ranked = sorted(by_column, key=lambda column: order.index(worst[column]))[: caps.sensitive]
    views = tuple(_sensitive(column, by_column[column], gaps[column], worst[column], caps) for column in ranked)
    return FairnessView(views, rest(len(by_column), len(views), "sensitive column"))


def _rulings(report: Report) -> dict[str, RulingRow]:
    """Find the gravest ruling on each figure."""
    order = list(JUDGEMENTS)
    rows = report.verdict.rulings if report.verdict else ()
    return {row.figure: row for row in sorted(rows, key=lambda row: -order.index(row.verdict)) if row.figure}


def _gaps(column: str, figures: Sequence[Figure], rulings: Mapping[str, RulingRow]) -> tuple[GapView, ...]:
    found = []
    for figure in figures:
        head, _, rest_ = figure.name.partition("_gap.")
        if rest_ == column and head:
            row = rulings.get(figure.name)
            tone, word = JUDGEMENTS[row.verdict] if row else ("plain", "")
            around = interval(figure.low, figure.high)
            found.append(GapView(metric(f"{head}_gap"), number(figure.value), around, tone, word))
    return tuple(found)


def _sensitive(column: str, groups: Sequence[Group], gaps: tuple[GapView, ...], tone: str, caps: Caps) -> SensitiveView:
    shown = groups[: caps.groups]
    names = list(dict.fromkeys(figure.name for group in shown for figure in group.figures))[:5]
    scales = {name: _scale(name, shown) for name in names}
    heads = tuple((clean(metric(name), 40), strips.axis(scales[name], 3)) for name in names)
    views = tuple(_group(group, names, scales) for group in shown)
    left = rest(len(groups), len(views), "group")
    return SensitiveView(clean(column, caps.name), tone, gaps, heads, views, left)


def _scale(name: str, groups: Sequence[Group]) -> Scale:
    figures = [figure for group in groups for figure in group.figures if figure.name == name]
    values = [value for figure in figures for value in (figure.value, figure.low, figure.high)]
    return _UNIT if unit(values) else span([*values, 0.0])


def _group(group: Group, names: Sequence[str], scales: Mapping[str, Scale]) -> GroupView:
    figures = {figure.name: figure for figure in group.figures}
    cells = []
    for name in names:
        figure = figures.get(name)
        if figure is None:
            cells.append(CellView(metric(name), "–", "", Markup("")))
            continue
        strip = strips.whisker(scales[name], figure.value, figure.low, figure.high, hollow=group.small)
        cells.append(CellView(metric(name), number(figure.value), interval(figure.low, figure.high), strip))
    return GroupView(clean(group.value, 60), whole(group.count), group.small, tuple(cells))


@dataclass(frozen=True, slots=True)
class SafetyView:
    """One figure about an attacker or about overfitting."""

    label: str
    meaning: str
    value: str
    interval: str
    strip: Markup
    tone: str
    word: str


def safety(report: Report, caps: Caps) -> tuple[SafetyView, ...]:
    """Show robustness, privacy and overfitting figures, each with what it means and what the policy says of it."""
    card = report.scorecard
    if card is None:
        return ()
    rulings = _rulings(report)
    return tuple(
        _safety(figure, rulings.get(figure.name))
        for figure in card.figures
        if figure.name in _SAFETY or figure.name.startswith(("robustness.", "membership."))
    )[: caps.cards]


def _safety(figure: Figure, row: RulingRow | None) -> SafetyView:
    meaning, reference = _SAFETY.get(figure.name, ("", None))
    tone, word = JUDGEMENTS[row.verdict] if row else ("plain", "")
    values = [figure.value, figure.low, figure.high]
    strip = Markup("")
    if unit(values) and figure.name not in {"robustness.median_distance", "generalisation_gap"}:
        strip = strips.whisker(_UNIT, *values, reference=reference)
    around = interval(figure.low, figure.high)
    return SafetyView(metric(figure.name), meaning, number(figure.value), around, strip, tone, word)
