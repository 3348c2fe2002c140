"""Evasion by decisions alone: the least change of a row that turns the model's answer.

Threat model: the attacker calls the model with whole rows of their own making and sees the answer (the predicted
class; for numbers, whether the prediction moved further than a tolerance), a limited number of times a row. They hold
reference rows like those of the training part and know the model's answers to them. What they may change, and at
what cost, is the rule of `stockade.adversary.space`. They see no probabilities, gradients or parameters.

Method: all rows are attacked in lock-step, one batch of queries a stage.
(1) Start from the nearest reference rows with another answer, and from single features moved to the budget's edge.
(2) Put features back one by one, categories first, while the answer stays turned.
(3) Walk along the boundary as HopSkipJump does (Chen, Jordan and Wainwright 2020): estimate its normal from the
    answers to random steps, step along it, and return to the boundary by bisection towards the row.
(4) Put features back again, then move each one back as far as it will go.
A distance found is an upper bound: a better attacker may need less.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stockade.adversary.space import Space
from stockade.metrics.arrays import Bools, Floats, Ints

Turned = Callable[[Ints, Floats], Bools]
"""From rows ``[M]`` and points ``[M, D]``, whether the answer to each point differs from that to its row."""

_STARTS = 4
_RANDOM_STARTS = 32
_PROBES = 32
_DIRECTIONS = 16
_LINE_STEPS = 6
_FEATURE_STEPS = 3


@dataclass(frozen=True, slots=True)
class Budget:
    """What the attacker may spend on a row.

    Attributes:
        queries: Calls of the model for each row; answers to the reference rows are known beforehand.
        epsilon: Cost, in standard deviations, within which a success counts as one.
    """

    queries: int = 250
    epsilon: float = 0.1


@dataclass(frozen=True, slots=True)
class Evasion:
    """What an attack reached.

    Attributes:
        points: The nearest point found whose answer is turned, ``[N, D]``; the row itself where none was found.
        distances: Cost of getting there, ``[N]``; infinite where none was found.
        queries: Calls spent on each row, ``[N]``.
    """

    points: Floats
    distances: Floats
    queries: Ints


def evade(
    turned: Turned, space: Space, rows: Floats, pool: Floats, eligible: Bools, *, budget: Budget, seed: int
) -> Evasion:
    """Attack rows.

    Args:
        turned: The model's decision; it is called with at most `budget.queries` points for each row.
        space: What the attacker may change.
        rows: Rows to attack, ``[N, D]``.
        pool: Reference rows, ``[P, D]``.
        eligible: Whether a reference row has another answer than a row, ``[N, P]``.
        budget: What may be spent.
        seed: Of the random steps.
    """
    search = _Search(turned, space, rows, budget, np.random.default_rng(seed))
    if not len(rows):
        return Evasion(search.points, search.distances, search.used)
    search.start(pool, eligible)
    search.put_back()
    search.to_boundary()
    reserve = min(budget.queries // 3, 2 * rows.shape[1])
    search.walk(budget.queries - reserve)
    search.put_back()
    search.shrink_features()
    return Evasion(search.points, search.distances, search.used)


class _Search:
    """The state of an attack: the best point so far of each row, and the queries spent."""

    def __init__(self, turned: Turned, space: Space, rows: Floats, budget: Budget, random: np.random.Generator) -> None:
        self._turned, self._space, self._rows, self._budget, self._random = turned, space, rows, budget, random
        self.points: Floats = rows.copy()
        self.distances: Floats = np.full(len(rows), np.inf)
        self.used: Ints = np.zeros(len(rows), dtype=np.int64)

    def _ask(self, index: Ints, points: Floats) -> Bools:
        """Query points ``[M, B, D]`` of rows ``[M]``; what the budget does not cover is not asked, and not turned."""
        width = points.shape[1]
        allowed = self.used[index][:, None] + np.arange(width) < self._budget.queries
        answer = np.zeros(allowed.shape, dtype=np.bool_)
        if allowed.any():
            answer[allowed] = self._turned(np.repeat(index, width)[allowed.ravel()], points[allowed])
            self.used[index] += allowed.sum(axis=1)
        return answer

    def _try(self, index: Ints, points: Floats) -> Bools:
        """Query one point ``[M, D]`` a row, keep it where it is turned and nearer; answer whether it is turned."""
        turned = self._ask(index, points[:, None, :])[:, 0]
        self._keep(index[turned], points[turned])
        return turned

    def _keep(self, index: Ints, points: Floats) -> None:
        apart = self._space.distance(points, self._rows[index])
        nearer = apart < self.distances[index]
        self.points[index[nearer]] = points[nearer]
        self.distances[index[nearer]] = apart[nearer]

    def _open(self) -> Ints:
        """Rows that have a turned point away from themselves, and queries left."""
        return np.flatnonzero(
            np.isfinite(self.distances) & (self.distances > 0) & (self.used < self._budget.queries)
        ).astype(np.int64)

    def start(self, pool: Floats, eligible: Bools) -> None:
        """(1) Find a turned point for each row."""
        index = np.arange(len(self._rows), dtype=np.int64)
        near, exists = self._space.nearest(self._rows, pool, eligible, _STARTS)
        candidates = np.concatenate((near, self._probes()), axis=1)
        apart = self._space.distance(candidates, self._rows[:, None, :])
        usable = np.concatenate((exists, np.ones((len(index), candidates.shape[1] - _STARTS), dtype=np.bool_)), axis=1)
        for column in range(candidates.shape[1]):
            asked = index[usable[:, column] & (apart[:, column] > 0) & (apart[:, column] < self.distances)]
            self._try(asked, candidates[asked, column])
        self._start_anywhere(pool, eligible)

    def _start_anywhere(self, pool: Floats, eligible: Bools) -> None:
        """Try random reference rows of another answer for rows that the nearest did not turn.

        A row's missing numbers stay missing, so that a reference row may lose its answer when it takes them over.
        """
        chance = self._random.random(eligible.shape)
        order = np.argsort(np.where(eligible, chance, 2.0), axis=1)[:, :_RANDOM_STARTS]
        for column in range(order.shape[1]):
            index = np.flatnonzero(np.isinf(self.distances)).astype(np.int64)
            index = index[eligible[index, order[index, column]] & (self.used[index] < self._budget.queries // 4)]
            if not len(index):
                return
            self._try(index, self._space.confine(pool[order[index, column]], self._rows[index]))

    def _probes(self) -> Floats:
        """Single features moved: numbers to both edges of the budget, categories to another at random."""
        space, rows = self._space, self._rows
        moves = [(column, sign) for column in np.flatnonzero(space.numeric) for sign in (-1.0, 1.0)]
        moves += [(column, 0.0) for column in np.flatnonzero(space.categorical)]
        limit = min(_PROBES, self._budget.queries // 4)
        picked = self._random.permutation(len(moves))[:limit]
        probes = np.repeat(rows[:, None, :], len(picked), axis=1)
        for slot, (column, sign) in enumerate(moves[move] for move in picked):
            if sign:
                probes[:, slot, column] += sign * self._budget.epsilon * space.scale[column]
            else:
                levels = space.dimensions[column].levels
                shift = self._random.integers(1, levels, len(rows)) if levels > 1 else 0
                probes[:, slot, column] = (rows[:, column] + shift) % levels
        return space.confine(probes, rows[:, None, :])

    def put_back(self) -> None:
        """(2) Restore whole features, categories first, then those that cost most."""
        space = self._space
        costs = np.abs(space.differences(self.points, self._rows)).mean(axis=0)
        for column in np.lexsort((-costs, ~space.categorical)):
            index = self._open()
            differs = space.differences(self.points[index], self._rows[index])[:, column] != 0
            index = index[differs]
            if len(index):
                wished = self.points[index].copy()
                wished[:, column] = self._rows[index, column]
                self._try(index, wished)

    def to_boundary(self) -> None:
        """Bisect the numbers of each point towards its row; its categories stay."""
        index = self._open()
        self._bisect(index, self.points[index], _LINE_STEPS)

    def _bisect(self, index: Ints, outside: Floats, steps: int) -> None:
        low, high = np.zeros(len(index)), np.ones(len(index))
        rows = self._rows[index]
        for _ in range(steps):
            if not len(index):
                return
            middle = (low + high) / 2
            wished = np.where(self._space.numeric, rows + middle[:, None] * (outside - rows), outside)
            turned = self._try(index, self._space.confine(wished, rows))
            high, low = np.where(turned, middle, high), np.where(turned, low, middle)

    def walk(self, until: int) -> None:
        """(3) Walk along the boundary while fewer than `until` queries are spent on a row."""
        width = int(self._space.numeric.sum())
        if not width:
            return
        for turn in range(1, 100):
            index = self._open()
            index = index[self.used[index] + _DIRECTIONS + _LINE_STEPS < until]
            if not len(index):
                return
            normal, found = self._normal(index)
            self._step(index[found], normal[found], turn)

    def _normal(self, index: Ints) -> tuple[Floats, Bools]:
        """Estimate the direction, in standard deviations, in which answers turn; rows without one are told."""
        space, at = self._space, self.points[index]
        noise = self._random.normal(size=(len(index), _DIRECTIONS, at.shape[1])) * space.numeric
        noise /= np.maximum(np.linalg.norm(noise, axis=2, keepdims=True), 1e-12)
        reach = np.maximum(self.distances[index] * 0.15, 1e-3)[:, None, None]
        probes = space.confine(at[:, None, :] + reach * noise * space.scale, self._rows[index][:, None, :])
        taken = np.where(space.numeric, space.differences(probes, at[:, None, :]), 0.0)
        votes = np.where(self._ask(index, probes), 1.0, -1.0)
        # Subtracting the mean vote lowers the variance of the estimate (Chen et al. 2020, section III-C).
        centred = votes - np.where(np.abs(votes.mean(axis=1)) < 1, votes.mean(axis=1), 0.0)[:, None]
        normal = np.sum(centred[:, :, None] * taken, axis=1)
        length = np.linalg.norm(normal, axis=1)
        return normal / np.maximum(length, 1e-12)[:, None], length > 0

    def _step(self, index: Ints, normal: Floats, turn: int) -> None:
        """Step along the normal, halving until the answer is turned, and bisect back towards the row."""
        space = self._space
        at, rows = self.points[index], self._rows[index]
        size = self.distances[index] / np.sqrt(turn)
        outside, waiting = at.copy(), np.ones(len(index), dtype=np.bool_)
        for _ in range(3):
            asked = np.flatnonzero(waiting)
            if not len(asked):
                break
            wished = space.confine(at[asked] + (size[asked, None] * normal[asked]) * space.scale, rows[asked])
            turned = self._try(index[asked], wished)
            outside[asked[turned]] = wished[turned]
            waiting[asked[turned]] = False
            size /= 2
        self._bisect(index[~waiting], outside[~waiting], _LINE_STEPS)

    def shrink_features(self) -> None:
        """(4) Bisect each number of a point alone towards its row, those that cost most first."""
        space = self._space
        costs = np.abs(space.differences(self.points, self._rows)).mean(axis=0)
        for column in np.argsort(-costs, kind="stable"):
            if not space.numeric[column]:
                continue
            index = self._open()
            index = index[space.differences(self.points[index], self._rows[index])[:, column] != 0]
            inner, outer = self._rows[index, column], self.points[index, column]
            for _ in range(_FEATURE_STEPS):
                if not len(index):
                    break
                wished = self.points[index].copy()
                wished[:, column] = (inner + outer) / 2
                wished = space.confine(wished, self._rows[index])
                turned = self._try(index, wished)
                outer = np.where(turned, wished[:, column], outer)
                inner = np.where(turned, inner, wished[:, column])
