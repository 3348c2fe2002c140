"""Envelopes and statements: the form alone, before anything is believed."""

from __future__ import annotations

import base64
import copy
import json
import random

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from in_toto_attestation.v1.statement import Statement as ForeignStatement
from in_toto_attestation.v1.statement_pb2 import Statement as ForeignMessage
from securesystemslib.dsse import Envelope as ForeignEnvelope
from securesystemslib.signer import SSlibKey

from stockade.errors import MalformedError
from stockade.evidence import canonical, envelope
from stockade.evidence.envelope import Envelope, Signature, pae
from stockade.evidence.sign import Signer, seal
from stockade.evidence.statement import PAYLOAD_TYPE, Statement, Subject
from stockade.evidence.text import b64, now, read_time, unb64, unhex, write_time
from stockade.types.digest import Digest


def foreign(data):
    return ForeignEnvelope.from_dict(json.loads(data))


def test_another_implementation_verifies_ours(world, story):
    """Securesystemslib accepts our signatures under our key ids."""
    parsed = foreign(story.steps[0].to_bytes())
    public = SSlibKey(world.builder.keyid, "ed25519", "ed25519", {"public": world.builder.public.raw.hex()})
    assert list(parsed.verify([public], 1)) == [world.builder.keyid]


def test_another_implementation_computes_the_same_message(story):
    """The bytes that are signed are those of securesystemslib."""
    ours = story.release
    assert pae(ours.payload_type, ours.payload) == foreign(ours.to_bytes()).pae()


def test_another_implementation_validates_our_statements(story):
    """in-toto's own library finds every kind of statement well formed."""
    for sealed in [*story.steps, story.result, story.run, story.release, story.decision(), story.gate()]:
        message = json_format.ParseDict(json.loads(sealed.payload), ForeignMessage())
        ForeignStatement.copy_from_pb(message).validate()


def test_survives_a_round_trip(story):
    """What is parsed is what was written, and has the same digest."""
    data = story.run.to_bytes()
    assert Envelope.parse(data) == story.run
    assert Envelope.parse(data).digest == Digest.of(data)


def test_a_sealed_statement_is_signed_by_all(world):
    """Each signer's signature is on it, in the order of key ids."""
    sealed = seal(Statement((Subject("a", Digest.of(b"a")),), "urn:x", {"a": 1}), world.bob, world.alice)
    assert [item.keyid for item in sealed.signatures] == sorted([world.alice.keyid, world.bob.keyid])
    assert isinstance(world.alice, Signer)


def test_sealing_takes_distinct_keys(world):
    """Nobody signs twice, and somebody signs."""
    statement = Statement((Subject("a", Digest.of(b"a")),), "urn:x", {"a": 1})
    for signers in [(), (world.bob, world.bob)]:
        with pytest.raises(ValueError, match="distinct"):
            seal(statement, *signers)


def altered(story, change):
    document = json.loads(story.run.to_bytes())
    change(document)
    return canonical.encode(document)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(extra=1),
        lambda d: d.pop("payload"),
        lambda d: d.update(payload=d["payload"] + "\n"),
        lambda d: d.update(payload=d["payload"].replace("A", "-", 1)),
        lambda d: d.update(payload=1),
        lambda d: d.update(payloadType=""),
        lambda d: d.update(payloadType="x" * 256),
        lambda d: d.update(payloadType=None),
        lambda d: d.update(signatures=[]),
        lambda d: d.update(signatures={}),
        lambda d: d.update(signatures=d["signatures"] * 2),
        lambda d: d.update(signatures=[{"keyid": f"{n:064x}", "sig": "YQ=="} for n in range(17)]),
        lambda d: d["signatures"][0].update(extra=1),
        lambda d: d["signatures"][0].pop("keyid"),
        lambda d: d["signatures"][0].update(keyid="AB" * 32),
        lambda d: d["signatures"][0].update(sig=""),
        lambda d: d["signatures"][0].update(sig="YR=="),
        lambda d: d["signatures"][0].update(sig=b64(b"x" * 1025)),
    ],
)
def test_refuses_another_form(story, change):
    """A field too many, too few, of another type, or of another spelling."""
    with pytest.raises(MalformedError):
        Envelope.parse(altered(story, change))


def test_base64_has_one_spelling():
    """`YR==` decodes like `YQ==` elsewhere; here it is refused."""
    assert base64.b64decode("YR==") == base64.b64decode("YQ==") == unb64("YQ==", "here")
    for text in ["YR==", "YQ", "YQ=", "YQ==\n", " YQ==", "YQ==YQ==", "é", 1, None]:
        with pytest.raises(MalformedError):
            unb64(text, "here")


