"""From unverified bytes to `Evidence`. The only way there is.

    evidence = verify_envelope(data, trust, "builder", predicate=PROVENANCE)

It takes these steps, always in this order, and stops at the first that fails:

(1) the trust root has not expired
(2) the envelope is canonical to the last byte and of a bounded size
(3) its payload is an in-toto statement by media type
(4) every signature on it is by a key of the trust root, and holds
(5) the signers who may act in the role are enough distinct persons
(6) the payload is a canonical statement
(7) the predicate is of the type asked for, and well formed where its type is known
(8) the statement is in the log: the checkpoint is signed by the log, and the inclusion proof leads to its root

Needs the standard library and `cryptography` alone.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from datetime import UTC, datetime

from stockade.errors import LogError, MalformedError, SignatureError
from stockade.evidence.envelope import Envelope, pae
from stockade.evidence.merkle import Inclusion, leaf_hash, verify_inclusion
from stockade.evidence.note import Checkpoint, verify_checkpoint
from stockade.evidence.predicates import (
    Decision,
    Gate,
    Predicate,
    ReleaseInfo,
    RunSummary,
    StepProvenance,
    TestResult,
)
from stockade.evidence.statement import BOM, PAYLOAD_TYPE, Statement
from stockade.evidence.tiles import entry_of
from stockade.evidence.trust import TrustRoot
from stockade.types.digest import Digest

_TOKEN = object()
_KNOWN: dict[str, type[Predicate]] = {
    kind.TYPE: kind for kind in (StepProvenance, TestResult, RunSummary, ReleaseInfo, Decision, Gate)
}
_REMEDY = "do not use it; get it again from where it was made"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A statement that was verified. Made by `verify_envelope` alone.

    Attributes:
        statement: What is claimed.
        envelope: The envelope it came in.
        digest: Digest of the envelope.
        role: The role it was verified for.
        persons: Who signed in that role, sorted.
        leaf: Its place in the log; ``None`` when no proof of inclusion was given.
        trust: Digest of the trust root it was held against.
        trial: Whether that root is for trials only.
        record: The predicate as a record; ``None`` when its type is not one of ours.
    """

    statement: Statement
    envelope: Envelope
    digest: Digest
    role: str
    persons: tuple[str, ...]
    leaf: int | None
    trust: Digest
    trial: bool
    record: Predicate | None
    token: InitVar[object]

    def __post_init__(self, token: object) -> None:
        if token is not _TOKEN:
            raise TypeError("evidence is made by verification alone")


def verify_envelope(
    data: bytes | Envelope,
    trust: TrustRoot,
    role: str,
    *,
    now: datetime | None = None,
    predicate: str | None = None,
    inclusion: Inclusion | None = None,
    checkpoint: Checkpoint | None = None,
) -> Evidence:
    """Verify an envelope as a statement by a role; the steps are those of the module.

    Args:
        data: The envelope.
        trust: The root of trust.
        role: Who must have signed it.
        now: The time to hold the root's expiry against; the clock's by default.
        predicate: Type that the predicate must have, where one is expected.
        inclusion: Proof that the log holds it.
        checkpoint: The log's state that the proof leads to; given with `inclusion` or not at all.

    Raises:
        ExpiredError: step (1) fails.
        MalformedError: step (2), (3), (6) or (7) fails.
        SignatureError: step (4) or (5) fails, or the log's signature in (8).
        LogError: step (8) fails.
        ValueError: only one of `inclusion` and `checkpoint` was given, or `now` has no time zone.
    """
    moment = datetime.now(UTC) if now is None else now
    if moment.tzinfo is None or (inclusion is None) != (checkpoint is None):
        raise ValueError("give a time with its zone, and a proof with its checkpoint")
    trust.require_current(moment)  # (1)
    raw = data.to_bytes() if isinstance(data, Envelope) else data
    envelope = Envelope.parse(raw)  # (2)
    if envelope.payload_type != PAYLOAD_TYPE:  # (3)
        raise MalformedError(f"the payload is {envelope.payload_type[:80]!r}, not a statement", remedy=_REMEDY)
    persons = _signers(envelope, trust, role)  # (4), (5)
    statement = Statement.parse(envelope.payload)  # (6)
    record = _record(statement, predicate)  # (7)
    digest = Digest.of(raw)
    if inclusion is not None and checkpoint is not None:
        _require_included(digest, statement, inclusion, checkpoint, trust)  # (8)
    return Evidence(
        statement,
        envelope,
        digest,
        role,
        persons,
        None if inclusion is None else inclusion.leaf,
        trust.digest,
        trust.trial,
        record,
        token=_TOKEN,
    )


def _signers(envelope: Envelope, trust: TrustRoot, role: str) -> tuple[str, ...]:
    message = pae(envelope.payload_type, envelope.payload)
    for signature in envelope.signatures:
        key = trust.keys.get(signature.keyid)
        if key is None:
            raise SignatureError(
                f"the statement is signed by a key that the trust root does not know: {signature.keyid[:12]}",
                where="signatures",
                remedy=_REMEDY,
            )
        if not key.verify(signature.sig, message):
            raise SignatureError(
                f"the signature of {trust.person_of(signature.keyid)} does not hold: the statement was altered",
                where="signatures",
                remedy=_REMEDY,
            )
    allowed = trust.keys_of(role)
    persons = trust.people(item.keyid for item in envelope.signatures if item.keyid in allowed)
    needed = trust.threshold(role)
    if len(persons) < needed:
        signed = ", ".join(trust.people(item.keyid for item in envelope.signatures))
        raise SignatureError(
            f"the statement takes {needed} signing as {role}; it is signed by {signed}, {len(persons)} of whom may",
            where="signatures",
            remedy=f"have it signed by whom the trust root names as {role}",
        )
    return persons


def _record(statement: Statement, predicate: str | None) -> Predicate | None:
    found = statement.predicate_type
    if predicate is not None and found != predicate:
        raise MalformedError(f"the statement is of type {found}, not {predicate}", where="predicateType")
    if found == BOM and statement.predicate.get("bomFormat") != "CycloneDX":
        raise MalformedError("the bill of materials is not CycloneDX", where="predicate.bomFormat")
    kind = _KNOWN.get(found)
    return None if kind is None else kind.of(statement)


def _require_included(
    digest: Digest, statement: Statement, inclusion: Inclusion, checkpoint: Checkpoint, trust: TrustRoot
) -> None:
    log = verify_checkpoint(checkpoint.note, trust)
    if inclusion.size != log.size:
        raise LogError(f"the proof is for {inclusion.size} entries, and the checkpoint for {log.size}")
    leaf = leaf_hash(entry_of(digest, statement.predicate_type))
    verify_inclusion(leaf, inclusion.leaf, log.size, inclusion.hashes, log.root)
