"""Trust roots, tested as attacks on them."""

from __future__ import annotations

import copy
import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from stockade.errors import ExpiredError, MalformedError, SignatureError, StockadeError
from stockade.evidence import canonical
from stockade.evidence.keys import generate
from stockade.evidence.trust import ROLES, build_root, parse

NEVER = datetime(3000, 1, 1, tzinfo=UTC)


def test_says_who_may_do_what(world):
    """Persons, roles, thresholds and digest read back."""
    root = parse(world.trust.data)
    assert root == world.trust
    assert root.digest == world.trust.digest
    assert set(root.keys_of("approver")) == {world.alice.keyid, world.bob.keyid}
    assert root.person_of(world.bob.keyid) == "bob"
    assert root.person_of(world.stranger.keyid) is None
    assert root.roles_of("alice") == ("root", "approver", "promoter")
    assert root.roles_of("stranger") == ()
    assert root.threshold("root") == 2
    assert root.keys_of("witness") == {}
    with pytest.raises(SignatureError, match="nobody"):
        root.threshold("witness")


def test_no_mutation_is_accepted(world):
    """Of 500 seeded mutations each is refused."""
    data, chance = world.trust.data, random.Random(3)
    for _ in range(500):
        mutated = bytearray(data)
        place = chance.randrange(len(data))
        if chance.random() < 0.5:
            mutated[place] ^= 1 << chance.randrange(8)
        else:
            del mutated[place : place + chance.randrange(1, 30)]
        with pytest.raises(StockadeError):
            parse(bytes(mutated))


def test_one_person_with_two_keys_is_one_person(world):
    """Two signatures of alice do not reach a threshold of two."""
    second = generate()
    people = [world.alice.public, second.public, world.bob.public]
    persons = {"alice": [world.alice.public, second.public], "bob": [world.bob.public]}
    options = {"persons": persons, "roles": {"root": people}}
    with pytest.raises(SignatureError, match="1 of the 2"):
        world.root(**options, signers=[world.alice, second])
    assert world.root(**options, signers=[world.alice, world.bob]).threshold("root") == 2


def test_a_stranger_cannot_sign(world):
    """A signature by a key that is not a root key is refused, even beside enough others."""
    with pytest.raises(SignatureError):
        world.root(signers=[world.alice, world.stranger])
    with pytest.raises(SignatureError):
        world.root(signers=[world.alice, world.bob, world.stranger])
    with pytest.raises(SignatureError):
        world.root(signers=[world.alice, world.bob, world.builder])


def resigned(world, change):
    """The world's root with a change that its owners signed."""
    signed = copy.deepcopy(json.loads(world.trust.data)["signed"])
    change(signed)
    message = canonical.encode(signed)
    signers = sorted([world.alice, world.bob], key=lambda pair: pair.keyid)
    signatures = [{"keyid": pair.keyid, "sig": pair.sign(message).hex()} for pair in signers]
    return canonical.encode({"signatures": signatures, "signed": signed})


def give_two_people_one_key(signed):
    signed["persons"]["bob"]["keyids"] = signed["persons"]["alice"]["keyids"]