@given(st.binary(max_size=40))
def test_base64_round_trip(data):
    """Bytes survive."""
    assert unb64(b64(data), "here") == data


def test_an_envelope_is_bounded():
    """Longer than the limit is refused before it is read."""
    with pytest.raises(MalformedError, match="longer"):
        Envelope.parse(b"{" * (envelope.MAX_BYTES + 1))


def test_mutations_never_parse_to_the_same_envelope(story):
    """Of 600 seeded mutations none is another spelling of the same envelope."""
    data, chance = story.release.to_bytes(), random.Random(7)
    for _ in range(600):
        mutated = mutate(data, chance)
        try:
            parsed = Envelope.parse(mutated)
        except MalformedError:
            continue
        assert parsed != story.release
        assert parsed.to_bytes() == mutated


def mutate(data: bytes, chance: random.Random) -> bytes:
    """One flipped bit, or a cut, an insertion, a repetition; never the same bytes."""
    while True:
        copy_of = bytearray(data)
        place = chance.randrange(len(copy_of))
        kind = chance.randrange(4)
        if kind == 0:
            copy_of[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del copy_of[place : place + chance.randrange(1, 9)]
        elif kind == 2:
            copy_of[place:place] = chance.randbytes(chance.randrange(1, 9))
        else:
            copy_of[place:place] = copy_of[place : place + chance.randrange(1, 9)]
        if bytes(copy_of) != data:
            return bytes(copy_of)


def statement_with(story, change):
    document = copy.deepcopy(json.loads(story.release.payload))
    change(document)
    return canonical.encode(document)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(extra=1),
        lambda d: d.pop("predicate"),
        lambda d: d.update(_type="https://in-toto.io/Statement/v0.1"),
        lambda d: d.update(subject=[]),
        lambda d: d.update(subject={}),
        lambda d: d.update(subject=[d["subject"][0]] * 2),
        lambda d: d.update(predicate={}),
        lambda d: d.update(predicate=[1]),
        lambda d: d.update(predicateType=""),
        lambda d: d.update(predicateType=1),
        lambda d: d["subject"][0].update(uri="x"),
        lambda d: d["subject"][0].update(name=""),
        lambda d: d["subject"][0].update(name=1),
        lambda d: d["subject"][0]["digest"].update(sha512="00"),
        lambda d: d["subject"][0].update(digest={}),
        lambda d: d["subject"][0]["digest"].update(sha256="AB" * 32),
        lambda d: d["subject"][0]["digest"].update(sha256="ab" * 31),
    ],
)
def test_refuses_another_statement(story, change):
    """A statement has exactly its fields and SHA-256 digests."""
    with pytest.raises(MalformedError):
        Statement.parse(statement_with(story, change))


def test_a_statement_finds_its_subject(story):
    """By name, or not at all."""
    statement = Statement.parse(story.release.payload)
    assert statement.subject("model") == Digest.of(b"the bytes of a model")
    assert statement.subject("other") is None
    assert story.release.payload_type == PAYLOAD_TYPE


@pytest.mark.parametrize("text", ["2026-11-21T04:15:00Z", "2026-11-21T04:15:00.123456Z"])
def test_times_are_read(text):
    """UTC with Z, and at most microseconds."""
    assert write_time(read_time(text, "here")) == "2026-11-21T04:15:00Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21",
        "2026-11-21T04:15:00",
        "2026-11-21T04:15:00+00:00",
        "2026-13-21T04:15:00Z",
        "٢026-11-21T04:15:00Z",
        1,
    ],
)
def test_other_times_are_refused(text):
    """One spelling of a moment."""
    with pytest.raises(MalformedError):
        read_time(text, "here")


def test_now_is_a_time():
    """The present reads back."""
    assert read_time(now(), "here").tzinfo is not None
    with pytest.raises(ValueError, match="zone"):
        write_time(read_time(now(), "here").replace(tzinfo=None))


@pytest.mark.parametrize("text", ["AB", "a", "0x", 1, "zz"])
def test_hexadecimal_has_one_spelling(text):
    """Lower case, in pairs."""
    with pytest.raises(MalformedError):
        unhex(text, "here")


def test_a_signature_is_a_value():
    """Equal fields, equal signatures."""
    assert Signature("a", b"b") == Signature("a", b"b")
