"""What a policy said: one ruling a rule, and the decision that they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from stockade.types.digest import Digest
from stockade.types.results import Severity


class Verdict(StrEnum):
    """What became of one rule."""

    ALLOWED = "allowed"
    WAIVED = "waived"
    REFUSED = "refused"
    MISSING = "missing"

    @property
    def admits(self) -> bool:
        """Whether a decision can be favourable with it."""
        return self in (Verdict.ALLOWED, Verdict.WAIVED)


@dataclass(frozen=True, slots=True)
class Ruling:
    """One rule held against the evidence.

    Attributes:
        rule: Id of the rule.
        title: What must hold.
        verdict: What became of it; ``missing`` when there is no figure to judge, which refuses.
        severity: How much it matters.
        advice: What to do when it does not hold.
        technique: OWASP ML and MITRE ATLAS ids.
        waivable: Whether a waiver could set it aside.
        figure: Name of the figure judged, empty for none.
        value: The figure, ``None`` where it is missing or the rule judges none.
        low: Lower end of its confidence interval.
        high: Upper end.
        count: Rows behind it.
        operator: How it is held against the threshold.
        threshold: What it is held against, as written, such as ``0.2`` or ``baseline.auc``.
        limit: The threshold as a number, ``None`` where it is missing.
        detail: What was found, one sentence; empty where figure and threshold say it all.
        waived_by: Persons who waived it.
        waived_until: When the last of their waivers ends, RFC 3339.
    """

    rule: str
    title: str
    verdict: Verdict
    severity: Severity
    advice: str
    technique: tuple[str, ...] = ()
    waivable: bool = False
    figure: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    count: int | None = None
    operator: str = ""
    threshold: str = ""
    limit: float | None = None
    detail: str = ""
    waived_by: tuple[str, ...] = ()
    waived_until: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A policy held against all verified evidence of one version, for one alias, at one moment.

    Attributes:
        name: Registered model.
        version: Its version.
        model: Digest of the model's bytes.
        source: Alias or state before.
        target: Alias asked for.
        policy: Digest of the policy.
        evidence_set: Digest over the evidence.
        requester: Person who asks.
        made: When, RFC 3339 UTC.
        allowed: Whether every rule is met or waived and the engine reported no error.
        rulings: One a rule, in the policy's order.
        approvers: Persons whose approvals count.
        notes: Approvals and waivers that do not count, and why, one sentence each.
        problems: Errors of the policy engine; any of them refuses.
    """

    name: str
    version: int
    model: Digest
    source: str
    target: str
    policy: Digest
    evidence_set: Digest
    requester: str
    made: str
    allowed: bool
    rulings: tuple[Ruling, ...]
    approvers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def refused(self) -> tuple[Ruling, ...]:
        """The rulings that stand in the way, gravest first."""
        against = [ruling for ruling in self.rulings if not ruling.verdict.admits]
        return tuple(sorted(against, key=lambda ruling: -ruling.severity.rank))

    @property
    def waived(self) -> tuple[Ruling, ...]:
        """The rulings that only a waiver let pass."""
        return tuple(ruling for ruling in self.rulings if ruling.verdict is Verdict.WAIVED)
