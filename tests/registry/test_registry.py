"""The registry: the honest way to production, and every detour that is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from registry.world import GAP, GOOD, NOW, SOON, UNFAIR, World
from stockade.errors import (
    ConfigError,
    EvidenceError,
    MissingEvidenceError,
    PolicyError,
    RefusedError,
    SelfApprovalError,
    TransitionError,
)
from stockade.evidence.predicates import Gate
from stockade.evidence.statement import DECISION, RELEASE, VSA, Subject
from stockade.policy.policy import Policy
from stockade.registry.records import RoleError, WaiverError
from stockade.types.digest import Digest


@pytest.fixture
def world(tmp_path):
    opened = World(tmp_path)
    yield opened
    opened.catalog.close()


def test_the_honest_way_to_production(world):
    """Register, stage, approve, promote: the version holds the alias, and all of it can be read back and proven."""
    version = world.release()
    assert (version.version, version.state) == (1, "none")
    world.produce()
    world.open()
    assert world.registry.aliases() == {"production": 1}
    assert world.registry.version(1).state == "production"
    events = world.registry.history()
    assert [(event.decision.kind, event.decision.target, event.persons) for event in events] == [
        ("promotion", "staging", ("ann",)),
        ("approval", "production", ("beatrix",)),
        ("promotion", "production", ("ann",)),
    ]
    assert [event.decision.reason for event in events] == ["try it", "looks right", "go"]
    assert {event.decision.policy for event in events} == {world.policy.digest}
    admitted = world.registry.admitted("production", world.policy)
    assert (admitted.name, admitted.version, admitted.alias) == ("census", 1, "production")
    assert admitted.model == Digest.of(b"model 1")
    assert admitted.decision.approvers == ("beatrix",)


def test_a_promotion_writes_a_gate(world):
    """Beside the decision stands a verification summary with every ruling and every piece of evidence judged."""
    world.release()
    world.stage()
    rows = world.ledger.find("gate", "census@1")
    gate = Gate.of(world.ledger.verify(rows[0], "promoter", VSA).statement)
    assert gate.passed
    assert gate.policy == world.policy.digest
    assert gate.resource == "pkg:generic/census@1"
    assert set(gate.inputs) == {piece.digest for piece in world.registry.dossier(1).evidence[:9]}
    assert {ruling.verdict for ruling in gate.rulings} == {"allowed"}


def test_registering_the_same_run_again_changes_nothing(world):
    """A version is one run and its artifacts; the same ones again are the same version, others are the next."""
    run = world.run()
    first = world.registry.register(run, Digest.of(b"model 1"), (), world.keys.builder)
    again = world.registry.register(run, Digest.of(b"model 1"), (), world.keys.builder)
    assert again == first
    assert world.release(b"model 2").version == 2
    assert [item.version for item in world.registry.versions()] == [1, 2]


def test_what_does_not_hang_together_is_not_registered(world):
    """A model or artifact that no step of the run made, and a run that is not in the log, are refused at once."""
    run = world.run()
    with pytest.raises(EvidenceError, match="no step of the run made the model"):
        world.registry.register(run, Digest.of(b"other"), (), world.keys.builder)
    card = Subject("card", Digest.of(b"other"))
    with pytest.raises(EvidenceError, match="no step of the run made the card"):
        world.registry.register(run, Digest.of(b"model 1"), (card,), world.keys.builder)
    with pytest.raises(MissingEvidenceError):
        world.registry.register(Digest.of(b"no run"), Digest.of(b"model 1"), (), world.keys.builder)
    with pytest.raises(EvidenceError):
        world.registry.register(run, Digest.of(b"model 1"), (), world.keys.ann)
    assert world.registry.versions() == ()


def test_a_refusal_shows_figure_interval_rule_and_advice(world):
    """The unfair model is refused by the rule about its gap, with figure, interval and advice; nothing is written."""
    world.release(figures=UNFAIR)
    size = world.ledger.checkpoint().size
    with pytest.raises(RefusedError) as caught:
        world.stage()
    ruling = caught.value.decision.refused[0]
    assert (ruling.rule, ruling.value, ruling.low, ruling.high) == (GAP, 0.55, 0.54, 0.56)
    assert "tpr_gap.disability = 0.55 [0.54, 0.56], not at most 0.2" in str(caught.value)
    assert "groups" in caught.value.remedy
    assert world.registry.aliases() == {}
    assert world.ledger.checkpoint().size == size


def test_a_waiver_by_another_person_admits(world):
    """With the second person's waiver the unfair model goes to production, shown as waived by whom and until when."""
    world.release(figures=UNFAIR)
    world.registry.waive(1, [GAP], world.policy, world.keys.beatrix, reason="survey only", expires=SOON)
    world.produce()
    decision = world.registry.admitted("production", world.policy).decision
    assert [(item.rule, item.waived_by, item.waived_until) for item in decision.waived] == [
        (GAP, ("beatrix",), "2026-12-21T12:00:00Z")
    ]


