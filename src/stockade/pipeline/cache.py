"""Earlier results: found by key in the catalogue, believed only as far as they are proven.

A hit needs, in this order: (1) a signature by the builder role of the trust root and a leaf in the log, (2) a statement
of this very step, key and set of outputs, (3) an isolation at least as good as asked for, (4) for a step with results, the
statement of those, proven alike, (5) stored bytes that hash to what was attested. Anything less is no hit: the step runs
again, and what was refused is told by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stockade.errors import EvidenceError, MissingEvidenceError, StepOutputError
from stockade.evidence.ledger import Ledger
from stockade.evidence.predicates import StepProvenance, TestResult
from stockade.evidence.statement import PROVENANCE, TEST_RESULT
from stockade.pipeline.attest import Premises, read_results
from stockade.store.blobs import BlobStore
from stockade.types.digest import Digest
from stockade.types.execution import ISOLATION_LEVELS, Isolation
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
        for row in reversed(self._ledger.find(STEP_KIND, premises.key)):
            try:
                return self._verified(row, premises)
            except MissingEvidenceError as error:
                refuse(str(error))
            except (EvidenceError, StepOutputError) as error:
                refuse(str(error))
        return None

    def outputs_before(self, premises: Premises) -> list[Mapping[str, Digest]]:
        """The outputs that proven statements give for this key, whether or not their bytes are still there."""
        found: list[Mapping[str, Digest]] = []
        for row in self._ledger.find(STEP_KIND, premises.key):
            try:
                evidence = self._ledger.verify(row, role="builder", predicate=PROVENANCE)
            except EvidenceError:
                continue
            found.append({subject.name: subject.digest for subject in evidence.statement.subjects})
        return found
