"""From envelope to evidence: the only way there, and every way that must not lead there."""

from __future__ import annotations

import copy
import dataclasses
import json
import random
from datetime import UTC, datetime

import pytest

from stockade.errors import ExpiredError, LogError, MalformedError, SignatureError, StockadeError
from stockade.evidence import canonical
from stockade.evidence.envelope import Envelope, Signature, pae
from stockade.evidence.merkle import Inclusion
from stockade.evidence.note import parse_checkpoint
from stockade.evidence.predicates import StepProvenance
from stockade.evidence.sign import seal
from stockade.evidence.statement import BOM, PAYLOAD_TYPE, PROVENANCE, RUN, Statement, Subject
from stockade.evidence.verify import Evidence, verify_envelope
from stockade.types.digest import Digest

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def check(world, data, role="builder", **options):
    return verify_envelope(data, world.trust, role, now=NOW, **options)


def test_evidence_says_who_and_what(world, story):
    """Statement, digest, persons, root and record are those of the envelope."""
    found = check(world, story.steps[0].to_bytes(), predicate=PROVENANCE)
    assert found.digest == story.steps[0].digest
    assert found.persons == ("builder",)
    assert (found.role, found.leaf, found.trial) == ("builder", None, False)
    assert found.trust == world.trust.digest
    assert isinstance(found.record, StepProvenance)
    assert found.record.step == "ingest"
    assert found.statement.to_bytes() == story.steps[0].payload
    assert check(world, story.steps[0]) == found


def test_nobody_else_makes_evidence(world, story):
    """Neither the constructor nor a changed copy."""
    found = check(world, story.steps[0])
    values = {name: getattr(found, name) for name in found.__slots__}
    for token in (None, object(), "token"):
        with pytest.raises(TypeError, match="verification alone"):
            Evidence(**values, token=token)
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(found, role="approver")
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.role = "approver"


