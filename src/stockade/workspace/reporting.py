"""Turn a run's artifacts and evidence into the page that people read."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

import stockade
from stockade.evidence.predicates import RunSummary, StepProvenance, TestResult
from stockade.evidence.statement import PROVENANCE, TEST_RESULT
from stockade.evidence.verify import Evidence
from stockade.policy.decision import Decision, Ruling
from stockade.policy.decision import Verdict as PolicyVerdict
from stockade.report.content import Judgement, Report, RulingRow, Status, StepNode, StepState, Verdict, Waiver
from stockade.schema.column import Schema
from stockade.types.digest import Digest
from stockade.types.execution import Mode
from stockade.types.record import from_plain
from stockade.types.results import Finding
from stockade.types.scorecard import Leaderboard, Scorecard
from stockade.types.table import Profile, Rejection
from stockade.workspace.wiring import Workspace

T = TypeVar("T")


class Reading:
    """A run as its verified statements tell it, with the artifacts they name.

    Args:
        space: The workspace.
        run: Evidence of the run.
    """

    def __init__(self, space: Workspace, run: Evidence) -> None:
        if not isinstance(run.record, RunSummary):
            raise TypeError("evidence of a run is expected")
        self._space = space
        self.evidence = run
        self.summary = run.record
        self.steps: dict[str, Evidence] = {
            step.name: space.ledger.verify(space.ledger.envelope(step.provenance), "builder", PROVENANCE)
            for step in self.summary.steps
        }
        self.results: dict[str, TestResult] = {}
        for digest in self.summary.results:
            found = space.ledger.verify(space.ledger.envelope(digest), "builder", TEST_RESULT).record
            if isinstance(found, TestResult):
                self.results[found.step] = found
        self.artifacts: dict[str, Digest] = {item.name: item.digest for item in self.summary.sources}
        for evidence in self.steps.values():
            self.artifacts |= {item.name: item.digest for item in evidence.statement.subjects}

    def record(self, kind: type[T], artifact: str) -> T | None:
        """Read an artifact as a record; ``None`` when the run has none of that name."""
        if artifact not in self.artifacts:
            return None
        return from_plain(kind, json.loads(self._space.blobs.get(self.artifacts[artifact])), artifact)

    def rejections(self) -> tuple[Rejection, ...]:
        """The first reasons why rows were set aside."""
        data = json.loads(self._space.blobs.get(self.artifacts["rejections"]))
        return tuple(from_plain(Rejection, item, "rejections") for item in data)

    def findings(self) -> tuple[Finding, ...]:
        """What all checks found, gravest first."""
        found = [finding for result in self.results.values() for finding in result.results.findings]
        return tuple(sorted(found, key=lambda finding: -finding.severity.rank))

    def provenance(self, step: str) -> StepProvenance:
        """What the engine saw of a step."""
        record = self.steps[step].record
        if not isinstance(record, StepProvenance):
            raise TypeError("provenance of a step is expected")
        return record


def page(
    reading: Reading,
    *,
    name: str,
    version: int,
    objective: str,
    schema: Schema,
    decision: Decision,
    source: str,
    verify: str,
    reasons: Mapping[str, str],
) -> Report:
    """Fill in the report of one version; `reasons` are those of its waivers, by rule."""
    summary = reading.summary
    checks = [check for result in reading.results.values() for check in result.results.checks]
    return Report(
        title=name,
        project=summary.project,
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        mode=summary.mode,
        generator=f"Stockade {stockade.__version__}",
        run=summary.run,
        version=f"{name}@{version}",
        model=reading.artifacts["model"],
        purpose=objective,
        verdict=_verdict(decision, summary.mode, reasons),
        source=source,
        target=schema.target,
        sensitive=summary.sensitive,
        profile=reading.record(Profile, "profile"),
        rejections=reading.rejections(),
        rejected_rows=summary.rejected,
        findings=reading.findings(),
        audits=tuple(checks),
        leaderboard=reading.record(Leaderboard, "leaderboard"),
        scorecard=reading.record(Scorecard, "scorecard"),
        steps=tuple(_node(reading, step.name, cached=step.cached) for step in summary.steps),
        environment=(("Python", platform.python_version()), ("platform", platform.platform(terse=True))),
        digests=(
            ("model", reading.artifacts["model"]),
            ("source", reading.artifacts["source"]),
            ("schema", reading.artifacts["schema"]),
            ("evidence of the run", reading.evidence.digest),
            ("root of trust", reading.evidence.trust),
        ),
        verify=verify,
    )


def _node(reading: Reading, name: str, *, cached: bool) -> StepNode:
    provenance = reading.provenance(name)
    return StepNode(
        name=name,
        inputs=tuple(item.name.rpartition(":")[2] for item in provenance.inputs),
        outputs=tuple(item.name for item in reading.steps[name].statement.subjects),
        state=StepState.CACHED if cached else StepState.RAN,
        seconds=provenance.usage.get("seconds"),
        isolation=provenance.isolation.level,
        origin=provenance.origin,
        digest=reading.steps[name].digest,
    )


_JUDGEMENTS: Mapping[PolicyVerdict, Judgement] = {
    PolicyVerdict.ALLOWED: Judgement.PASSED,
    PolicyVerdict.WAIVED: Judgement.WAIVED,
    PolicyVerdict.REFUSED: Judgement.REFUSED,
    PolicyVerdict.MISSING: Judgement.ABSENT,
}


def _verdict(decision: Decision, mode: Mode, reasons: Mapping[str, str]) -> Verdict:
    refused = len(decision.refused)
    if decision.allowed:
        headline, status = f"Promotion to {decision.target} is admitted", Status.ADMITTED
    elif mode is Mode.PRODUCTION:
        headline, status = f"Promotion to {decision.target} is refused", Status.REFUSED
    else:
        headline, status = f"Promotion to {decision.target} would be refused", Status.ADVICE
    rules = len(decision.rulings)
    detail = (
        f"{rules - refused} of {rules} rules are met or waived." if refused else f"All {rules} rules are met or waived."
    )
    rulings = tuple(_row(ruling, reasons.get(ruling.rule, "")) for ruling in decision.rulings)
    return Verdict(headline, status, rulings, detail, decision.policy)


_BOUNDS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least", "==": "exactly", "!=": "not"}


def _row(ruling: Ruling, reason: str) -> RulingRow:
    waiver = None
    if ruling.waived_by:
        waiver = Waiver(", ".join(ruling.waived_by), ruling.waived_until, reason)
    return RulingRow(
        rule=ruling.rule,
        title=ruling.title,
        verdict=_JUDGEMENTS[ruling.verdict],
        figure=ruling.figure,
        value=ruling.value,
        low=ruling.low,
        high=ruling.high,
        threshold=ruling.limit,
        bound=_BOUNDS.get(ruling.operator, ruling.operator),
        advice=""
        if ruling.verdict is PolicyVerdict.ALLOWED
        else " ".join(filter(None, (ruling.detail, ruling.advice))),
        waiver=waiver,
    )
