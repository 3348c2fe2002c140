"""What a policy said of a version: SLSA Verification Summary v1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from stockade.evidence.predicates.form import Predicate
from stockade.evidence.statement import VSA, read_digest
from stockade.evidence.text import read_time
from stockade.types.digest import Digest
from stockade.types.record import from_plain, to_plain


@dataclass(frozen=True, slots=True)
class GateRuling:
    """What became of one rule.

    Attributes:
        rule: Id of the rule.
        verdict: ``allowed``, ``waived``, ``refused`` or ``missing``.
        figure: Name of the figure judged, empty for none.
        value: The figure.
        threshold: What it was held against, as written.
        detail: What was found, one sentence.
        waived_by: Persons who set the rule aside.
    """

    rule: str
    verdict: str
    figure: str = ""
    value: float | None = None
    threshold: str = ""
    detail: str = ""
    waived_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gate(Predicate):
    """The outcome of holding a version's evidence against a policy.

    Attributes:
        verifier: URI of who judged.
        time: RFC 3339 UTC.
        resource: Package URL of the version.
        policy: Digest of the policy.
        inputs: Digests of the envelopes that were judged.
        passed: Whether the policy admits.
        levels: Levels reached, such as ``SLSA_BUILD_LEVEL_1``; written only where it passed.
        rulings: One a rule.
    """

    TYPE: ClassVar[str] = VSA

    verifier: str
    time: str
    resource: str
    policy: Digest
    inputs: tuple[Digest, ...]
    passed: bool
    levels: tuple[str, ...]
    rulings: tuple[GateRuling, ...] = ()

    def __post_init__(self) -> None:
        read_time(self.time, "timeVerified")
        if not self.verifier or not self.resource:
            raise ValueError("a gate names the verifier and the resource")
        if not self.passed and self.levels:
            raise ValueError("what did not pass reaches no level")

    def to_predicate(self) -> dict[str, Any]:
        """Write SLSA VSA v1."""
        return {
            "verifier": {"id": self.verifier},
            "timeVerified": self.time,
            "resourceUri": self.resource,
            "policy": _digest_only(self.policy),
            "inputAttestations": [_digest_only(item) for item in self.inputs],
            "verificationResult": "PASSED" if self.passed else "FAILED",
            "verifiedLevels": list(self.levels) if self.passed else ["FAILED"],
            "slsaVersion": "1.0",
            "stockade_rulings": [to_plain(item) for item in self.rulings],
        }

    @classmethod
    def _read(cls, predicate: Mapping[str, Any]) -> Gate:
        passed = predicate["verificationResult"] == "PASSED"
        flat = {
            "verifier": predicate["verifier"]["id"],
            "time": predicate["timeVerified"],
            "resource": predicate["resourceUri"],
            "policy": str(read_digest(predicate["policy"]["digest"], "policy")),
            "inputs": [
                str(read_digest(item["digest"], "inputAttestations")) for item in predicate["inputAttestations"]
            ],
            "passed": passed,
            "levels": predicate["verifiedLevels"] if passed else [],
            "rulings": predicate["stockade_rulings"],
        }
        return from_plain(cls, flat, "predicate")


def _digest_only(digest: Digest) -> dict[str, Any]:
    return {"digest": {"sha256": digest.hex}}