def test_an_expired_waiver_no_longer_admits(world):
    """After its end a waiver admits neither a promotion nor the start of a server."""
    world.release(figures=UNFAIR)
    world.registry.waive(1, [GAP], world.policy, world.keys.beatrix, reason="survey only", expires=SOON)
    world.produce()
    world.clock.now = SOON
    with pytest.raises(RefusedError) as caught:
        world.registry.admitted("production", world.policy)
    assert [item.rule for item in caught.value.decision.refused] == [GAP]
    assert any("expired on 2026-12-21T12:00:00Z" in note for note in caught.value.decision.notes)


def test_nobody_approves_own_work(world):
    """Who started the run, and who wrote the policy, can neither approve nor waive; nothing is written."""
    world.release(figures=UNFAIR)
    size = world.ledger.checkpoint().size
    with pytest.raises(SelfApprovalError, match="ann started the run"):
        world.registry.approve(1, "staging", world.policy, world.keys.ann, reason="mine")
    with pytest.raises(SelfApprovalError, match="ann started the run"):
        world.registry.waive(1, [GAP], world.policy, world.keys.ann, reason="mine", expires=SOON)
    with pytest.raises(SelfApprovalError, match="beatrix wrote the policy"):
        world.registry.approve(1, "staging", world.policy, world.keys.beatrix, reason="x", author="beatrix")
    assert world.ledger.checkpoint().size == size


def test_the_requester_is_self_too(world):
    """An approval by the person who asks for the promotion does not count, and the refusal says so."""
    world.release()
    world.stage()
    world.approve()
    with pytest.raises(RefusedError) as caught:
        world.registry.promote(1, "production", world.policy, world.keys.beatrix, reason="go")
    assert [item.rule for item in caught.value.decision.refused] == ["approvals.production"]
    assert any("requested this" in note for note in caught.value.decision.notes)


def test_production_takes_an_approval(world):
    """Without any approval the promotion to production is refused."""
    world.release()
    world.stage()
    with pytest.raises(RefusedError, match="nobody else"):
        world.registry.promote(1, "production", world.policy, world.keys.ann, reason="go")


def test_an_approval_is_for_one_version_only(world):
    """An approval of version 1 does not let version 2 pass."""
    world.release()
    world.stage()
    world.approve()
    world.release(b"model 2")
    world.registry.promote(1, "production", world.policy, world.keys.ann, reason="go")
    world.stage(2)
    with pytest.raises(RefusedError, match=r"approvals\.production"):
        world.registry.promote(2, "production", world.policy, world.keys.ann, reason="go")


def test_an_approval_is_for_one_policy_only(world):
    """After the policy changed, approvals and waivers made under the old one do not count."""
    world.release()
    world.stage()
    world.approve()
    stricter = Policy.compile('thresholds.auc = ">= 0.8"\nevidence.allow_trial = true')
    with pytest.raises(RefusedError) as caught:
        world.registry.promote(1, "production", stricter, world.keys.ann, reason="go")
    assert any("another policy" in note for note in caught.value.decision.notes)


def test_an_approval_is_for_one_move_only(world):
    """An approval for staging is none for production, and one is given only for the next possible move."""
    world.release()
    with pytest.raises(TransitionError):
        world.approve(target="production")
    world.approve(target="staging")
    world.stage()
    with pytest.raises(RefusedError) as caught:
        world.registry.promote(1, "production", world.policy, world.keys.ann, reason="go")
    assert any("is for staging" in note for note in caught.value.decision.notes)


def test_roles_are_needed(world):
    """A person without the role, and a key that the root does not know, decide nothing."""
    world.release(figures=UNFAIR)
    size = world.ledger.checkpoint().size
    for signer in (world.keys.carl, world.keys.stranger, world.keys.builder):
        with pytest.raises(RoleError):
            world.registry.approve(1, "staging", world.policy, signer, reason="x")
        with pytest.raises(RoleError):
            world.registry.waive(1, [GAP], world.policy, signer, reason="x", expires=SOON)
        with pytest.raises(RoleError):
            world.registry.promote(1, "staging", world.policy, signer, reason="x")
    assert world.ledger.checkpoint().size == size


@pytest.mark.parametrize(
    ("rules", "expires", "reason", "error", "says"),
    [
        (["fairness.tpr_gap.disabilty"], SOON, "x", WaiverError, "no rule"),
        (["evidence.isolation"], SOON, "x", WaiverError, "cannot be waived"),
        (["approvals.production"], SOON, "x", WaiverError, "cannot be waived"),
        ([GAP], NOW + timedelta(days=400), "x", WaiverError, "longer than a year"),
        ([GAP], NOW, "x", ConfigError, "expired already"),
        ([GAP], SOON, "  ", ConfigError, "reason"),
    ],
)
def test_a_waiver_must_make_sense(world, rules, expires, reason, error, says):
    """Waivers of unknown or integrity rules, without reason, without end or in the past are refused."""
    world.release(figures=UNFAIR)
    with pytest.raises(error, match=says) as caught:
        world.registry.waive(1, rules, world.policy, world.keys.beatrix, reason=reason, expires=expires)
    assert caught.value.remedy
    with pytest.raises(TransitionError, match="no alias"):
        world.registry.waive(1, [GAP], world.policy, world.keys.beatrix, reason="x", expires=SOON, targets=["prod"])
    assert world.registry.history() == ()


