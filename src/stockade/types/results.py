"""What checks and assessments say: figures, findings, and the outcome they add up to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters, in rising order."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info to 4 for critical."""
        return list(Severity).index(self)


class Outcome(StrEnum):
    """The three results of in-toto's Test Result predicate."""

    PASSED = "PASSED"
    WARNED = "WARNED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person should know, from any check, audit, assessment, scan or drill.

    Attributes:
        rule: Stable id of the check that speaks, dotted, such as ``audit.label_noise``.
        subject: What it speaks of, such as ``column age`` or ``row 17``.
        message: One sentence with the figures in it.
        severity: How much it matters.
        measure: Name of the quantity measured, empty where nothing was.
        value: The quantity.
        threshold: What it was held against.
        technique: MITRE ATLAS or OWASP ML ids.
        remedy: What to do about it.
    """

    rule: str
    subject: str
    message: str
    severity: Severity
    measure: str = ""
    value: float | None = None
    threshold: float | None = None
    technique: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured quantity with its confidence interval.

    Attributes:
        name: Dotted name, such as ``auc`` or ``tpr_gap.disability``; policy thresholds refer to it.
        value: The estimate.
        low: Lower end of the interval, ``None`` where none was computed.
        high: Upper end of the interval.
        count: Rows it was computed on.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """Everything one check step measured and found; the engine attests it as a Test Result."""

    figures: tuple[Figure, ...] = ()
    findings: tuple[Finding, ...] = ()
    checks: tuple[str, ...] = field(default=())

    @property
    def outcome(self) -> Outcome:
        """FAILED from severity high on, WARNED from low on, PASSED otherwise."""
        worst = max((finding.severity.rank for finding in self.findings), default=0)
        if worst >= Severity.HIGH.rank:
            return Outcome.FAILED
        return Outcome.WARNED if worst >= Severity.LOW.rank else Outcome.PASSED
