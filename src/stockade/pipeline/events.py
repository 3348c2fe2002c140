"""What a run tells whoever listens, while it goes on. Frozen records, sent from the runner's own thread."""

from __future__ import annotations

from dataclasses import dataclass

from stockade.types.execution import Isolation
from stockade.types.results import Finding


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step begins; `reason` says in words why it is not taken from the cache. `place` counts from 1."""

    step: str
    place: int
    total: int
    reason: str


@dataclass(frozen=True, slots=True)
class StepProgress:
    """What a step claims about itself: units done, units in all (0: not known), a line for people."""

    step: str
    done: float
    total: float
    text: str


@dataclass(frozen=True, slots=True)
class StepCached:
    """A step's earlier result was verified and is used. `place` counts from 1."""

    step: str
    place: int
    total: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CacheRefused:
    """An earlier result was found and not believed, for the reason given; the step runs again."""

    step: str
    reason: str


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step ran, was attested and is in the log."""

    step: str
    seconds: float
    isolation: Isolation
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class StepFailed:
    """A step failed; the run ends with the matching error. `log` is the end of what it printed."""

    step: str
    message: str
    log: str


Event = StepStarted | StepProgress | StepCached | CacheRefused | StepFinished | StepFailed