def test_no_mutation_verifies(world, story):
    """Of 600 seeded mutations of bytes each is refused."""
    data, chance = story.release.to_bytes(), random.Random(13)
    for _ in range(600):
        mutated = bytearray(data)
        place = chance.randrange(len(data))
        kind = chance.randrange(3)
        if kind == 0:
            mutated[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del mutated[place : place + chance.randrange(1, 20)]
        else:
            mutated[place:place] = chance.randbytes(chance.randrange(1, 9))
        with pytest.raises(StockadeError):
            check(world, bytes(mutated))


def test_no_mutation_of_the_statement_verifies(world, story):
    """Of 300 seeded changes to the payload, with its old signature, each is refused."""
    chance = random.Random(17)
    for _ in range(300):
        payload = bytearray(story.run.payload)
        payload[chance.randrange(len(payload))] ^= 1 << chance.randrange(8)
        with pytest.raises(SignatureError, match="altered"):
            check(world, Envelope(PAYLOAD_TYPE, bytes(payload), story.run.signatures))


def test_a_signature_of_another_statement(world, story):
    """Signatures do not move from one statement to another."""
    with pytest.raises(SignatureError, match="altered"):
        check(world, Envelope(PAYLOAD_TYPE, story.run.payload, story.release.signatures))


def test_another_payload_type(world, story):
    """The media type is signed along, and must be the statement's."""
    signed = world.builder.sign(pae("text/plain", story.run.payload))
    with pytest.raises(MalformedError, match="not a statement"):
        check(world, Envelope("text/plain", story.run.payload, (Signature(world.builder.keyid, signed),)))
    with pytest.raises(SignatureError):
        check(world, Envelope(PAYLOAD_TYPE, story.run.payload, (Signature(world.builder.keyid, signed),)))


def test_a_plain_signature_without_its_frame(world, story):
    """A signature over the payload alone, as other protocols make them, does not count."""
    plain = Signature(world.builder.keyid, world.builder.sign(story.run.payload))
    with pytest.raises(SignatureError):
        check(world, Envelope(PAYLOAD_TYPE, story.run.payload, (plain,)))


def test_strangers_and_other_roles(world, story):
    """An unknown key, a key of another role, a claimed key id: each is refused."""
    statement = Statement.parse(story.run.payload)
    with pytest.raises(SignatureError, match="does not know"):
        check(world, seal(statement, world.stranger))
    with pytest.raises(SignatureError, match="takes 1 signing as builder"):
        check(world, seal(statement, world.alice))
    with pytest.raises(SignatureError, match="takes 1 signing as promoter"):
        check(world, seal(statement, world.bob), "promoter")
    claimed = Signature(world.builder.keyid, world.stranger.sign(pae(PAYLOAD_TYPE, story.run.payload)))
    with pytest.raises(SignatureError, match="altered"):
        check(world, Envelope(PAYLOAD_TYPE, story.run.payload, (claimed,)))
    with pytest.raises(SignatureError, match="nobody"):
        check(world, story.run, "witness")


def test_one_bad_signature_spoils_the_rest(world, story):
    """A stranger's or false signature beside a good one is refused: an envelope has one reading."""
    statement = Statement.parse(story.run.payload)
    with pytest.raises(SignatureError):
        check(world, seal(statement, world.builder, world.stranger))
    good = story.run.signatures[0]
    false = Signature(world.alice.keyid, b"\0" * 64)
    with pytest.raises(SignatureError):
        check(world, Envelope(PAYLOAD_TYPE, story.run.payload, (good, false)))


def test_thresholds_count_persons(world, story):
    """Two approvers are needed; two keys of one person are one approver."""
    people = [world.alice.public, world.bob.public, world.stranger.public]
    trust = world.root(
        persons={"alice": [world.alice.public, world.stranger.public], "bob": [world.bob.public]},
        roles={"root": people, "approver": people},
        thresholds={"root": 2, "approver": 2},
    )
    statement = Statement.parse(story.decision().payload)
    with pytest.raises(SignatureError, match="1 of whom"):
        verify_envelope(seal(statement, world.alice, world.stranger), trust, "approver", now=NOW)
    both = verify_envelope(seal(statement, world.alice, world.bob), trust, "approver", now=NOW)
    assert both.persons == ("alice", "bob")


def test_an_expired_root_verifies_nothing(world, story):
    """Neither now nor at any later time; a time without zone is no time."""
    with pytest.raises(ExpiredError):
        verify_envelope(story.run, world.trust, "builder", now=world.trust.expires)
    with pytest.raises(ValueError, match="zone"):
        verify_envelope(story.run, world.trust, "builder", now=datetime(2026, 1, 1))  # noqa: DTZ001


def test_types_are_not_confused(world, story):
    """A release does not pass for a run, nor a malformed predicate for its type."""
    with pytest.raises(MalformedError, match="not"):
        check(world, story.release, predicate=RUN)
    predicate = copy.deepcopy(json.loads(story.run.payload)["predicate"])
    predicate["rows"] = -1
    forged = seal(Statement((Subject("model", Digest.of(b"m")),), RUN, predicate), world.builder)
    with pytest.raises(MalformedError):
        check(world, forged)
    bill = seal(Statement((Subject("bom", Digest.of(b"m")),), BOM, {"bomFormat": "SPDX"}), world.builder)
    with pytest.raises(MalformedError, match="CycloneDX"):
        check(world, bill)


def test_a_payload_that_is_not_canonical(world, story):
    """A signed statement of another spelling is refused: two spellings would be two digests of one claim."""
    payload = json.dumps(json.loads(story.run.payload)).encode()
    signed = Signature(world.builder.keyid, world.builder.sign(pae(PAYLOAD_TYPE, payload)))
    with pytest.raises(MalformedError, match="canonical"):
        check(world, Envelope(PAYLOAD_TYPE, payload, (signed,)))
    assert canonical.encode(json.loads(payload)) == story.run.payload


def test_inclusion_is_checked_to_the_root(world, story):
    """With its proof it has a place; with another proof, place, size or checkpoint it is refused."""
    checkpoint, proof = world.ledger.checkpoint(), world.ledger.prove(4)
    assert check(world, story.run, inclusion=proof, checkpoint=checkpoint).leaf == 4
    wrong = [
        (world.ledger.prove(3), checkpoint),
        (Inclusion(3, proof.size, proof.hashes), checkpoint),
        (Inclusion(4, proof.size + 1, proof.hashes), checkpoint),
        (Inclusion(4, proof.size, proof.hashes[1:]), checkpoint),
        (Inclusion(4, proof.size, (b"\0" * 32, *proof.hashes[1:])), checkpoint),
    ]
    for inclusion, against in wrong:
        with pytest.raises(LogError):
            check(world, story.run, inclusion=inclusion, checkpoint=against)
    forged = dataclasses.replace(checkpoint, root=b"\0" * 32)
    assert check(world, story.run, inclusion=proof, checkpoint=forged).leaf == 4, "only the signed note counts"
    altered = checkpoint.note.replace(b"\n6\n", b"\n7\n")
    with pytest.raises(SignatureError):
        check(world, story.run, inclusion=proof, checkpoint=parse_checkpoint(altered))
    with pytest.raises(ValueError, match="proof"):
        check(world, story.run, inclusion=proof)
