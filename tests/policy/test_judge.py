"""Cedar as it is asked: closed on doubt, exact at the limit, explicit about what is missing."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.errors import ConfigError, PolicyError
from stockade.policy.baseline import default_policy_toml
from stockade.policy.decision import Verdict
from stockade.policy.facts import Facts, Waived
from stockade.policy.judge import judge, preview
from stockade.policy.policy import Policy
from stockade.types.results import Figure
from stockade.types.scorecard import Task

STEPS = ("ingest", "validate", "audit", "split", "train", "assess")
GOOD = {
    "auc": 0.89,
    "baseline.auc": 0.5,
    "ece": 0.02,
    "membership.auc": 0.51,
    "robustness.accuracy": 0.7,
    "rejected_share": 0.004,
    "tpr_gap.sex": 0.05,
    "tpr_gap.disability": 0.1,
}


def figures(values: dict[str, float]) -> dict[str, Figure]:
    return {name: Figure(name, value, value - 0.01, value + 0.01, 1000) for name, value in values.items()}


def facts(target: str = "production", **changes: float) -> Facts:
    found = figures({**GOOD, **{name.replace("__", "."): value for name, value in changes.items()}})
    return Facts(
        name="census",
        version=1,
        source="staging",
        target=target,
        figures=found,
        all_figures=found,
        steps=frozenset(STEPS),
        isolation=dict.fromkeys(STEPS, "sandbox"),
        trial=True,
        approvers=("beatrix",),
        requester="ann",
        initiator="ann",
    )


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy.compile(default_policy_toml(Task.BINARY, "auc", ["sex", "disability"]))


def refused(policy: Policy, given: Facts) -> dict[str, Verdict]:
    found = judge(policy, given)
    against = {ruling.rule: ruling.verdict for ruling in found.rulings if not ruling.verdict.admits}
    assert found.allowed == (not against and not found.problems)
    return against


def test_the_honest_case_is_admitted(policy):
    """A model that meets every limit, with whole evidence and another person's approval, is admitted."""
    assert refused(policy, facts()) == {}
    assert judge(policy, facts()).problems == ()


def test_a_gap_is_refused_with_its_figure_and_interval(policy):
    """A fairness gap over the limit refuses and shows figure, interval, threshold, ids and advice."""
    found = judge(policy, facts(tpr_gap__disability=0.55))
    ruling = next(item for item in found.rulings if not item.verdict.admits)
    assert not found.allowed
    assert ruling.rule == "fairness.tpr_gap.disability"
    assert ruling.verdict is Verdict.REFUSED
    assert (ruling.value, ruling.low, ruling.high, ruling.limit) == (0.55, 0.54, 0.56, 0.2)
    assert ruling.title == "tpr_gap.disability is at most 0.2"
    assert ruling.advice
    assert ruling.waivable


def test_a_waiver_sets_one_rule_aside_and_names_the_person(policy):
    """A waived rule passes, is shown as waived by whom and until when, and helps no other rule."""
    waived = {"fairness.tpr_gap.disability": Waived(("beatrix",), "2030-01-01T00:00:00Z")}
    given = replace(facts(tpr_gap__disability=0.55), waived=waived)
    found = judge(policy, given)
    ruling = next(item for item in found.rulings if item.verdict is Verdict.WAIVED)
    assert found.allowed
    assert (ruling.rule, ruling.waived_by, ruling.waived_until) == (
        "fairness.tpr_gap.disability",
        ("beatrix",),
        "2030-01-01T00:00:00Z",
    )
    both = replace(facts(tpr_gap__disability=0.55, tpr_gap__sex=0.3), waived=waived)
    assert refused(policy, both) == {"fairness.tpr_gap.sex": Verdict.REFUSED}


def test_a_needless_waiver_is_not_shown(policy):
    """A rule that holds anyway counts as allowed although somebody waived it."""
    given = replace(facts(), waived={"max.ece": Waived(("beatrix",), "2030-01-01T00:00:00Z")})
    assert {ruling.verdict for ruling in judge(policy, given).rulings} == {Verdict.ALLOWED}


@pytest.mark.parametrize("name", sorted(GOOD))
def test_every_missing_figure_refuses_and_is_named(policy, name):
    """Leaving out any figure that a rule needs refuses, and says which figure is not there."""
    found = figures({key: value for key, value in GOOD.items() if key != name})
    given = replace(facts(), figures=found, all_figures=found)
    against = [ruling for ruling in judge(policy, given).rulings if not ruling.verdict.admits]
    assert [ruling.verdict for ruling in against] == [Verdict.MISSING]
    assert name in against[0].detail


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e10, -1e300])
def test_figures_that_are_no_numbers_are_missing(policy, value):
    """NaN, infinities and what 64 bits do not hold are missing evidence, also for a limit they would meet."""
    assert refused(policy, facts(ece=value)) == {"max.ece": Verdict.MISSING}
    assert refused(policy, facts(auc=value)) == {"baseline.auc": Verdict.MISSING}


