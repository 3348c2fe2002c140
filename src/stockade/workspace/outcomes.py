"""What the verbs return: frozen records that the command line prints and ``--json`` writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stockade.pipeline.outcome import RunOutcome
from stockade.policy.decision import Decision
from stockade.registry.records import Version
from stockade.types.digest import Digest
from stockade.types.execution import Mode
from stockade.types.results import Figure, Finding
from stockade.types.scorecard import Leaderboard, Scorecard
from stockade.types.table import Rejection
from stockade.workspace.reporting import Reading


@dataclass(frozen=True, slots=True)
class Made:
    """What `init` wrote.

    Attributes:
        folder: The project.
        name: Name of the model to be.
        trust: Digest of its root of trust, to pin.
        persons: Who can sign; the first starts runs.
        files: What was written.
    """

    folder: str
    name: str
    trust: Digest
    persons: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of a run, in short."""

    name: str
    cached: bool
    seconds: float
    isolation: str
    origin: str
    artifacts: Mapping[str, Digest]
    provenance: Digest


@dataclass(frozen=True, slots=True)
class Run:
    """What `run` did.

    Attributes:
        run: Id of the run.
        mode: Whether gates advise or block.
        name: Registered model.
        version: Its version; the same as before when nothing changed.
        model: Digest of the model's bytes.
        steps: In the order they were done.
        rows: Rows read.
        rejected: Rows set aside.
        rejections: The first reasons.
        findings: What checks found, gravest first.
        leaderboard: Who competed; ``None`` where the project's own trainer says nothing.
        figures: What the exported bytes achieve.
        verdict: What the policy says to a promotion to staging now.
        report: The page.
        seconds: Wall-clock time.
    """

    run: str
    mode: Mode
    name: str
    version: int
    model: Digest
    steps: tuple[StepLine, ...]
    rows: int
    rejected: int
    rejections: tuple[Rejection, ...]
    findings: tuple[Finding, ...]
    leaderboard: Leaderboard | None
    figures: tuple[Figure, ...]
    verdict: Decision
    report: str
    seconds: float

    @property
    def blocked(self) -> bool:
        """Whether the policy refuses and the mode makes that count."""
        return self.mode is Mode.PRODUCTION and not self.verdict.allowed


@dataclass(frozen=True, slots=True)
class RunLine:
    """One earlier run, from its signed statement."""

    run: str
    mode: str
    initiator: str
    started: str
    finished: str
    rows: int
    rejected: int
    steps: int
    model: Digest


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version."""

    version: int
    model: Digest
    alias: str
    run: str
    registered: str


@dataclass(frozen=True, slots=True)
class Status:
    """What there is."""

    name: str
    folder: str
    mode: Mode
    trust: Digest
    trial: bool
    versions: tuple[VersionLine, ...]
    aliases: Mapping[str, int]
    runs: int
    log_size: int


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing in full: what `show` prints as named fields, in order."""

    title: str
    fields: tuple[tuple[str, str], ...]
    lists: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that was signed.

    Attributes:
        kind: ``approval``, ``waiver``, ``promotion`` or ``rollback``.
        version: What it is about.
        target: Alias.
        person: Who signed.
        expires: When it ceases to hold; empty for never.
        rule: The rule waived.
        decision: The policy's judgement, for promotions.
    """

    kind: str
    version: int
    target: str
    person: str
    expires: str = ""
    rule: str = ""
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One decision, in short."""

    made: str
    person: str
    what: str
    version: int
    target: str
    rule: str
    reason: str
    expires: str
    policy: Digest
    leaf: int


@dataclass(frozen=True, slots=True)
class Answers:
    """What `predict` answered.

    Attributes:
        rows: Rows answered.
        rejected: Rows set aside.
        columns: Names of the answer's columns.
        head: The first rows of the answer.
    """

    rows: int
    rejected: int
    columns: tuple[str, ...]
    head: tuple[tuple[object, ...], ...]


def run_of(  # noqa: PLR0917  (each is a part of the sum)
    outcome: RunOutcome, version: Version, story: Reading, decision: Decision, report: Path, seconds: float
) -> Run:
    """Sum a run up."""
    scorecard = story.record(Scorecard, "scorecard")
    return Run(
        run=outcome.run_id,
        mode=story.summary.mode,
        name=version.name,
        version=version.version,
        model=version.model,
        steps=tuple(
            StepLine(
                name=step.name,
                cached=step.cached,
                seconds=step.seconds,
                isolation=step.isolation.level,
                origin=step.origin.value,
                artifacts=step.artifacts,
                provenance=step.provenance,
            )
            for step in outcome.steps
        ),
        rows=story.summary.rows,
        rejected=story.summary.rejected,
        rejections=story.rejections(),
        findings=story.findings(),
        leaderboard=story.record(Leaderboard, "leaderboard"),
        figures=scorecard.figures if scorecard else (),
        verdict=decision,
        report=str(report),
        seconds=seconds,
    )
