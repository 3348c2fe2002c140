"""What a run leaves: the artifacts of each step and the envelopes that prove them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stockade.types.digest import Digest
from stockade.types.execution import Isolation, Origin
from stockade.types.results import Finding, Results


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """How one step went.

    Attributes:
        name: The step.
        origin: Who wrote it.
        cached: Whether an earlier, verified result was used.
        seconds: Wall-clock time it took in this run.
        artifacts: Its outputs, by name.
        provenance: Digest of the envelope that attests it.
        result: Digest of the envelope of its Test Result, if it has results.
        results: Those results.
        isolation: The confinement it ran under.
        findings: What the engine itself has to say, such as a refused cache entry.
    """

    name: str
    origin: Origin
    cached: bool
    seconds: float
    artifacts: Mapping[str, Digest]
    provenance: Digest
    result: Digest | None
    results: Results | None
    isolation: Isolation
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run went.

    Attributes:
        run_id: As given.
        steps: In the order they were done.
        artifacts: Every artifact by name, the sources among them.
        started: RFC 3339 UTC.
        finished: RFC 3339 UTC.
    """

    run_id: str
    steps: tuple[StepOutcome, ...]
    artifacts: Mapping[str, Digest]
    started: str
    finished: str

    def step(self, name: str) -> StepOutcome:
        """The step of that name; KeyError if there is none."""
        for item in self.steps:
            if item.name == name:
                return item
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What a run would do with a step.

    Attributes:
        name: The step.
        cached: Whether an earlier result would be used.
        reason: Why not, in words; empty when cached.
    """

    name: str
    cached: bool
    reason: str