def test_a_missing_figure_cannot_be_waived(policy):
    """Nobody knows what would be waived where there is no figure."""
    found = figures({key: value for key, value in GOOD.items() if key != "ece"})
    waived = {"max.ece": Waived(("beatrix",), "2030-01-01T00:00:00Z")}
    given = replace(facts(), figures=found, all_figures=found, waived=waived)
    assert refused(policy, given) == {"max.ece": Verdict.MISSING}


def test_ambiguous_figures_are_missing(policy):
    """A figure that two results state differently counts for nothing."""
    given = replace(facts(), ambiguous=frozenset({"auc"}))
    assert refused(policy, given) == {"baseline.auc": Verdict.MISSING}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"unlogged": ("step train",)}, "evidence.log"),
        ({"isolation": {"train": "process", "audit": "strict"}}, "evidence.isolation"),
        ({"isolation": {}}, "evidence.isolation"),
        ({"steps": frozenset(STEPS) - {"audit"}}, "evidence.step.audit"),
        ({"skipped": frozenset({"audit"})}, "evidence.step.audit"),
        ({"custom_steps": frozenset({"assess"})}, "evidence.custom.assess"),
        ({"approvers": ()}, "approvals.production"),
    ],
)
def test_integrity_rules_refuse_and_cannot_be_waived(policy, change, rule):
    """Holes in the evidence refuse, whatever was waived."""
    everything = {item.id: Waived(("beatrix",), "2030-01-01T00:00:00Z") for item in policy.rules}
    assert refused(policy, replace(facts(), waived=everything, **change)) == {rule: Verdict.REFUSED}
    found = next(item for item in judge(policy, replace(facts(), **change)).rulings if not item.verdict.admits)
    assert found.detail or rule.startswith("evidence.custom")
    assert not found.waivable


def test_approvals_count_distinct_persons():
    """The same person twice is one person."""
    policy = Policy.compile("[production]\napprovals = 2\n[evidence]\nallow_trial = true\n")
    given = replace(facts(), approvers=("beatrix", "beatrix"))
    assert refused(policy, given) == {"approvals.production": Verdict.REFUSED}
    assert refused(policy, replace(given, approvers=("beatrix", "carl"))) == {}
    assert refused(policy, replace(given, target="staging")) == {}


def test_a_trial_root_is_refused_unless_allowed():
    """Evidence under a trial root counts only where the policy says so."""
    assert refused(Policy.compile(""), facts()) == {"evidence.trial": Verdict.REFUSED}
    assert refused(Policy.compile(""), replace(facts(), trial=False)) == {}


def test_findings_of_a_step_can_be_made_to_block():
    """A step with findings of severity high refuses where listed, and an approver can waive that."""
    policy = Policy.compile('[evidence]\nforbid_failed = ["audit"]\nallow_trial = true\n')
    given = replace(facts(), failed_steps=frozenset({"audit"}))
    assert refused(policy, given) == {"findings.audit": Verdict.REFUSED}
    assert refused(policy, replace(given, waived={"findings.audit": Waived(("beatrix",), "")})) == {}


def test_custom_figures_count_only_when_the_policy_says_so():
    """A figure that only a custom step measured is missing, and the refusal says why."""
    given = replace(facts(), figures={})
    base = '[thresholds]\nauc = ">= 0.8"\n[evidence]\nallow_trial = true\n'
    found = next(item for item in judge(Policy.compile(base), given).rulings if not item.verdict.admits)
    assert found.verdict is Verdict.MISSING
    assert "custom step" in found.detail
    assert refused(Policy.compile(base + "custom_figures = true\n"), given) == {}


@given(st.integers(0, 10**9), st.sampled_from([">=", ">", "<=", "<"]), st.integers(-2, 2))
@settings(max_examples=60, deadline=None)
def test_limits_are_exact_at_the_edge(billionths, operator, shift):
    """Cedar decides as the numbers do, one billionth around the limit."""
    limit = billionths / 1e9
    value = (billionths + shift) / 1e9
    policy = Policy.compile(f'thresholds.auc = "{operator} {limit:.9f}"')
    ruling = preview(policy, [Figure("auc", value)])[0]
    expected = {">=": shift >= 0, ">": shift > 0, "<=": shift <= 0, "<": shift < 0}[operator]
    assert (ruling.verdict is Verdict.ALLOWED) == expected


def test_an_overflow_inside_cedar_refuses():
    """Cedar skips a rule whose sum overflows and would allow; the error refuses instead."""
    policy = Policy.compile('thresholds.mae = "< rmse + 5"\nevidence.allow_trial = true\n')
    found = figures({"mae": 9e9, "rmse": 9.223372035e9})
    judgement = judge(policy, replace(facts(), figures=found, all_figures=found))
    assert not judgement.allowed
    assert "overflow" in judgement.problems[0]


