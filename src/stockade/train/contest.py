"""The contest: every contender is cross-validated on the same rounds, and the best one is chosen.

Baselines (constant, linear, default trees) always compete beside the search, so what is returned is never worse than
the best of them by cross-validation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stockade.train.blend import blend, together
from stockade.train.boosting import DEFAULTS, BoostingTrainer, folds_of
from stockade.train.calibration import Calibration
from stockade.train.constant import ConstantTrainer
from stockade.train.effort import affords_histogram, affords_search
from stockade.train.histogram import HistogramTrainer
from stockade.train.linear import LinearTrainer
from stockade.train.problem import Floats, Parameters, Problem, Trainer, Validation
from stockade.train.scoring import METRICS, score
from stockade.train.search import search
from stockade.train.settings import TRAINERS, Settings
from stockade.types.scorecard import Candidate, Leaderboard, Task

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Member:
    """One fit that a model is made of: a key of `FITTERS`, its parameters, and its iterations (0 for none)."""

    trainer: str
    parameters: Parameters
    iterations: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One contender with its cross-validation.

    Attributes:
        id: Id of `TRAINERS`.
        name: Shown name.
        trainer: Id of what fits it, a key of `FITTERS`, or ``blend``.
        parameters: What it was fitted with, or the members of a blend.
        validation: Held-out scores.
        scores: Metric of each round where it is defined.
        seconds: CPU seconds.
        note: A sentence for people.
        members: What is fitted in the end: the entry itself, or those that a blend is made of.
    """

    id: str
    name: str
    trainer: str
    parameters: Parameters
    validation: Validation
    scores: tuple[float, ...]
    seconds: float
    note: str = ""
    members: tuple[Member, ...] = ()

    @property
    def mean(self) -> float:
        """Mean of the scores, NaN where the metric is defined in no round."""
        return float(np.mean(self.scores)) if self.scores else float("nan")


FITTERS: dict[str, Callable[[], Trainer]] = {
    "constant": ConstantTrainer,
    "linear": LinearTrainer,
    "histogram": HistogramTrainer,
    "lightgbm": BoostingTrainer,
}
"""What fits a contender, by the id that plans name."""

_NAMES = {
    "constant": "constant",
    "linear": "linear",
    "histogram": "histogram trees, default",
    "lightgbm": "LightGBM, default",
    "search": "LightGBM, searched",
    "blend": "blend",
}
_PARAMETERS: dict[str, Parameters] = {"constant": {}, "linear": {"C": 1.0}, "histogram": {}, "lightgbm": dict(DEFAULTS)}


@dataclass(frozen=True, slots=True)
class Scale:
    """What turns a standardised number back: ``raw * spread + centre``."""

    centre: float = 0.0
    spread: float = 1.0


