"""What a person decided about a version: predicate ``urn:stockade:predicate:decision:v1``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from stockade.evidence.predicates.form import FlatPredicate
from stockade.evidence.statement import DECISION
from stockade.evidence.text import read_time
from stockade.types.digest import Digest

ROLE_OF = {
    "approval": "approver",
    "waiver": "approver",
    "promotion": "promoter",
    "rollback": "promoter",
    "retirement": "promoter",
}
"""The role that a kind of decision takes."""


@dataclass(frozen=True, slots=True)
class Decision(FlatPredicate):
    """A decision and everything it is bound to, so that it cannot be used for anything else.

    Attributes:
        kind: ``approval``, ``waiver``, ``promotion``, ``rollback`` or ``retirement``.
        name: Registered model.
        version: Its version.
        model: Digest of the model's bytes.
        source: Alias or state before.
        target: Alias decided on.
        policy: Digest of the policy that held.
        evidence: Digest of the evidence set that was seen (`chain.Dossier.evidence_set`).
        rule: Rule set aside, waivers only, else empty.
        reason: Why, in the person's words; a waiver has one.
        expires: RFC 3339 UTC, empty for never; a waiver expires.
        nonce: Makes two equal decisions two.
        made: RFC 3339 UTC.
    """

    TYPE: ClassVar[str] = DECISION

    kind: str
    name: str
    version: int
    model: Digest
    source: str
    target: str
    policy: Digest
    evidence: Digest
    rule: str
    reason: str
    expires: str
    nonce: str
    made: str

    def __post_init__(self) -> None:
        if self.kind not in ROLE_OF:
            raise ValueError(f"no kind of decision: {self.kind[:40]!r}")
        waiver = self.kind == "waiver"
        if waiver != bool(self.rule) or (waiver and not (self.reason and self.expires)):
            raise ValueError("a waiver names a rule, a reason and an expiry; other decisions name no rule")
        if not self.name or self.version < 1 or not self.nonce:
            raise ValueError("a decision has a name, a version from 1 on, and a nonce")
        read_time(self.made, "made")
        if self.expires:
            read_time(self.expires, "expires")

    @property
    def role(self) -> str:
        """The role that it takes to decide this."""
        return ROLE_OF[self.kind]

    def expired(self, now: datetime) -> bool:
        """Whether the decision has ceased to hold."""
        return bool(self.expires) and now >= read_time(self.expires, "expires")
