"""The provenance graph: steps from top to bottom, joined by the artifacts that one wrote and another read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from stockade.report.content import StepNode, StepState
from stockade.report.layers import Layout, Spot, arrange
from stockade.report.svg import drawing, group, tag, trim
from stockade.report.wording import clean, plural, seconds
from stockade.types.execution import Origin

_NODE, _PILL = (148.0, 46.0), (148.0, 24.0)
_PITCH = 74.0
_MARGIN = 4.0
_SIGNS = {StepState.RAN: "●", StepState.CACHED: "↻", StepState.FAILED: "✕", StepState.SKIPPED: "–"}


def provenance(steps: Sequence[StepNode]) -> Markup:
    """Draw the graph of all steps; nothing at all when there are none."""
    if not steps:
        return Markup("")
    writer = {artifact: step.name for step in steps for artifact in step.outputs}
    named = {step.name: step for step in steps}
    edges, sources = [], dict[str, str]()
    for step in named.values():
        for artifact in step.inputs:
            if artifact not in writer:
                sources.setdefault(f"\0{artifact}", artifact)
            edges.append((writer.get(artifact, f"\0{artifact}"), step.name))
    widths = {**dict.fromkeys(sources, _PILL[0]), **dict.fromkeys(named, _NODE[0])}
    layout = arrange(widths, edges, frozenset(sources))
    parts = [group(_edges(layout), class_="edges")]
    parts += [_node(spot, named, sources) for spot in layout.spots() if not spot.lane]
    height = (len(layout.rows) - 1) * _PITCH + _NODE[1] + 2 * _MARGIN
    label = f"Provenance graph of {plural(len(named), 'step')}; the table of steps says the same in words."
    return drawing(layout.width + 2 * _MARGIN, height, label, *parts, class_="dag")


def _middle(spot: Spot) -> tuple[float, float]:
    return spot.x + _MARGIN, spot.layer * _PITCH + _MARGIN + _NODE[1] / 2


def _half(spot: Spot) -> float:
    if spot.lane:
        return _NODE[1] / 2
    return (_PILL if spot.name.startswith("\0") else _NODE)[1] / 2


def _edges(layout: Layout) -> list[Markup]:
    drawn = []
    for upper in layout.spots():
        across, down = _middle(upper)
        for lower in upper.below:
            x, y = _middle(lower)
            start, end = down + _half(upper), y - _half(lower)
            bend = (end - start) * 0.55
            curve = (across, start, across, start + bend, x, end - bend, x, end)
            route = "M{} {}C{} {} {} {} {} {}".format(*map(trim, curve))
            if lower.lane:
                route += f"V{trim(y + _half(lower))}"
            else:
                route += f"M{trim(x - 3.5)} {trim(end - 5)}L{trim(x)} {trim(end)}L{trim(x + 3.5)} {trim(end - 5)}"
            drawn.append(tag("path", d=route))
    return drawn


def _node(spot: Spot, named: Mapping[str, StepNode], sources: Mapping[str, str]) -> Markup:
    x, y = _middle(spot)
    if spot.name in sources:
        width, height = _PILL
        box = tag("rect", x=x - width / 2, y=y - height / 2, width=width, height=height, rx=12)
        text = tag("text", clean(sources[spot.name], 22), x=x, y=y + 4, text_anchor="middle")
        return group([tag("title", f"Source: {clean(sources[spot.name])}"), box, text], class_="node source")
    step = named[spot.name]
    width, height = _NODE
    left, top = x - width / 2, y - height / 2
    custom = step.origin is Origin.CUSTOM
    mark = f"custom {_SIGNS[step.state]}" if custom else _SIGNS[step.state]
    sign = tag("text", mark, x=left + width - 10, y=top + 20, text_anchor="end", class_="sign")
    parts = [
        tag("title", describe(step)),
        tag("rect", x=left, y=top, width=width, height=height, rx=7),
        tag("text", clean(step.name, 11 if custom else 17), x=left + 12, y=top + 20, class_="name"),
        tag(
            "text",
            f"{_spent(step)} · {step.isolation}" if step.isolation else _spent(step),
            x=left + 12,
            y=top + 37,
            class_="detail",
        ),
        sign,
    ]
    return group(parts, class_=f"node {step.state.value}{' custom' if custom else ''}")


def _spent(step: StepNode) -> str:
    if step.state is StepState.RAN and step.seconds is not None:
        return seconds(step.seconds)
    return step.state.value


def describe(step: StepNode) -> str:
    """Say in one line all that is known of a step, for the tooltip."""
    words = [_spent(step), step.isolation, f"{step.origin.value} step"]
    parts = [f"{step.name}: {', '.join(word for word in words if word)}"]
    if step.inputs:
        parts.append(f"reads {clean(', '.join(step.inputs[:8]), 120)}")
    if step.outputs:
        parts.append(f"writes {clean(', '.join(step.outputs[:8]), 120)}")
    if step.digest:
        parts.append(f"statement {step.digest.short}")
    return clean("; ".join(parts), 400)
