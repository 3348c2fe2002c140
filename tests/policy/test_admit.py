"""Admission over a real dossier: which figures and whose decisions count."""

from __future__ import annotations

import copy
from dataclasses import fields

import pytest

from registry.world import ALARM, GAP, GOOD, NOW, SANDBOX, SOON, UNFAIR, World
from stockade.errors import RefusedError
from stockade.policy.admit import Admitted, admit, evaluate
from stockade.policy.decision import Verdict
from stockade.policy.gathering import Request
from stockade.policy.policy import Policy
from stockade.types.execution import Isolation, Origin


@pytest.fixture
def world(tmp_path):
    opened = World(tmp_path)
    yield opened
    opened.catalog.close()


def ask(target: str = "staging", source: str = "none", requester: str = "ann", author: str = "") -> Request:
    return Request(requester, source, target, NOW, author)


def against(world: World, policy: Policy | None = None, request: Request | None = None) -> dict[str, Verdict]:
    decision = evaluate(policy or world.policy, world.registry.dossier(1), request or ask())
    return {ruling.rule: ruling.verdict for ruling in decision.refused}


def test_whole_evidence_is_admitted(world):
    """A dossier that meets every rule gives an admission bound to version, model, policy and evidence."""
    world.release()
    dossier = world.registry.dossier(1)
    admitted = admit(world.policy, dossier, ask())
    assert (admitted.version, admitted.model, admitted.alias) == (1, dossier.model, "staging")
    assert (admitted.policy, admitted.evidence_set) == (world.policy.digest, dossier.evidence_set)


def test_an_admission_cannot_be_made_by_hand(world):
    """The constructor refuses without the module's own token, also with all fields right."""
    world.release()
    admitted = admit(world.policy, world.registry.dossier(1), ask())
    values = {field.name: getattr(admitted, field.name) for field in fields(admitted)}
    for token in (None, object(), "token"):
        with pytest.raises(TypeError, match="only"):
            Admitted(**values, token=token)
    assert copy.copy(admitted) == admitted


def test_a_refusal_carries_the_decision(world):
    """The error holds every ruling, so that a command can print them all."""
    world.release(figures=UNFAIR)
    with pytest.raises(RefusedError) as caught:
        admit(world.policy, world.registry.dossier(1), ask())
    assert [ruling.rule for ruling in caught.value.decision.refused] == [GAP]
    assert len(caught.value.decision.rulings) == len(world.policy.rules)


def test_figures_about_other_bytes_do_not_count(world):
    """Figures that the signed result states of anything but the model's own digest are missing."""
    world.release(about=b"validmodel 1")
    assert set(against(world).values()) == {Verdict.MISSING}
    assert "baseline.auc" in against(world)


def test_a_custom_assessment_is_refused(world):
    """Where the project's own code judged the model, neither its figures nor the evidence count."""
    world.release(steps={"assess": {"origin": Origin.CUSTOM}})
    found = against(world)
    assert found["evidence.custom.assess"] is Verdict.REFUSED
    assert found["baseline.auc"] is Verdict.MISSING
    permissive = Policy.compile(
        'thresholds.auc = ">= 0.8"\nevidence.allow_trial = true\nevidence.forbid_custom = []\n'
        "evidence.custom_figures = true\n"
    )
    assert against(world, permissive) == {}


def test_a_custom_step_cannot_improve_a_figure(world):
    """A second, better value from a custom step makes the figure ambiguous instead of better."""
    world.release(figures=UNFAIR, extra={"polish": {"tpr_gap.disability": 0.01}})
    assert against(world) == {GAP: Verdict.MISSING}


def test_a_custom_step_cannot_supply_what_is_missing(world):
    """A figure that only a custom step states is still missing."""
    world.release(figures={k: v for k, v in GOOD.items() if k != "ece"}, extra={"polish": {"ece": 0.01}})
    assert against(world) == {"max.ece": Verdict.MISSING}


def test_one_weakly_confined_step_is_enough_to_refuse(world):
    """The isolation that counts is that of the least confined step."""
    world.release(steps={"train": {"isolation": Isolation(limits=True)}})
    decision = evaluate(world.policy, world.registry.dossier(1), ask())
    assert [ruling.detail for ruling in decision.refused] == ["weaker: train (process)"]


def test_findings_block_where_the_policy_says_so(world):
    """A high finding of the audit refuses under the shipped policy, and not under one that does not list the audit."""
    world.release(findings=(ALARM,))
    assert against(world) == {"findings.audit": Verdict.REFUSED}
    assert against(world, Policy.compile("evidence.allow_trial = true")) == {}


def test_a_trial_root_is_seen(world):
    """The policy learns from the evidence itself that the root of trust is a trial one."""
    world.release()
    assert against(world, Policy.compile("")) == {"evidence.trial": Verdict.REFUSED}


def test_the_author_of_the_policy_is_self(world):
    """A waiver and an approval by the author of the policy do not count once the author is known."""
    world.release(figures=UNFAIR)
    world.registry.waive(1, [GAP], world.policy, world.keys.beatrix, reason="x", expires=SOON)
    world.approve(target="staging")
    assert against(world) == {}
    assert against(world, request=ask(author="beatrix")) == {GAP: Verdict.REFUSED}
    assert against(world, request=ask(requester="beatrix")) == {GAP: Verdict.REFUSED}


def test_quarantine_is_limited(world):
    """More rejected rows than the policy allows refuse."""
    world.release()
    tight = Policy.compile('thresholds.rejected_share = "<= 0.0039"\nevidence.allow_trial = true')
    assert against(world, tight) == {"max.rejected_share": Verdict.REFUSED}


def test_isolation_is_what_the_statement_says(world):
    """The sandbox of the tests is one that the shipped policy accepts."""
    assert SANDBOX.level == "sandbox"
    world.release()
    assert "evidence.isolation" not in against(world)
