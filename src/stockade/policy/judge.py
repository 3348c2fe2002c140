"""The one place that asks Cedar. Only an explicit Allow without any error admits.

Cedar skips a policy whose evaluation fails, so a broken ``forbid`` would let pass what it should stop; therefore any
diagnostic error, any undeclared attribute and any figure that a rule needs and does not have refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cedarpy

from stockade.policy.bound import scaled
from stockade.policy.decision import Ruling, Verdict
from stockade.policy.facts import Facts, Waived
from stockade.policy.policy import Policy
from stockade.policy.rules import Rule
from stockade.policy.vocabulary import measure_of
from stockade.types.execution import ISOLATION_LEVELS
from stockade.types.results import Figure


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the engine said: whether it allows, one ruling a rule, and its errors."""

    allowed: bool
    rulings: tuple[Ruling, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    allowed: bool
    fired: frozenset[str]
    problems: tuple[str, ...]


def judge(policy: Policy, facts: Facts) -> Judgement:
    """Hold facts against every rule.

    Cedar is asked twice, without and with the waivers: a rule that fires only without them is one that was waived.
    """
    bare = _ask(policy, facts, frozenset())
    answer = _ask(policy, facts, frozenset(facts.waived)) if facts.waived else bare
    rulings = tuple(_ruling(rule, facts, bare.fired, answer.fired) for rule in policy.rules)
    refused = {ruling.rule for ruling in rulings if not ruling.verdict.admits}
    problems = tuple(dict.fromkeys([*bare.problems, *answer.problems, *_alone(facts, refused)]))
    allowed = answer.allowed and not problems and all(ruling.verdict.admits for ruling in rulings)
    return Judgement(allowed, rulings, problems)


def _alone(facts: Facts, refused: set[str]) -> Iterator[str]:
    """Say that nobody else has approved of production, where no rule has said so.

    Whoever may promote may also bring the policy to promote under, and one without this rule would let them pass by
    themselves; an approval names the policy that it was made under, so it takes another person who saw it.
    """
    if facts.target == "production" and not facts.approvers and "approvals.production" not in refused:
        yield "no other person approves of production, and no policy can do without"


def preview(policy: Policy, figures: Sequence[Figure]) -> tuple[Ruling, ...]:
    """Hold a run's figures against the rules about figures, before there is a version or anybody's decision.

    Rules about evidence, persons and findings are left out; nothing is admitted by this.
    """
    facts = Facts(figures={item.name: item for item in figures}, all_figures={item.name: item for item in figures})
    return tuple(ruling for ruling in judge(policy, facts).rulings if ruling.figure)


def _ask(policy: Policy, facts: Facts, waived: frozenset[str]) -> _Answer:
    request = {
        "principal": {"type": "Stockade::Person", "id": facts.requester},
        "action": {"type": "Stockade::Action", "id": "promote"},
        "resource": {"type": "Stockade::ModelVersion", "id": f"{facts.name}@{facts.version}"},
        "context": facts.context(policy.figures, waived),
    }
    result = cedarpy.is_authorized(request, policy.text, [], policy.schema)
    names = result.diagnostics.id_annotations_by_reason
    fired = frozenset(names.values()) if result.decision is cedarpy.Decision.Deny else frozenset()
    problems = list(result.diagnostics.errors)
    if result.decision is cedarpy.Decision.NoDecision and not problems:
        problems.append("the policy engine came to no decision")
    if set(result.diagnostics.reasons) - set(names):
        problems.append("a policy without an id spoke")
    return _Answer(result.decision is cedarpy.Decision.Allow, fired, tuple(problems))


_UNMEASURED = "Have the figure measured, which [assess] in stockade.toml may have switched off; or take the rule out."


def _ruling(rule: Rule, facts: Facts, bare: frozenset[str], fired: frozenset[str]) -> Ruling:
    absent = [name for name in rule.needs if facts.figure(name, custom=rule.custom) is None]
    verdict = Verdict.ALLOWED
    if absent:
        verdict = Verdict.MISSING
    elif rule.id in fired:
        verdict = Verdict.REFUSED
    elif rule.id in bare:
        verdict = Verdict.WAIVED
    figure = facts.figure(rule.figure, custom=rule.custom) if rule.figure else None
    waiver = facts.waived.get(rule.id, Waived((), "")) if verdict is Verdict.WAIVED else Waived((), "")
    return Ruling(
        rule=rule.id,
        title=rule.title,
        verdict=verdict,
        severity=rule.severity,
        advice=_UNMEASURED if absent else rule.advice,
        technique=rule.technique,
        waivable=rule.waivable and not absent,
        figure=rule.figure,
        value=figure.value if figure else None,
        low=figure.low if figure else None,
        high=figure.high if figure else None,
        count=figure.count if figure else None,
        operator=rule.operator,
        threshold=rule.threshold,
        limit=_limit(rule, facts),
        detail=_absent(absent, facts) if absent else _detail(rule, verdict, facts),
        waived_by=waiver.persons,
        waived_until=waiver.until,
    )


def _limit(rule: Rule, facts: Facts) -> float | None:
    """The threshold as a number, for display; Cedar decides."""
    name, _, margin = rule.threshold.partition(" ")
    if measure_of(name) is None:
        return _number(rule.threshold)
    figure = facts.figure(name, custom=rule.custom)
    return None if figure is None else figure.value + (_number(margin.replace(" ", "")) or 0.0)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _absent(names: Sequence[str], facts: Facts) -> str:
    parts = []
    for name in names:
        found = facts.all_figures.get(name)
        if name in facts.ambiguous:
            parts.append(f"{name} is stated twice with different values")
        elif found is not None and scaled(found.value) is None:
            parts.append(f"{name} is {found.value!r}, which is no usable number")
        elif found is not None and name not in facts.figures:
            parts.append(f"{name} was measured only by a custom step, whose figures do not count")
        else:
            parts.append(f"the evidence holds no figure {name}")
    return "; ".join(parts)


def _detail(rule: Rule, verdict: Verdict, facts: Facts) -> str:
    if verdict is Verdict.ALLOWED:
        return ""
    if rule.id == "evidence.isolation":
        weak = [f"{step} ({level})" for step, level in sorted(facts.isolation.items()) if _weaker(level, rule)]
        return f"weaker: {', '.join(weak)}" if weak else "no step ran"
    if rule.id == "evidence.log":
        return f"not in the log: {', '.join(facts.unlogged)}"
    if rule.id.startswith("evidence.step."):
        step = rule.id.removeprefix("evidence.step.")
        return f"{step} was skipped" if step in facts.skipped else f"there is no evidence of {step}"
    if rule.id.startswith("approvals."):
        return f"approved by {', '.join(sorted(set(facts.approvers))) or 'nobody else'}"
    return ""


def _weaker(level: str, rule: Rule) -> bool:
    needed = rule.threshold if rule.threshold in ISOLATION_LEVELS else ISOLATION_LEVELS[-1]
    return ISOLATION_LEVELS.index(level) < ISOLATION_LEVELS.index(needed)
