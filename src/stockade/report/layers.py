"""Layered layout of a small directed graph (Sugiyama, Tagawa and Toda 1981): layers, order within them, coordinates.

Edges that pass layers run through narrow lanes. All long edges of one node share its lanes, since they carry the same
thing: what the node wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_SWEEPS = 8
_PULLS = 24
_WEIGHTS = (2.0, 0.5, 6.0)  # node to node, node to lane, lane to lane: steps in a column, lanes upright, bends between
LANE = 8.0
GAP = 14.0


@dataclass(slots=True)
class Spot:
    """A node, or a lane of one, and where it stands.

    Attributes:
        name: Name of the node the spot belongs to.
        layer: Its layer, 0 at the top.
        width: Its width.
        lane: Whether it is a lane and not the node itself.
        x: Its middle.
        above: Spots that edges come from.
        below: Spots that edges go to.
    """

    name: str
    layer: int
    width: float
    lane: bool = False
    x: float = 0.0
    above: list[Spot] = field(default_factory=list)
    below: list[Spot] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Layout:
    """Spots by layer, from left to right, and the width they need."""

    rows: tuple[tuple[Spot, ...], ...]
    width: float

    def spots(self) -> Iterator[Spot]:
        """All spots, from the top."""
        for row in self.rows:
            yield from row


def arrange(widths: Mapping[str, float], edges: Sequence[tuple[str, str]], sources: frozenset[str]) -> Layout:
    """Lay out nodes of given widths; edges between unknown nodes are ignored, and so is an edge that closes a cycle.

    `sources` are nodes that stand one layer above the first node that reads them.
    """
    after: dict[str, list[str]] = {name: [] for name in widths}
    for start, end in dict.fromkeys(edges):
        if start in widths and end in widths and start != end:
            after[start].append(end)
    _open_cycles(after)
    layer = _layers(after, sources)
    rows = _spots(widths, after, layer)
    _order(rows)
    _place(rows)
    left = min((spot.x - spot.width / 2 for row in rows for spot in row), default=0.0)
    right = max((spot.x + spot.width / 2 for row in rows for spot in row), default=0.0)
    for row in rows:
        for spot in row:
            spot.x -= left
    return Layout(tuple(tuple(row) for row in rows), right - left)


def _open_cycles(after: dict[str, list[str]]) -> None:
    """Drop every edge that leads back onto the path of a depth-first walk."""
    done: set[str] = set()
    for first, targets in after.items():
        path: list[str] = []
        stack = [(first, iter(list(targets)))] if first not in done else []
        if stack:
            path.append(first)
        while stack:
            name, rest = stack[-1]
            step = next(rest, None)
            if step is None:
                stack.pop()
                done.add(path.pop())
            elif step in path:
                after[name].remove(step)
            elif step not in done:
                path.append(step)
                stack.append((step, iter(list(after[step]))))


def _layers(after: Mapping[str, Sequence[str]], sources: frozenset[str]) -> dict[str, int]:
    waiting = dict.fromkeys(after, 0)
    for targets in after.values():
        for target in targets:
            waiting[target] += 1
    layer = {name: 0 if name in sources else 1 for name in after}
    ready = [name for name, count in waiting.items() if count == 0]
    for name in ready:
        for target in after[name]:
            layer[target] = max(layer[target], layer[name] + 1)
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
    for name in sources:
        if after.get(name):
            layer[name] = min(layer[target] for target in after[name]) - 1
    lowest = min(layer.values(), default=0)
    return {name: depth - lowest for name, depth in layer.items()}


def _spots(
    widths: Mapping[str, float], after: Mapping[str, Sequence[str]], layer: Mapping[str, int]
) -> list[list[Spot]]:
    rows: list[list[Spot]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    node = {name: Spot(name, layer[name], width) for name, width in widths.items()}
    for spot in node.values():
        rows[spot.layer].append(spot)
    for name, targets in after.items():
        trail = {layer[name]: node[name]}
        for depth in range(layer[name] + 1, max((layer[target] for target in targets), default=0)):
            trail[depth] = Spot(name, depth, LANE, lane=True)
            _join(trail[depth - 1], trail[depth])
            rows[depth].append(trail[depth])
        for target in targets:
            _join(trail[layer[target] - 1], node[target])
    return rows


def _join(upper: Spot, lower: Spot) -> None:
    upper.below.append(lower)
    lower.above.append(upper)


def _order(rows: Sequence[list[Spot]]) -> None:
    """Sort each layer by the mean position of its neighbours, down and up in turn (barycentre method)."""
    for sweep in range(_SWEEPS):
        downward = sweep % 2 == 0
        for row in rows if downward else reversed(rows):
            _sort_row(row, rows, downward=downward)


def _sort_row(row: list[Spot], rows: Sequence[list[Spot]], *, downward: bool) -> None:
    beside = row[0].layer + (-1 if downward else 1) if row else -1
    if not 0 <= beside < len(rows):
        return
    position = {id(spot): index for index, spot in enumerate(rows[beside])}
    keys = {}
    for index, spot in enumerate(row):
        near = [position[id(other)] for other in (spot.above if downward else spot.below)]
        keys[id(spot)] = sum(near) / len(near) if near else float(index)
    row.sort(key=lambda spot: keys[id(spot)])


def _place(rows: Sequence[Sequence[Spot]]) -> None:
    """Pull every spot towards its neighbours, push those apart that would touch, and straighten the lanes."""
    for row in rows:
        edge = -sum(spot.width + GAP for spot in row) / 2
        for spot in row:
            spot.x = edge + spot.width / 2
            edge += spot.width + GAP
    for pull in range(_PULLS):
        for row in rows if pull % 2 == 0 else reversed(rows):
            for spot in row:
                _pull(spot)
            _part(row)
    chains = [_chain(spot) for row in rows for spot in row if spot.lane and not any(other.lane for other in spot.above)]
    for chain in sorted(chains, key=_mean):
        _straighten(chain, rows)


def _pull(spot: Spot) -> None:
    near = spot.above + spot.below
    if near:
        weights = [_WEIGHTS[spot.lane + other.lane] for other in near]
        spot.x = sum(other.x * weight for other, weight in zip(near, weights, strict=True)) / sum(weights)


def _chain(first: Spot) -> list[Spot]:
    chain = [first]
    while following := [spot for spot in chain[-1].below if spot.lane]:
        chain.append(following[0])
    return chain


def _mean(chain: Sequence[Spot]) -> float:
    return sum(spot.x for spot in chain) / len(chain)


def _straighten(chain: Sequence[Spot], rows: Sequence[Sequence[Spot]]) -> None:
    """Put a lane on one upright line, as near as its left neighbours allow; what is right of it makes room."""
    low = float("-inf")
    for spot in chain:
        row = rows[spot.layer]
        place = next(index for index, other in enumerate(row) if other is spot)
        if place:
            low = max(low, row[place - 1].x + _reach(row[place - 1], spot))
    middle = sorted(spot.x for spot in chain)[len(chain) // 2]
    for spot in chain:
        spot.x = max(middle, low)
        row = rows[spot.layer]
        for left, right in pairwise(row):
            right.x = max(right.x, left.x + _reach(left, right))


def _part(row: Sequence[Spot]) -> None:
    """Keep the order and the gaps: the mean of pushing everything right and pushing everything left."""
    right = [spot.x for spot in row]
    for index in range(1, len(row)):
        right[index] = max(right[index], right[index - 1] + _reach(row[index - 1], row[index]))
    left = [spot.x for spot in row]
    for index in range(len(row) - 2, -1, -1):
        left[index] = min(left[index], left[index + 1] - _reach(row[index], row[index + 1]))
    for spot, one, other in zip(row, right, left, strict=True):
        spot.x = (one + other) / 2


def _reach(first: Spot, second: Spot) -> float:
    return (first.width + second.width) / 2 + GAP
