"""What people sign: decisions bound to one version, model, policy, evidence set and alias, and the gate beside them.

A decision is checked before it is signed: the person holds the role, is not deciding about own work, and the envelope
verifies. A server cannot reach this module.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from stockade.errors import ConfigError, SelfApprovalError
from stockade.evidence.chain import Dossier
from stockade.evidence.envelope import Envelope
from stockade.evidence.ledger import Ledger, Sealed
from stockade.evidence.predicates import Decision, Gate, GateRuling, ReleaseInfo, RunSummary
from stockade.evidence.predicates.decision import ROLE_OF
from stockade.evidence.sign import Signer, seal
from stockade.evidence.statement import DECISION, Subject
from stockade.evidence.text import write_time
from stockade.evidence.verify import Evidence, verify_envelope
from stockade.policy.decision import Decision as Judgement
from stockade.policy.policy import Policy
from stockade.policy.vocabulary import suggest
from stockade.registry.reading import event_record
from stockade.registry.records import Event, RoleError, WaiverError
from stockade.types.digest import Digest
from stockade.types.ledger import Record, Row

VERIFIER = "urn:stockade:verifier:policy:v1"
"""Who says that a gate was passed: the policy engine of this version of Stockade."""

LEVELS = ("SLSA_BUILD_LEVEL_1",)
"""What a run on one's own machine claims."""

_LONGEST_WAIVER = timedelta(days=366)
_NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Draft:
    """What is about to be signed.

    Attributes:
        kind: ``approval``, ``waiver``, ``promotion``, ``rollback`` or ``retirement``.
        source: State of the version.
        target: Alias decided on.
        policy: Digest of the policy that holds.
        reason: Why, in the person's words.
        rule: Rule set aside, waivers only.
        expires: When the decision ceases to hold, ``None`` for never.
    """

    kind: str
    source: str
    target: str
    policy: Digest
    reason: str
    rule: str = ""
    expires: datetime | None = None


def decide(ledger: Ledger, dossier: Dossier, draft: Draft, signer: Signer, now: datetime) -> tuple[Sealed, Event]:
    """Sign a decision about the version of a dossier; nothing is written yet.

    Raises:
        RoleError: the signer's person does not hold the role.
        ConfigError: the reason is empty, or the expiry has passed.
        stockade.errors.EvidenceError: the signature does not hold under the trust root.
    """
    require_role(ledger, signer, draft.kind)
    if not draft.reason.strip():
        raise ConfigError("a decision has a reason", where="reason", remedy='add --reason "..."')
    if draft.expires is not None and draft.expires <= now:
        raise ConfigError("the decision would have expired already", where="expires", remedy="name a later moment")
    info = ReleaseInfo.of(dossier.release.statement)
    decision = Decision(
        kind=draft.kind,
        name=info.name,
        version=info.version,
        model=dossier.model,
        source=draft.source,
        target=draft.target,
        policy=draft.policy,
        evidence=dossier.evidence_set,
        rule=draft.rule,
        reason=draft.reason.strip(),
        expires="" if draft.expires is None else write_time(draft.expires),
        nonce=secrets.token_hex(_NONCE_BYTES),
        made=write_time(now),
    )
    envelope = seal(decision.statement([Subject("model", dossier.model)]), signer)
    evidence = verify_envelope(envelope, ledger.trust, decision.role, now=now, predicate=DECISION)
    event = Event(decision, evidence.persons, envelope.digest, -1)
    return Sealed(envelope, (event_record(event),)), event


