"""What one check step measured and found: in-toto Test Result v0.1.

The subject of the statement is the artifact the results speak of. The format's own fields hold the outcome and the
rules that passed, warned and failed; ``stockade_results`` holds every figure and finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from stockade.evidence.predicates.form import Predicate
from stockade.evidence.statement import TEST_RESULT, Subject, descriptor, read_descriptor
from stockade.types.digest import Digest
from stockade.types.record import from_plain, to_plain
from stockade.types.results import Results, Severity


@dataclass(frozen=True, slots=True)
class TestResult(Predicate):
    """Results of a step, and the artifact that holds them.

    Attributes:
        results: Figures, findings and the checks that ran.
        step: The step that measured.
        document: Digest of the artifact that the results were read from, an output of the step.
    """

    TYPE: ClassVar[str] = TEST_RESULT
    # pytest would take the name for a class of tests.
    __test__: ClassVar[bool] = False

    results: Results
    step: str
    document: Digest

    def to_predicate(self) -> dict[str, Any]:
        """Write Test Result v0.1."""
        warned, failed = self._rules(Severity.LOW, Severity.MEDIUM), self._rules(Severity.HIGH, Severity.CRITICAL)
        return {
            "result": self.results.outcome.value,
            "configuration": [descriptor(Subject(self.step, self.document))],
            "passedTests": sorted(set(self.results.checks) - warned - failed),
            "warnedTests": sorted(warned - failed),
            "failedTests": sorted(failed),
            "stockade_step": self.step,
            "stockade_results": to_plain(self.results),
        }

    def _rules(self, *severities: Severity) -> set[str]:
        return {finding.rule for finding in self.results.findings if finding.severity in severities}

    @classmethod
    def _read(cls, predicate: Mapping[str, Any]) -> TestResult:
        results = from_plain(Results, predicate["stockade_results"], "predicate.stockade_results")
        document = read_descriptor(predicate["configuration"][0], "predicate.configuration")
        return cls(results, document.name, document.digest)
