"""The rules that a document stands for: one sentence, one condition, one piece of advice each.

Rules about integrity (is the evidence whole, logged, confined, by the right steps and persons?) cannot be waived:
without them nobody knows what the figures mean. Limits on figures can, by a person, for a time, with a reason; but
not where the figure is missing, since nobody knows what would be waived.
"""

from __future__ import annotations

from dataclasses import dataclass

from stockade.policy.bound import Bound
from stockade.policy.document import Document
from stockade.policy.vocabulary import Measure, measure_of
from stockade.types.execution import ISOLATION_LEVELS
from stockade.types.results import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a policy.

    Attributes:
        id: Stable name; waivers refer to it.
        title: What must hold, one sentence without full stop.
        advice: What to do when it does not.
        severity: How much it matters.
        technique: OWASP ML and MITRE ATLAS ids of what it guards against.
        waivable: Whether a waiver can set it aside.
        figure: Name of the figure judged, empty for none.
        operator: How it is held against the threshold, empty for none.
        threshold: What it is held against, in normal form.
        needs: All figures without which the rule cannot be judged.
        custom: Whether figures that custom steps measured count.
        origin: ``policy.toml``, or the name of the hand-written file.
    """

    id: str
    title: str
    advice: str
    severity: Severity = Severity.HIGH
    technique: tuple[str, ...] = ()
    waivable: bool = False
    figure: str = ""
    operator: str = ""
    threshold: str = ""
    needs: tuple[str, ...] = ()
    custom: bool = False
    origin: str = "policy.toml"


@dataclass(frozen=True, slots=True)
class Clause:
    """A rule and its Cedar condition.

    Attributes:
        rule: What people read.
        unless: Cedar expression that must hold.
        when: Cedar expression under which the rule applies, empty for always.
    """

    rule: Rule
    unless: str
    when: str = ""


_WORDS = {">=": "at least", ">": "above", "<=": "at most", "<": "below"}
_SUPPLY = ("ML06", "AML.T0010")


def clauses(document: Document) -> tuple[Clause, ...]:
    """All rules of a document: integrity first, then figures, fairness and approvals, each sorted by id."""
    source = "all_figures" if document.custom_figures else "figures"
    found = [*_integrity(document)]
    for figure, bounds in document.thresholds.items():
        found += [_limit(figure, bound, source) for bound in bounds]
    for column in document.columns:
        found += [_limit(f"{gap}.{column}", bound, source, kind="fairness") for gap, bound in document.gaps.items()]
    found += [_approvals(alias, count) for alias, count in document.approvals.items()]
    return tuple(found)


def literal(text: str) -> str:
    """A Cedar string literal; everything but printable ASCII is escaped."""
    shown = (character if " " <= character <= "~" else f"\\u{{{ord(character):x}}}" for character in text)
    return '"' + "".join(f"\\{item}" if item in '"\\' else item for item in shown) + '"'


def _integrity(document: Document) -> list[Clause]:
    found = [
        Clause(
            Rule(
                "evidence.log",
                "every statement is in the transparency log",
                "Publish the log, or run the steps again whose statements are not in it.",
                Severity.CRITICAL,
                _SUPPLY,
            ),
            "context.logged",
        )
    ]
    if not document.allow_trial:
        found.append(
            Clause(
                Rule(
                    "evidence.trial",
                    "the root of trust is not a trial one",
                    "Make a root of trust with your own persons and keys, and run again under it.",
                    Severity.CRITICAL,
                    ("AML.T0012",),
                ),
                "!context.trial",
            )
        )
    level = ISOLATION_LEVELS.index(document.minimum_isolation)
    if level:
        found.append(
            Clause(
                Rule(
                    "evidence.isolation",
                    f"every step ran with isolation {document.minimum_isolation} or better",
                    "Run on a machine where `stockade doctor` shows the sandbox as complete.",
                    Severity.CRITICAL,
                    (*_SUPPLY, "AML.T0011"),
                    operator=">=",
                    threshold=document.minimum_isolation,
                ),
                f"context.isolation >= {level}",
            )
        )
    found += [_required(step) for step in document.required_steps]
    found += [_built_in(step) for step in document.forbid_custom]
    found += [_not_failed(step) for step in document.forbid_failed]
    return found


def _required(step: str) -> Clause:
    rule = Rule(
        f"evidence.step.{step}",
        f"step {step} was run and not skipped",
        f"Run the pipeline without skipping {step}.",
        Severity.CRITICAL,
        _SUPPLY,
    )
    name = literal(step)
    return Clause(rule, f"context.steps.contains({name}) && !context.skipped.contains({name})")


def _built_in(step: str) -> Clause:
    rule = Rule(
        f"evidence.custom.{step}",
        f"step {step} is the built-in one",
        f"Remove the function {step} from steps.py: a model is not judged by code of its own authors.",
        Severity.CRITICAL,
        (*_SUPPLY, "AML.T0018"),
    )
    return Clause(rule, f"!context.custom_steps.contains({literal(step)})")


def _not_failed(step: str) -> Clause:
    rule = Rule(
        f"findings.{step}",
        f"step {step} found nothing of severity high",
        f"Read the findings of {step} in report.html and remove their causes; an approver may waive with a reason.",
        Severity.HIGH,
        ("ML02", "AML.T0020"),
        waivable=True,
    )
    return Clause(
        rule, f"!context.failed_steps.contains({literal(step)}) || context.waived.contains({literal(rule.id)})"
    )


def _limit(figure: str, bound: Bound, source: str, kind: str = "") -> Clause:
    measure = measure_of(figure)
    assert isinstance(measure, Measure)  # noqa: S101 - the document holds known figures only
    rule = Rule(
        f"{kind or bound.kind}.{figure}",
        f"{figure} is {_WORDS[bound.operator]} {bound.text}",
        measure.advice,
        measure.severity,
        measure.technique,
        waivable=True,
        figure=figure,
        operator=bound.operator,
        threshold=bound.text,
        needs=tuple(sorted({figure, bound.reference} - {""})),
        custom=source == "all_figures",
    )
    name = literal(figure)
    present = [f"context.{source} has {name}"]
    against = str(bound.offset)
    if bound.reference:
        other = literal(bound.reference)
        present.append(f"context.{source} has {other}")
        against = f"context.{source}[{other}] + {bound.offset}"
    met = f"context.{source}[{name}] {bound.operator} {against}"
    return Clause(rule, f"{' && '.join(present)} && ({met} || context.waived.contains({literal(rule.id)}))")


def _approvals(alias: str, count: int) -> Clause:
    rule = Rule(
        f"approvals.{alias}",
        f"{count} other {'person approves' if count == 1 else 'persons approve'} of {alias}",
        f"Ask {'a person' if count == 1 else f'{count} persons'} with the role approver, who neither ran nor requested "
        "this nor wrote the policy, to type `stockade approve`.",
        Severity.CRITICAL,
        ("AML.T0012",),
        operator=">=",
        threshold=str(count),
    )
    return Clause(rule, f"context.approvals >= {count}", f"context.target == {literal(alias)}")
