"""What a report says: frozen records that whoever knows the run fills in.

Every part but the identity of the run may be absent; the page leaves out what it was not given. Nothing in here is
trusted: names, values and sentences may hold anything and are escaped, cut and made visible by the page.

    from stockade.report.content import Report
    from stockade.report.page import render

    Path("report.html").write_text(render(Report(title="Employment", project="census", created="2026-01-01T00:00:00Z")))
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from stockade.types.digest import Digest
from stockade.types.execution import Mode, Origin
from stockade.types.results import Finding
from stockade.types.scorecard import Leaderboard, Scorecard
from stockade.types.table import Profile, Rejection


class Status(StrEnum):
    """What the gate said about the whole."""

    ADMITTED = "admitted"
    REFUSED = "refused"
    ADVICE = "advice"


class Judgement(StrEnum):
    """What the gate said about one rule.

    ``absent`` means that the figure the rule asks for was never measured or never proven, which refuses.
    """

    PASSED = "passed"
    REFUSED = "refused"
    ADVISED = "advised"
    WAIVED = "waived"
    ABSENT = "absent"


class StepState(StrEnum):
    """How a step ended."""

    RAN = "ran"
    CACHED = "cached"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Waiver:
    """A person's signed decision to let a rule be broken for a while.

    Attributes:
        by: The approver's name.
        until: When it ends, RFC 3339 UTC.
        reason: Why, in the approver's words.
    """

    by: str
    until: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RulingRow:
    """One rule of the policy, held against the evidence.

    Attributes:
        rule: Stable id of the rule.
        title: The rule in words, such as ``True-positive rates of disability groups stay close``.
        verdict: What the gate said.
        figure: Name of the figure looked at, such as ``tpr_gap.disability``; empty where the rule is about none.
        value: The figure.
        low: Lower end of its interval.
        high: Upper end of its interval.
        threshold: The bound.
        bound: ``at most``, ``below``, ``at least``, ``above`` or another word; empty where there is no threshold.
        advice: What to do about it.
        waiver: Who waived it, where somebody did.
    """

    rule: str
    title: str
    verdict: Judgement
    figure: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    threshold: float | None = None
    bound: str = ""
    advice: str = ""
    waiver: Waiver | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate decided.

    Attributes:
        headline: One sentence, such as ``Promotion to production is refused``.
        status: What the gate said about the whole.
        rulings: All rules, in any order.
        detail: A sentence more, such as who asked for what.
        policy: Digest of the policy that was evaluated.
    """

    headline: str
    status: Status
    rulings: tuple[RulingRow, ...] = ()
    detail: str = ""
    policy: Digest | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run ended early: the fields of the error, and the step it ended in."""

    code: str
    message: str
    where: str = ""
    remedy: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class StepNode:
    """One step of the run, for the provenance graph.

    Attributes:
        name: Step name.
        inputs: Names of the artifacts it read; one that no step wrote is drawn as a source.
        outputs: Names of the artifacts it wrote.
        state: How it ended.
        seconds: Wall-clock seconds of the execution that made the outputs, ``None`` where unknown.
        isolation: A word of `stockade.types.execution.ISOLATION_LEVELS`; empty where unknown.
        origin: Who wrote the step.
        digest: Digest of its signed provenance envelope.
    """

    name: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    state: StepState = StepState.RAN
    seconds: float | None = None
    isolation: str = ""
    origin: Origin = Origin.BUILT_IN
    digest: Digest | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one page says about one run.

    Attributes:
        title: What the model is about, such as ``Employment of people in Massachusetts``.
        project: Project name.
        created: When the report was written, RFC 3339 UTC.
        mode: Whether gates advised or blocked.
        generator: Program and version that wrote it, such as ``Stockade 0.1.0``.
        run: Run id.
        version: Registered version, such as ``employment@3``; empty before registration.
        model: Digest of the exported model bytes.
        purpose: What the model is for and not for, one sentence.
        verdict: What the gate decided; ``None`` before any gate.
        failure: Why the run ended early; ``None`` when it did not.
        source: Name of the data source.
        target: Name of the target column, marked in the profile.
        sensitive: Names of the sensitive columns, marked in the profile.
        profile: Summary of the rows that were used.
        rejections: Why rows were set aside; the page shows at most 200.
        rejected_rows: Rows set aside; 0 means as many as `rejections` names.
        rejected_total: Failed constraints in all, listed or not; 0 means as many as `rejections` holds.
        findings: What checks and audits found.
        audits: Names of the checks that were made, found something or not.
        leaderboard: Who competed.
        scorecard: What the exported bytes achieve.
        steps: The run's steps, in any order.
        environment: Name and value of what the run depended on, such as Python and the platform.
        digests: Name and digest of what can be checked.
        verify: The exact command that checks all this, such as ``stockade verify employment-3.stockade --trust ...``.
    """

    title: str
    project: str
    created: str
    mode: Mode = Mode.RESEARCH
    generator: str = ""
    run: str = ""
    version: str = ""
    model: Digest | None = None
    purpose: str = ""
    verdict: Verdict | None = None
    failure: Failure | None = None
    source: str = ""
    target: str = ""
    sensitive: tuple[str, ...] = ()
    profile: Profile | None = None
    rejections: tuple[Rejection, ...] = ()
    rejected_rows: int = 0
    rejected_total: int = 0
    findings: tuple[Finding, ...] = ()
    audits: tuple[str, ...] = ()
    leaderboard: Leaderboard | None = None
    scorecard: Scorecard | None = None
    steps: tuple[StepNode, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    digests: tuple[tuple[str, Digest], ...] = ()
    verify: str = ""