def test_the_preview_judges_figures_alone(policy):
    """Before there is a version, a run's figures are judged and evidence and approvals left out."""
    rulings = preview(policy, [*figures(GOOD).values()])
    assert rulings
    assert all(ruling.figure for ruling in rulings)
    assert {ruling.verdict for ruling in rulings} == {Verdict.ALLOWED}
    assert {ruling.verdict for ruling in preview(policy, [])} == {Verdict.MISSING}


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("columns", [(), ("sex",), ('odd "name"\\ \x7f ü\n', "marital status")])
def test_the_shipped_policy_compiles_for_every_task(task, columns):
    """The policy of a new project loads as it is, whatever the columns are called, and survives recording."""
    metric = "rmse" if task is Task.REGRESSION else "auc"
    policy = Policy.compile(default_policy_toml(task, metric, columns))
    assert Policy.parse(policy.to_bytes()) == policy
    found = {rule.figure.partition(".")[2] for rule in policy.rules if rule.id.startswith("fairness.")}
    assert found == set(columns)


def test_the_shipped_policy_needs_a_known_metric():
    """A metric that no assessment writes is a ConfigError with a suggestion."""
    with pytest.raises(ConfigError) as caught:
        default_policy_toml(Task.BINARY, "acuracy")
    assert "accuracy" in caught.value.remedy


HANDWRITTEN = """\
@id("house.night") @advice("Promote by day.")
forbid (principal, action == Stockade::Action::"promote", resource) when { CONDITION };
"""


def with_extra(condition: str) -> Policy:
    return Policy.compile("evidence.allow_trial = true", {"house.cedar": HANDWRITTEN.replace("CONDITION", condition)})


def test_hand_written_rules_take_part():
    """A hand-written rule refuses with its own advice and is part of the digest."""
    policy = with_extra('context.target == "production"')
    found = next(item for item in judge(policy, facts()).rulings if not item.verdict.admits)
    assert (found.rule, found.advice) == ("house.night", "Promote by day.")
    assert refused(policy, facts("staging")) == {}
    assert policy.digest != Policy.compile("evidence.allow_trial = true").digest
    assert Policy.parse(policy.to_bytes()) == policy


def test_a_hand_written_rule_without_its_figure_refuses():
    """Where a hand-written rule would be skipped for want of a figure, the promotion is refused instead."""
    policy = with_extra('context.figures has "f1" && context.figures["f1"] < 500000000')
    assert refused(policy, facts()) == {"house.night": Verdict.MISSING}
    assert refused(policy, facts(f1=0.6)) == {}
    assert refused(policy, facts(f1=0.4)) == {"house.night": Verdict.REFUSED}


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ('context.figures has "auk" && context.figures["auk"] < 3', "unknown figure 'auk'"),
        ('context.figures["auc"] < 3', "does not validate"),
        ("context.tarjet == 3", "does not validate"),
        ('principal == Stockade::Persson::"x"', "does not validate"),
        ("true", ""),
        ("context.", "not Cedar"),
    ],
)
def test_hand_written_mistakes_are_found_at_load(condition, message):
    """A typo in a hand-written rule is refused when the policy is loaded, not skipped when it is evaluated."""
    if not message:
        with_extra(condition)
        return
    with pytest.raises(PolicyError) as caught:
        with_extra(condition)
    assert message in caught.value.message
    assert "house" in caught.value.where


@pytest.mark.parametrize(
    "text",
    [
        "forbid (principal, action, resource);",
        '@id("x") forbid (principal, action, resource);',
        '@id("max.ece") @advice("") forbid (principal, action, resource);',
        '@id("promotion.permit") @advice("") forbid (principal, action, resource);',
        '@id("x") @advice("") forbid (principal, action == Stockade::Action::"promot", resource);',
        '@id("x") @advice("") @severity("awful") forbid (principal, action, resource);',
        '@id("x") @advice("") forbid (principal == ?principal, action, resource);',
        '@id("x") @advice("") forbid (principal, action, resource); /*',
    ],
)
def test_hand_written_policies_must_be_whole(text):
    """A policy without id or advice, with a taken id, an unknown action or severity, or a template, is refused."""
    with pytest.raises(PolicyError):
        Policy.compile('thresholds.ece = "<= 0.1"', {"x.cedar": text})


def test_a_folder_is_loaded(tmp_path):
    """A folder of policy.toml and Cedar files is one policy; what is missing or unreadable says so."""
    with pytest.raises(ConfigError, match="no policy"):
        Policy.load(tmp_path)
    (tmp_path / "policy.toml").write_text('[thresholds]\nauc = ">= 0.8"\n')
    plain = Policy.load(tmp_path)
    (tmp_path / "night.cedar").write_text(HANDWRITTEN.replace("CONDITION", "context.trial"))
    assert Policy.load(tmp_path).rule("house.night") is not None
    assert plain.rule("house.night") is None
    (tmp_path / "policy.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        Policy.load(tmp_path)


def test_a_recorded_policy_that_was_cut_is_refused(policy):
    """A recorded policy with a missing text, or another format, is not loaded."""
    data = policy.to_bytes()
    with pytest.raises(PolicyError):
        Policy.parse(data.replace(b'"format":1', b'"format":2'))
    with pytest.raises(PolicyError):
        Policy.parse(data.replace(b'"format":1', b'"formal":1'))
    with pytest.raises(PolicyError):
        Policy.parse(data.replace(b"Stockade::Action", b"Stockade::Axtion", 1))
