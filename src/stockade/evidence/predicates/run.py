"""What a whole run did: predicate ``urn:stockade:predicate:run:v1``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from stockade.evidence.predicates.form import FlatPredicate
from stockade.evidence.statement import RUN, Subject
from stockade.evidence.text import read_time
from stockade.types.digest import Digest
from stockade.types.execution import Mode, Origin


@dataclass(frozen=True, slots=True)
class RunStep:
    """One step of a run.

    Attributes:
        name: Name of the step.
        origin: Whether the step is Stockade's own.
        provenance: Digest of the envelope that attests it.
        cached: Whether that envelope is of an earlier run.
    """

    name: str
    origin: Origin
    provenance: Digest
    cached: bool


@dataclass(frozen=True, slots=True)
class RunSummary(FlatPredicate):
    """A run, its steps in the order they ran, and what was left out.

    Attributes:
        run: Id of the run.
        project: Name of the project.
        mode: Whether gates advised or blocked.
        initiator: Person who started it.
        steps: Steps in order; their inputs come from earlier ones or from `sources`.
        skipped: Stages of a complete run that were left out.
        results: Digests of the envelopes of all Test Results.
        config: Digest of the configuration that held.
        sensitive: Sensitive columns.
        started: RFC 3339 UTC.
        finished: RFC 3339 UTC.
        rejected: Rows put into quarantine.
        rows: Rows read.
        sources: Artifacts the run was given from outside, by artifact name.
    """

    TYPE: ClassVar[str] = RUN

    run: str
    project: str
    mode: Mode
    initiator: str
    steps: tuple[RunStep, ...]
    skipped: tuple[str, ...]
    results: tuple[Digest, ...]
    config: Digest
    sensitive: tuple[str, ...]
    started: str
    finished: str
    rejected: int
    rows: int
    sources: tuple[Subject, ...] = ()

    def __post_init__(self) -> None:
        if read_time(self.started, "started") > read_time(self.finished, "finished"):
            raise ValueError("a run finishes after it started")
        if len({step.name for step in self.steps}) != len(self.steps) or not self.steps:
            raise ValueError("a run has one or more steps, each once")
        if len(set(self.results)) != len(self.results):
            raise ValueError("a result is named twice")
        if min(self.rejected, self.rows) < 0 or not self.initiator:
            raise ValueError("a run has an initiator and counts rows from 0")
