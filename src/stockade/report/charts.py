"""Charts with two axes: lines with a reference, points with whiskers, and scatter.

A chart is 340 units wide, the width of a narrow telephone, so that its text is never shrunk below reading size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from markupsafe import Markup

from stockade.report.svg import Scale, drawing, group, points, tag, ticks
from stockade.report.wording import short

_WIDTH, _HEIGHT = 340.0, 290.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 10.0, 10.0, 42.0
_Z = 1.959963984540054


class Drawn(StrEnum):
    """How a series is drawn."""

    LINE = "line"
    STEP = "step"
    DOTS = "dots"
    SCATTER = "scatter"


@dataclass(frozen=True, slots=True)
class Series:
    """One line or cloud.

    Attributes:
        label: Shown in the legend and to screen readers.
        x: Abscissae.
        y: Ordinates, as many.
        drawn: How.
        tone: Colour class: ``one two three four`` or ``strong``.
        weight: Rows behind each point; with `Drawn.DOTS` they give 95 % Wilson intervals and the bars at the foot.
        faint: Drawn thin, behind the others.
        bars: Whether the weights are drawn at the foot.
    """

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    drawn: Drawn = Drawn.LINE
    tone: str = "one"
    weight: tuple[int, ...] = ()
    faint: bool = False
    bars: bool = True

    @property
    def pairs(self) -> list[tuple[float, float]]:
        """The finite points."""
        pairs = zip(self.x, self.y, strict=False)
        return [(x, y) for x, y in pairs if math.isfinite(x) and math.isfinite(y)]


@dataclass(frozen=True, slots=True)
class Plane:
    """The axes of a chart.

    Attributes:
        label: What the chart shows, for screen readers; figures belong in it.
        across: Title of the horizontal axis.
        up: Title of the vertical axis.
        x: Range of the horizontal axis; ``None`` fits the data.
        y: Range of the vertical axis; ``None`` fits the data.
        reference: ``diagonal``, ``level`` or empty.
        level: Height of a level reference.
    """

    label: str
    across: str
    up: str
    x: tuple[float, float] | None = (0.0, 1.0)
    y: tuple[float, float] | None = (0.0, 1.0)
    reference: str = ""
    level: float = 0.0


def wilson(share: float, count: int) -> tuple[float, float]:
    """95 % interval of a share of `count` rows (Wilson 1927), both ends in 0..1; all of it when there are no rows."""
    if count <= 0 or not 0 <= share <= 1:
        return (0.0, 1.0)
    square = _Z * _Z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = _Z / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return (max(0.0, middle - half), min(1.0, middle + half))


def chart(plane: Plane, series: Sequence[Series]) -> Markup:
    """Draw all series on one plane; later ones on top."""
    pairs = [pair for one in series for pair in one.pairs]
    if not pairs:
        return Markup("")
    heights = [y for _, y in pairs] + ([plane.level] if plane.reference == "level" else [])
    up = _fit(plane.y, heights, _HEIGHT - _BOTTOM, _TOP)
    longest = max(len(short(value)) for value in ticks(up.low, up.high, 5)) if up.low < up.high else 0
    across = _fit(plane.x, [x for x, _ in pairs], max(_LEFT, 26 + 6.2 * longest), _WIDTH - _RIGHT)
    parts = [_grid(across, up), _titles(plane), _reference(plane, across, up)]
    parts += [_series(one, across, up) for one in series]
    return drawing(_WIDTH, _HEIGHT, plane.label, *parts, class_="plane")


def _fit(fixed: tuple[float, float] | None, values: Sequence[float], start: float, end: float) -> Scale:
    if fixed:
        return Scale(*fixed, start, end)
    low, high = min(values), max(values)
    margin = (high / 2 - low / 2) * 0.08 or abs(low) * 0.1 or 0.5
    return Scale(low - margin, high + margin, start, end)


def _grid(across: Scale, up: Scale) -> Markup:
    left, right, bottom, top = across.start, across.end, up.start, up.end
    lines, words = [], []
    for value in ticks(across.low, across.high, 5):
        at = across(value)
        lines.append(tag("line", x1=at, x2=at, y1=top, y2=bottom))
        words.append(tag("text", short(value), x=at, y=bottom + 15, text_anchor="middle"))
    for value in ticks(up.low, up.high, 5):
        at = up(value)
        lines.append(tag("line", x1=left, x2=right, y1=at, y2=at))
        words.append(tag("text", short(value), x=left - 6, y=at + 3.5, text_anchor="end"))
    return group([group(lines, class_="grid"), group(words, class_="ticks")])


def _titles(plane: Plane) -> Markup:
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    height = (_TOP + _HEIGHT - _BOTTOM) / 2
    return group(
        [
            tag("text", plane.across, x=middle, y=_HEIGHT - 8, text_anchor="middle"),
            tag("text", plane.up, x=12, y=height, text_anchor="middle", transform=f"rotate(-90 12 {height:.0f})"),
        ],
        class_="titles",
    )


def _reference(plane: Plane, across: Scale, up: Scale) -> Markup:
    if plane.reference == "diagonal":
        low, high = max(across.low, up.low), min(across.high, up.high)
        ends = {"x1": across(low), "y1": up(low), "x2": across(high), "y2": up(high)}
    elif plane.reference == "level":
        ends = {"x1": across.start, "y1": up(plane.level), "x2": across.end, "y2": up(plane.level)}
    else:
        return Markup("")
    return tag("line", **ends, class_="reference")


def _series(series: Series, across: Scale, up: Scale) -> Markup:
    placed = [(across(x), up(y)) for x, y in series.pairs]
    if series.drawn is Drawn.SCATTER:
        dots = (tag("circle", cx=x, cy=y, r=2.4) for x, y in placed)
        return group(dots, class_=f"scatter f-{series.tone}")
    if series.drawn is Drawn.DOTS:
        return _dots(series, across, up)
    route = _steps(placed) if series.drawn is Drawn.STEP else placed
    return tag("path", d=points(route), class_=f"curve s-{series.tone}{' faint' if series.faint else ''}")


def _steps(placed: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Hold each height until the next point: precision is not linear between two recalls (Davis and Goadrich 2006)."""
    route: list[tuple[float, float]] = []
    for x, y in placed:
        if route:
            route.append((x, route[-1][1]))
        route.append((x, y))
    return route


def _dots(series: Series, across: Scale, up: Scale) -> Markup:
    """Draw points, a thin line through them, their intervals, and at the foot how many rows stand behind each."""
    foot, whiskers, dots = [], [], []
    heaviest = max(series.weight, default=0)
    counts = series.weight or (0,) * len(series.x)
    for x, y, count in zip(series.x, series.y, counts, strict=False):
        if not (math.isfinite(x) and math.isfinite(y)):
            continue
        at = across(x)
        dots.append(tag("circle", cx=at, cy=up(y), r=3.4))
        if count > 0 and 0 <= y <= 1:
            low, high = wilson(y, count)
            whiskers.append(tag("line", x1=at, x2=at, y1=up(low), y2=up(high)))
            if series.bars:
                tall = 34 * count / heaviest
                foot.append(tag("rect", x=at - 4, y=up.start - tall, width=8.0, height=tall))
    line = tag("path", d=points((across(x), up(y)) for x, y in series.pairs), class_=f"curve faint s-{series.tone}")
    kind = series.tone
    shapes = [
        group(foot, class_="foot"),
        line,
        group(whiskers, class_=f"error s-{kind}"),
        group(dots, class_=f"f-{kind}"),
    ]
    return group(shapes)