def swap_keys(signed):
    first, second = list(signed["keys"])[:2]
    signed["keys"][first], signed["keys"][second] = signed["keys"][second], signed["keys"][first]


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.update(extra=1),
        lambda s: s.pop("trial"),
        lambda s: s.update(_type="targets"),
        lambda s: s.update(version=0),
        lambda s: s.update(version=True),
        lambda s: s.update(version="1"),
        lambda s: s.update(trial=1),
        lambda s: s.update(expires="never"),
        lambda s: s.update(keys={}),
        lambda s: s.update(keys=[]),
        lambda s: s["persons"].pop("bob"),
        lambda s: s["persons"].update(eve={"keyids": []}),
        lambda s: s["persons"].update({"e\nve": s["persons"].pop("bob")}),
        lambda s: s["persons"]["bob"].update(email="x"),
        lambda s: s["persons"]["alice"].update(keyids=["00" * 32]),
        give_two_people_one_key,
        swap_keys,
        lambda s: s["roles"].pop("root"),
        lambda s: s["roles"].update(king=s["roles"]["root"]),
        lambda s: s["roles"]["root"].update(threshold=3),
        lambda s: s["roles"]["root"].update(threshold=0),
        lambda s: s["roles"]["root"].update(threshold=True),
        lambda s: s["roles"]["root"].update(keyids=s["roles"]["root"]["keyids"][::-1]),
        lambda s: s["roles"]["root"].update(keyids=s["roles"]["root"]["keyids"] * 2),
        lambda s: s["roles"]["root"].update(keyids=[]),
        lambda s: s["roles"]["root"].update(extra=1),
        lambda s: s["keys"][next(iter(s["keys"]))].update(scheme="rsa"),
        lambda s: s["keys"][next(iter(s["keys"]))].update(keytype="ecdsa"),
        lambda s: s["keys"][next(iter(s["keys"]))].update(keyval={"public": "00"}),
        lambda s: s["keys"][next(iter(s["keys"]))].update(keyval="00"),
        lambda s: s["keys"][next(iter(s["keys"]))].update(extra="00"),
    ],
)
def test_even_its_owners_cannot_break_the_rules(world, change):
    """A root that is signed and contradicts itself is refused."""
    assert parse(resigned(world, lambda _: None)) == world.trust
    with pytest.raises(MalformedError):
        parse(resigned(world, change))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(extra=1),
        lambda d: d.update(signatures=[]),
        lambda d: d.update(signatures=d["signatures"][::-1]),
        lambda d: d.update(signatures=[d["signatures"][0]] * 2),
        lambda d: d["signatures"][0].update(extra=1),
        lambda d: d["signatures"][0].update(sig="zz"),
        lambda d: d["signatures"][0].update(keyid="AA"),
    ],
)
def test_signatures_have_one_form(world, change):
    """Sorted, distinct, hexadecimal, and no field besides."""
    document = json.loads(world.trust.data)
    change(document)
    with pytest.raises(MalformedError):
        parse(canonical.encode(document))


def test_removing_a_signature_breaks_the_threshold(world):
    """One of two signatures is not enough."""
    document = json.loads(world.trust.data)
    document["signatures"].pop()
    with pytest.raises(SignatureError, match="1 of the 2"):
        parse(canonical.encode(document))


def test_expiry(world):
    """A root holds until it expires, not at that moment."""
    world.trust.require_current(NEVER - timedelta(seconds=1))
    with pytest.raises(ExpiredError, match="3000"):
        world.trust.require_current(NEVER)


def test_a_trial_root_does_not_count_in_production(world):
    """It is marked, and the mark is signed."""
    world.trust.require_production()
    with pytest.raises(ExpiredError, match="trial"):
        world.root(trial=True).require_production()


def test_a_successor_takes_both_thresholds(world):
    """Bob hands over to a stranger: both roots' owners must have signed."""
    people = [world.alice.public, world.stranger.public]
    options = {
        "version": 2,
        "persons": {"alice": [world.alice.public], "carol": [world.stranger.public]},
        "roles": {"root": people},
        "previous": world.trust,
    }
    everybody = [world.alice, world.bob, world.stranger]
    new = world.root(**options, signers=everybody)
    assert world.trust.successor(new.data) == new
    # Whoever pins the new version need not have the old one.
    assert parse(new.data) == new
    for missing in (world.bob, world.stranger):
        with pytest.raises(SignatureError, match="1 of the 2"):
            world.root(**options, signers=[pair for pair in everybody if pair is not missing])


@pytest.mark.parametrize("version", [1, 3])
def test_versions_neither_stay_nor_skip(world, version):
    """A root of the same version, or of one too high, is no successor: nobody rolls back or hides a version."""
    with pytest.raises(MalformedError, match="version 2"):
        world.trust.successor(world.root(version=version).data)


def test_roles_are_those_of_the_design():
    """No role was added or renamed by accident."""
    assert ROLES == (
        "root",
        "builder",
        "log",
        "approver",
        "promoter",
        "policy",
        "source",
        "server",
        "worker",
        "witness",
    )


def test_a_root_takes_a_signer():
    """An unsigned root is none."""
    pair = generate()
    with pytest.raises(MalformedError):
        build_root(
            version=1,
            expires=NEVER,
            trial=True,
            persons={"a": [pair.public]},
            roles={"root": [pair.public]},
            signers=[],
        )
