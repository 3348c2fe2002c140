"""What statements say, as typed records: one record class a predicate type, written and read strictly.

A reader rebuilds the predicate from the record it made and refuses anything that differs, so that no field escapes it.
"""

from stockade.evidence.predicates.decision import Decision
from stockade.evidence.predicates.form import Predicate
from stockade.evidence.predicates.gate import Gate, GateRuling
from stockade.evidence.predicates.provenance import StepProvenance
from stockade.evidence.predicates.release import ReleaseInfo
from stockade.evidence.predicates.run import RunStep, RunSummary
from stockade.evidence.predicates.test_result import TestResult

__all__ = [
    "Decision",
    "Gate",
    "GateRuling",
    "Predicate",
    "ReleaseInfo",
    "RunStep",
    "RunSummary",
    "StepProvenance",
    "TestResult",
]
