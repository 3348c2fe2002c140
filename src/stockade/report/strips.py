"""Small drawings for table cells: they stretch with their cell, and neither text nor marks are ever scaled.

Positions are percentages of the width. The numbers stand as text beside each strip, so strips are hidden from screen
readers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from stockade.report.svg import Scale, group, tag, ticks, trim
from stockade.report.wording import short
from stockade.types.table import Bar

_HEIGHT = 24
_MIDDLE = _HEIGHT / 2
_BARS_WIDTH, _BARS_HEIGHT = 240.0, 46.0


def _strip(*parts: Markup, height: int = _HEIGHT, kind: str = "strip") -> Markup:
    return tag("svg", *parts, class_=kind, width="100%", height=height, aria_hidden="true", focusable="false")


def _upright(scale: Scale, value: float | None, kind: str, low: float = 3, high: float = _HEIGHT - 3) -> Markup:
    if value is None or not math.isfinite(value):
        return Markup("")
    at = scale.percent(value)
    return tag("line", x1=at, x2=at, y1=low, y2=high, class_=kind)


def whisker(
    scale: Scale,
    value: float | None,
    low: float | None,
    high: float | None,
    *,
    tone: str = "one",
    reference: float | None = None,
    hollow: bool = False,
) -> Markup:
    """Draw an estimate as a dot on its interval, over a track, with an upright line at the reference."""
    parts = [tag("line", x1="0%", x2="100%", y1=_MIDDLE, y2=_MIDDLE, class_="track"), _upright(scale, reference, "ref")]
    if low is not None and high is not None and math.isfinite(low) and math.isfinite(high):
        ends = {"x1": scale.percent(low), "x2": scale.percent(high)}
        parts.append(tag("line", **ends, y1=_MIDDLE, y2=_MIDDLE, class_=f"whisker s-{tone}"))
    if value is not None and math.isfinite(value):
        kind = f"hollow s-{tone}" if hollow else f"f-{tone}"
        parts.append(tag("circle", cx=scale.percent(value), cy=_MIDDLE, r=4.5, class_=kind))
    return _strip(*parts)


def bound(scale: Scale, threshold: float, strip: Sequence[float | None], tone: str, *, upper: bool) -> Markup:
    """Draw an estimate against a bound: the allowed side is shaded, the bound is an upright line.

    `strip` is the value, low and high end; the bound is an upper or a lower one.
    """
    value, low, high = strip
    edge = scale(threshold)
    start, width = (0.0, edge) if upper else (edge, 100 - edge)
    allowed = tag(
        "rect", x=f"{trim(start)}%", y=5, width=f"{trim(width)}%", height=_HEIGHT - 10, rx=3, class_="allowed"
    )
    body = whisker(scale, value, low, high, tone=tone, reference=threshold)
    return _strip(allowed, body)


def folds(scale: Scale, scores: Sequence[float], mean: float, *, chosen: bool) -> Markup:
    """Draw the score of each fold as a small dot and the mean as an upright bar."""
    tone = "one" if chosen else "strong"
    finite = [score for score in scores if math.isfinite(score)]
    parts = [tag("line", x1="0%", x2="100%", y1=_MIDDLE, y2=_MIDDLE, class_="track")]
    if math.isfinite(mean) and not scale.low <= mean <= scale.high:
        return _strip(*parts, _off(right=mean > scale.high))
    if finite:
        ends = {"x1": scale.percent(min(finite)), "x2": scale.percent(max(finite))}
        parts.append(tag("line", **ends, y1=_MIDDLE, y2=_MIDDLE, class_=f"thin s-{tone}"))
    dots = (tag("circle", cx=scale.percent(score), cy=_MIDDLE, r=3.5) for score in finite)
    parts += [group(dots, class_=f"fold f-{tone}"), _upright(scale, mean, f"mean s-{tone}", 4, _HEIGHT - 4)]
    return _strip(*parts)


def _off(*, right: bool) -> Markup:
    """Point to a value beyond the end of the scale."""
    arrow = tag("path", d=Markup("M-2 7L-10 12L-2 17Z") if not right else Markup("M2 7L10 12L2 17Z"), class_="off")
    at = "100%" if right else "0%"
    return tag("svg", arrow, x=at, width=1, height=_HEIGHT, overflow="visible")


def axis(scale: Scale, count: int = 4) -> Markup:
    """Draw the numbers that a column of strips shares."""
    parts = []
    for value in ticks(scale.low, scale.high, count):
        at = scale(value)
        anchor = "start" if at < 8 else "end" if at > 92 else "middle"
        position = f"{trim(at)}%"
        parts.append(tag("text", short(value), x=position, y=11, text_anchor=anchor))
        parts.append(tag("line", x1=position, x2=position, y1=15, y2=19))
    return _strip(*parts, height=20, kind="strip axis")


def share(part: float, tone: str = "one") -> Markup:
    """Draw a share, 0 to 1, as a bar over a track."""
    width = 100 * min(max(part if math.isfinite(part) else 0.0, 0.0), 1.0)
    return _strip(
        tag("rect", x=0, y=2, width="100%", height=8, rx=2, class_="rail"),
        tag("rect", x=0, y=2, width=f"{trim(width)}%", height=8, rx=2, class_=f"f-{tone}"),
        height=12,
    )


def histogram(bars: Sequence[Bar], label: str, median: float | None = None) -> Markup:
    """Draw a histogram that fills its box, with an upright line at the median."""
    tallest = max((bar.count for bar in bars), default=0)
    if not bars or tallest <= 0:
        return Markup("")
    scale = Scale(bars[0].low, bars[-1].high, 0, _BARS_WIDTH)
    if not scale.low < scale.high:
        scale = Scale(bars[0].low - 0.5, bars[0].low + 0.5, 0, _BARS_WIDTH)
    path = []
    for bar in bars:
        left, right = scale(bar.low), scale(bar.high)
        if right - left < 1:
            left, right = left - 1, left + 1
        # The least frequent bar stays visible: a lone outlier is what one looks for here.
        height = max(bar.count / tallest * (_BARS_HEIGHT - 2), 1.2) if bar.count > 0 else 0
        gap = 0.6 if right - left > 3 else 0
        top = trim(_BARS_HEIGHT - height)
        if height:
            foot = trim(_BARS_HEIGHT)
            # Letters and numbers of our own: nothing to escape, and a path must not be cut.
            path.append(Markup(f"M{trim(left + gap)} {foot}V{top}H{trim(right - gap)}V{foot}Z"))  # noqa: S704
    parts = [tag("path", d=Markup("").join(path), class_="f-one")]
    if median is not None and math.isfinite(median):
        at = scale(median)
        parts.append(tag("line", x1=at, x2=at, y1=0, y2=_BARS_HEIGHT, class_="median"))
    return tag(
        "svg",
        *parts,
        viewBox=f"0 0 {trim(_BARS_WIDTH)} {trim(_BARS_HEIGHT)}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
        class_="histogram",
    )