def test_a_waiver_for_staging_ends_there(world):
    """A waiver limited to staging does not reach production."""
    world.release(figures=UNFAIR)
    world.registry.waive(1, [GAP], world.policy, world.keys.beatrix, reason="trial", expires=SOON, targets=["staging"])
    world.stage()
    world.approve()
    with pytest.raises(RefusedError, match="disability"):
        world.registry.promote(1, "production", world.policy, world.keys.ann, reason="go")


@pytest.mark.parametrize("target", ["canary", "production", "none", "retired", "prod", ""])
def test_only_the_tables_moves_are_made(world, target):
    """From `none` a version goes to staging alone; anything else is a TransitionError that says what is possible."""
    world.release()
    with pytest.raises(TransitionError) as caught:
        world.registry.promote(1, target, world.policy, world.keys.ann, reason="x")
    assert caught.value.remedy


def test_a_new_version_displaces_and_a_rollback_restores(world):
    """The next production version displaces the first; a roll-back restores it; a second one has nothing to restore."""
    for number in (1, 2):
        world.release(f"model {number}".encode())
        world.produce(number)
    assert world.registry.aliases() == {"production": 2}
    assert world.registry.version(1).state == "none"
    event = world.registry.rollback("production", world.keys.ann, reason="complaints")
    assert (event.decision.version, event.persons) == (1, ("ann",))
    world.open()
    assert world.registry.aliases() == {"production": 1}
    assert world.registry.admitted("production", world.policy).version == 1
    with pytest.raises(TransitionError, match="no earlier version"):
        world.registry.rollback("production", world.keys.ann, reason="again")
    with pytest.raises(RoleError):
        world.registry.rollback("production", world.keys.carl, reason="x")


def test_a_retired_version_is_never_restored(world):
    """Retiring empties the alias for good, and a roll-back passes the retired version by."""
    for number in (1, 2):
        world.release(f"model {number}".encode())
        world.produce(number)
    world.registry.retire(1, world.policy, world.keys.ann, reason="old")
    with pytest.raises(TransitionError):
        world.registry.rollback("production", world.keys.ann, reason="x")
    world.registry.retire(2, world.policy, world.keys.ann, reason="bad")
    assert world.registry.aliases() == {}
    with pytest.raises(MissingEvidenceError, match="no version of census is production"):
        world.registry.admitted("production", world.policy)
    with pytest.raises(TransitionError):
        world.registry.retire(2, world.policy, world.keys.ann, reason="again")


def test_a_server_takes_only_the_recorded_policy(world):
    """A laxer policy than the one that was recorded admits nothing."""
    world.release()
    world.produce()
    laxer = Policy.compile("evidence.allow_trial = true\nproduction.approvals = 0\n")
    with pytest.raises(PolicyError, match="not this one"):
        world.registry.admitted("production", laxer)


def test_evaluating_decides_nothing(world):
    """Asking what the policy would say leaves log and aliases as they were."""
    world.release(figures=UNFAIR)
    size = world.ledger.checkpoint().size
    decision = world.registry.evaluate(world.policy, 1, "staging", "ann")
    assert not decision.allowed
    assert world.ledger.checkpoint().size == size


def test_unknown_versions_are_named(world):
    """A version that does not exist is an error that lists those that do."""
    world.release()
    with pytest.raises(MissingEvidenceError) as caught:
        world.registry.version(7)
    assert "1" in caught.value.remedy


def test_models_do_not_mix(world):
    """Another model's versions and decisions in the same ledger are not this one's."""
    world.release()
    other = type(world.registry)(world.ledger, "income", clock=world.clock)
    run = world.run(b"model 9", {**GOOD, "auc": 0.9})
    assert other.register(run, Digest.of(b"model 9"), (), world.keys.builder).version == 1
    world.stage()
    assert other.history() == ()
    assert other.aliases() == {}
    assert [item.version for item in world.registry.versions()] == [1]


def test_a_decision_record_cannot_be_changed_in_place(world):
    """What the registry returns is frozen, and an admission cannot be copied into another one."""
    world.release()
    world.produce()
    admitted = world.registry.admitted("production", world.policy)
    with pytest.raises(AttributeError):
        admitted.version = 2
    with pytest.raises((TypeError, ValueError)):
        replace(admitted, version=2)


def test_the_ledger_lists_its_entries_by_type(world):
    """What the log holds of one predicate type is listed in order, and nothing of another type."""
    assert world.ledger.entries(VSA) == []
    version = world.release()
    world.stage()
    assert world.ledger.entries(RELEASE) == [(version.leaf, version.release)]
    assert [digest for _, digest in world.ledger.entries(DECISION)] == [world.registry.history()[0].envelope]
    assert len(world.ledger.entries(VSA)) == 1
    assert world.ledger.entries("decision") == []
