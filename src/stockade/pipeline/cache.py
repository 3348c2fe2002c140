"""Earlier results: found by key in the catalogue, believed only as far as they are proven.

A hit needs, in this order: (1) a signature by the builder role of the trust root and a leaf in the log, (2) a
statement of this very step, key and set of outputs, (3) an isolation at least as good as asked for, (4) for a step with
results, the statement of those, proven alike, (5) stored bytes that hash to what was attested. Anything less is no hit:
the step runs again, and what was refused is told by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from stockade.errors import EvidenceError, MalformedError, MissingEvidenceError
from stockade.evidence.ledger import Ledger
from stockade.evidence.predicates import StepProvenance, TestResult
from stockade.evidence.statement import PROVENANCE, TEST_RESULT
from stockade.pipeline.attest import Premises
from stockade.pipeline.graph import Step
from stockade.store.blobs import BlobStore
from stockade.types.digest import Digest
from stockade.types.execution import ISOLATION_LEVELS, Isolation
from stockade.types.ledger import Row
from stockade.types.results import Results

STEP_KIND = "step"
RESULT_KIND = "result"
NAME_KIND = "step-name"


@dataclass(frozen=True, slots=True)
class Hit:
    """An earlier result that holds.

    Attributes:
        artifacts: Outputs by name; their bytes were re-hashed.
        provenance: Digest of the envelope that attests them.
        result: Digest of the envelope of the Test Result, if the step has results.
        results: Those results.
        isolation: The confinement it ran under.
    """

    artifacts: Mapping[str, Digest]
    provenance: Digest
    result: Digest | None
    results: Results | None
    isolation: Isolation


class Cache:
    """Looks for earlier results.

    Args:
        blobs: Where the bytes are.
        ledger: Where the statements are.
    """

    def __init__(self, blobs: BlobStore, ledger: Ledger) -> None:
        self._blobs = blobs
        self._ledger = ledger

    def find(self, premises: Premises, refuse: Callable[[str], None]) -> Hit | None:
        """The newest earlier result that holds, or None. `refuse` is told why one that was found does not hold."""
        try:
            rows = self._ledger.find(STEP_KIND, premises.key)
        except EvidenceError as error:
            refuse(str(error))
            return None
        for row in reversed(rows):
            try:
                return self._verified(row, premises)
            except EvidenceError as error:
                refuse(str(error))
        return None

    def outputs_before(self, premises: Premises) -> list[Mapping[str, Digest]]:
        """The outputs that proven statements give for this key, whether or not their bytes are still there."""
        found: list[Mapping[str, Digest]] = []
        with suppress(EvidenceError):
            for row in self._ledger.find(STEP_KIND, premises.key):
                with suppress(EvidenceError):
                    evidence = self._ledger.verify(row, role="builder", predicate=PROVENANCE)
                    found.append({subject.name: subject.digest for subject in evidence.statement.subjects})
        return found

    def _verified(self, row: Row, premises: Premises) -> Hit:
        step = premises.step
        # (1) signature, role and leaf
        evidence = self._ledger.verify(row, role="builder", predicate=PROVENANCE)
        # (2) this step, this key, these outputs
        record = StepProvenance.of(evidence.statement)
        artifacts = {subject.name: subject.digest for subject in evidence.statement.subjects}
        same = (record.step, record.call, record.origin, record.cache_key) == (
            step.name,
            premises.call,
            step.origin,
            premises.key,
        )
        if not same or artifacts.keys() != set(step.outputs):
            raise MalformedError("the statement found is not about this step")
        # (3) isolation
        if ISOLATION_LEVELS.index(record.isolation.level) < ISOLATION_LEVELS.index(premises.required):
            raise MissingEvidenceError(
                f"the step ran with isolation {record.isolation.level!r}, and {premises.required!r} is asked for"
            )
        # (4) results
        result, results = self._result(step, artifacts, premises.key) if step.results else (None, None)
        # (5) bytes
        for name in step.outputs:
            self._blobs.open(artifacts[name]).close()
        return Hit(artifacts, evidence.digest, result, results, record.isolation)

    def _result(self, step: Step, artifacts: Mapping[str, Digest], key: str) -> tuple[Digest, Results]:
        document = artifacts[step.results or ""]
        for row in reversed(self._ledger.find(RESULT_KIND, key)):
            evidence = self._ledger.verify(row, role="builder", predicate=TEST_RESULT)
            record = TestResult.of(evidence.statement)
            if record.document == document and record.step == step.name:
                return evidence.digest, record.results
        raise MissingEvidenceError(f"the evidence of the results of step {step.name!r} is missing")