class Contest:
    """Runs contenders one after the other on one problem."""

    def __init__(self, problem: Problem, scale: Scale, metric: str, progress: Progress) -> None:
        self._problem, self._scale, self._metric = problem, scale, metric
        self._progress = progress

    def run(self, settings: Settings) -> list[Entry]:
        """Cross-validate the contenders of the settings.

        The chosen one comes first, the others follow by score, ties by simplicity.
        """
        wanted = {"constant", *settings.trainers} - {"blend"}
        chosen = [name for name in TRAINERS if name in wanted and self._can(name)]
        if settings.trials == 0 and "search" in chosen:
            chosen.remove("search")
        total = len(chosen) + ("search" in chosen) * settings.trials + 2
        entries: list[Entry] = []
        for name in chosen:
            self._progress(len(entries), total, f"cross-validating {_NAMES[name]}")
            if name == "search":
                entries.append(self._search(settings.trials, len(entries), total))
            else:
                entries.append(self._validate(name))
        entries.sort(key=lambda entry: self._loss(entry.validation))
        if "blend" in settings.trainers:
            entries = self._blend(entries, ordered=settings.time_ordered) + entries
        return entries

    def _can(self, name: str) -> bool:
        if name == "histogram":
            return affords_histogram(self._problem)
        return name != "search" or affords_search(self._problem)

    def scores(self, validation: Validation) -> tuple[float, ...]:
        """The metric of each round, without rounds where it is undefined."""
        problem, scale = self._problem, self._scale
        values = []
        for part, raw in zip(problem.rounds, validation.raws, strict=True):
            truth = problem.target[part.held]
            if problem.task is Task.REGRESSION:
                truth, output = truth * scale.spread + scale.centre, raw[:, 0] * scale.spread + scale.centre
            else:
                output = Calibration().apply(raw)
            values.append(score(self._metric, truth, output))
        return tuple(value for value in values if np.isfinite(value))

    def _validate(self, name: str) -> Entry:
        start = time.process_time()
        validation = FITTERS[name]().validate(self._problem, _PARAMETERS[name])
        scores, seconds = self.scores(validation), time.process_time() - start
        member = Member(name, _PARAMETERS[name], validation.iterations)
        return Entry(name, _NAMES[name], name, _PARAMETERS[name], validation, scores, seconds, members=(member,))

    def _search(self, trials: int, before: int, total: int) -> Entry:
        start = time.process_time()
        found = search(
            self._problem,
            folds_of(self._problem),
            trials,
            self._loss,
            lambda done, text: self._progress(before + done, total, text),
        )
        scores, seconds = self.scores(found.validation), time.process_time() - start
        note = f"{found.trials} trials, {found.abandoned} of them given up after some folds"
        name = _NAMES["search"]
        member = Member("lightgbm", found.parameters, found.validation.iterations)
        return Entry(
            "search", name, "lightgbm", found.parameters, found.validation, scores, seconds, note, members=(member,)
        )

    def _blend(self, entries: list[Entry], *, ordered: bool) -> list[Entry]:
        """The best blend of the entries, if one is preferred to all of them."""
        start = time.process_time()
        able = [entry for entry in entries if entry.id != "constant" and entry.scores]
        if not able:
            return []
        ceiling = min((self._loss(entry.validation) for entry in entries if entry.id != "search"), default=np.inf)
        places = blend([entry.validation for entry in able], self._loss, ordered=ordered, ceiling=ceiling)
        if len(places) < 2:
            return []
        members = [able[place] for place in places]
        validation = together([entry.validation for entry in members])
        names: Parameters = {"members": " + ".join(entry.id for entry in members)}
        fits = tuple(member for entry in members for member in entry.members)
        scores, seconds = self.scores(validation), time.process_time() - start
        note = "mean of the log-odds" if self._problem.classes else "mean of the predictions"
        return [Entry("blend", _NAMES["blend"], "blend", names, validation, scores, seconds, note, fits)]

    def _loss(self, validation: Validation) -> float:
        """What is minimised: the mean of the metric, turned where more is better."""
        scores = self.scores(validation)
        if not scores:
            return float("inf")
        return -float(np.mean(scores)) if METRICS[self._metric].maximize else float(np.mean(scores))


def leaderboard(metric: str, entries: list[Entry]) -> Leaderboard:
    """Write entries, of which the first is the chosen one, as a leaderboard, best first."""
    sign = -1.0 if METRICS[metric].maximize else 1.0
    candidates = [
        Candidate(
            name=entry.name,
            trainer=entry.trainer,
            parameters=tuple((key, _text(value)) for key, value in entry.parameters.items()),
            scores=entry.scores,
            mean=entry.mean if entry.scores else 0.0,
            deviation=float(np.std(entry.scores)) if entry.scores else 0.0,
            seconds=round(entry.seconds, 3),
            chosen=place == 0,
            note=entry.note,
        )
        for place, entry in enumerate(entries)
    ]
    candidates.sort(key=lambda candidate: sign * candidate.mean if candidate.scores else np.inf)
    return Leaderboard(metric, METRICS[metric].maximize, tuple(candidates))


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def out_of_fold(problem: Problem, validation: Validation) -> tuple[Floats, Floats]:
    """Spread held-out raw scores over all rows.

    Returns:
        Raw scores float64 ``[N, M]``, NaN for rows never held out; and the round of each row, -1 for those.
    """
    raw = np.full((len(problem.target), problem.targets), np.nan)
    number = np.full(len(problem.target), -1.0)
    for place, (part, scores) in enumerate(zip(problem.rounds, validation.raws, strict=True)):
        raw[part.held] = scores
        number[part.held] = place
    return raw, number