def gate(judgement: Judgement, dossier: Dossier, signer: Signer) -> Sealed:
    """Sign what the policy said, as an SLSA verification summary; nothing is written yet."""
    info = ReleaseInfo.of(dossier.release.statement)
    rulings = tuple(
        GateRuling(item.rule, item.verdict.value, item.figure, item.value, item.threshold, item.detail, item.waived_by)
        for item in judgement.rulings
    )
    predicate = Gate(
        verifier=VERIFIER,
        time=judgement.made,
        resource=info.purl,
        policy=judgement.policy,
        inputs=tuple(piece.digest for piece in dossier.evidence),
        passed=judgement.allowed,
        levels=LEVELS if judgement.allowed else (),
        rulings=rulings,
    )
    envelope = seal(predicate.statement([Subject("model", dossier.model)]), signer)
    fields = {"target": judgement.target, "result": "PASSED" if judgement.allowed else "FAILED"}
    return Sealed(envelope, (Record("gate", f"{info.name}@{info.version}", envelope.digest, fields),))


def person_of(ledger: Ledger, signer: Signer) -> str:
    """The person who holds a signer's key.

    Raises:
        RoleError: the trust root does not know the key.
    """
    person = ledger.trust.person_of(signer.keyid)
    if person is None:
        raise RoleError(
            f"the trust root does not know the key {signer.keyid[:12]}",
            where="trust.json",
            remedy="sign with a key that the trust root names",
        )
    return person


def require_other(ledger: Ledger, dossier: Dossier, signer: Signer, author: str) -> None:
    """Check that a person does not decide about own work.

    Args:
        ledger: Knows who holds the signer's key.
        dossier: Evidence of the version; says who ran it.
        signer: Who is about to sign.
        author: Person who wrote the policy, empty where nobody knows.

    Raises:
        SelfApprovalError: the signer started the run or wrote the policy.
        RoleError: the trust root does not know the key.
    """
    person = person_of(ledger, signer)
    initiator = RunSummary.of(dossier.run.statement).initiator
    if person not in {initiator, author}:
        return
    did = "started the run" if person == initiator else "wrote the policy"
    raise SelfApprovalError(
        f"{person} {did} and cannot approve or waive it",
        where=person,
        remedy="ask another person with the role approver",
    )


def require_waivable(policy: Policy, rule: str, expires: datetime, now: datetime) -> None:
    """Check that a rule can be waived, and for that long.

    Raises:
        WaiverError: there is no such rule, it is never waivable, or the waiver would last longer than a year.
    """
    found = policy.rule(rule)
    waivable = [item.id for item in policy.rules if item.waivable]
    if found is None:
        raise WaiverError(f"there is no rule {rule!r}", where="rule", remedy=suggest(rule, waivable))
    if not found.waivable:
        raise WaiverError(f"{rule} cannot be waived: {found.title}", where="rule", remedy=found.advice)
    if expires - now > _LONGEST_WAIVER:
        raise WaiverError(
            f"a waiver until {write_time(expires)} would last longer than a year",
            where="expires",
            remedy=f"let it end by {write_time(now + _LONGEST_WAIVER)}, and decide again then",
        )


def require_role(ledger: Ledger, signer: Signer, kind: str) -> str:
    """Check that a signer may make a kind of decision; returns the person.

    Raises:
        RoleError: the person does not hold the role that it takes.
    """
    person, role = person_of(ledger, signer), ROLE_OF[kind]
    if signer.keyid not in ledger.trust.keys_of(role):
        holders = ", ".join(ledger.trust.people(ledger.trust.keys_of(role))) or "nobody"
        raise RoleError(f"{person} does not hold the role {role}", where=person, remedy=f"it is held by {holders}")
    return person


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A ledger as it will be once a release is in it: verifies that release without its place in the log."""

    ledger: Ledger
    release: bytes
    now: datetime

    def envelope(self, digest: Digest) -> bytes:
        """An envelope's bytes. Raises MissingEvidenceError."""
        return self.ledger.envelope(digest)

    def verify(self, subject: Row | Envelope | bytes, role: str, predicate: str | None = None) -> Evidence:
        """Verify an envelope for a role and a predicate type. Raises EvidenceError."""
        if subject == self.release:
            return verify_envelope(self.release, self.ledger.trust, role, now=self.now, predicate=predicate)
        return self.ledger.verify(subject, role, predicate)
