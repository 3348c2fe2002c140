"""From a dossier to facts: which figures count, and whose decisions.

A figure counts where the signed result of a step holds it, and, if it speaks of the model, where that result names the
digest of the very model that is to be promoted. A decision counts where it is signed in its role, logged, unexpired,
bound to this version, model, policy, evidence and alias, and made by somebody who is not *self*: the person who ran,
who asks, or who wrote the policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from stockade.errors import MalformedError
from stockade.evidence.chain import Dossier
from stockade.evidence.predicates import Decision, ReleaseInfo, RunSummary, StepProvenance, TestResult
from stockade.evidence.verify import Evidence
from stockade.policy.facts import Facts, Waived
from stockade.policy.vocabulary import measure_of
from stockade.types.digest import Digest
from stockade.types.execution import Origin
from stockade.types.results import Figure, Outcome


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a policy.

    Attributes:
        requester: Person who asks.
        source: Alias or state that the version is in.
        target: Alias asked for.
        now: The moment that expiries are held against, with a time zone.
        author: Person who wrote the policy, empty where nobody knows.
    """

    requester: str
    source: str
    target: str
    now: datetime
    author: str = ""


def gather(dossier: Dossier, request: Request, policy: Digest) -> Facts:
    """Read the facts off a dossier, for one request under one policy.

    Raises:
        MalformedError: a statement does not hold the predicate that it should.
    """
    release, run = ReleaseInfo.of(dossier.release.statement), RunSummary.of(dossier.run.statement)
    provenance = {name: StepProvenance.of(item.statement) for name, item in dossier.steps.items()}
    custom = {step.name for step in run.steps if step.origin is Origin.CUSTOM}
    custom |= {name for name, item in provenance.items() if item.origin is Origin.CUSTOM}
    measured = _Measured()
    for evidence in dossier.results.values():
        measured.add(evidence, dossier.model, custom)
    measured.derive(run)
    counted = _counted(dossier, request, policy, run.initiator)
    return Facts(
        name=release.name,
        version=release.version,
        source=request.source,
        target=request.target,
        mode=run.mode.value,
        requester=request.requester,
        initiator=run.initiator,
        figures=measured.built_in,
        all_figures=measured.all,
        ambiguous=frozenset(measured.ambiguous),
        steps=frozenset(provenance),
        skipped=frozenset(run.skipped),
        custom_steps=frozenset(custom),
        failed_steps=frozenset(measured.failed),
        isolation={name: item.isolation.level for name, item in provenance.items()},
        trial=any(item.trial for item in _all(dossier)),
        unlogged=tuple(_unlogged(dossier)),
        approvers=counted.approvers,
        waived=counted.waived,
        notes=counted.notes,
    )


class _Measured:
    """Figures as they are collected from results."""

    def __init__(self) -> None:
        self.built_in: dict[str, Figure] = {}
        self.all: dict[str, Figure] = {}
        self.ambiguous: set[str] = set()
        self.failed: set[str] = set()

    def add(self, evidence: Evidence, model: Digest, custom: set[str]) -> None:
        result = TestResult.of(evidence.statement)
        of_model = any(subject.digest == model for subject in evidence.statement.subjects)
        if result.results.outcome is Outcome.FAILED:
            self.failed.add(result.step)
        for figure in result.results.figures:
            measure = measure_of(figure.name)
            if measure is None or not (of_model or measure.of_data):
                continue
            # A second opinion, also of a custom step, makes a figure doubtful; the same value twice does not.
            if self.all.setdefault(figure.name, figure).value != figure.value:
                self.ambiguous.add(figure.name)
            if result.step not in custom:
                self.built_in.setdefault(figure.name, figure)

    def derive(self, run: RunSummary) -> None:
        """Add what the run statement itself says of the data, where no step measured it."""
        share = Figure("rejected_share", run.rejected / max(run.rows, 1), count=run.rows)
        if run.rows and share.name not in self.all:
            self.all[share.name] = self.built_in[share.name] = share


@dataclass(frozen=True, slots=True)
class _Counted:
    approvers: tuple[str, ...]
    waived: dict[str, Waived]
    notes: tuple[str, ...]


def _counted(dossier: Dossier, request: Request, policy: Digest, initiator: str) -> _Counted:
    me = {initiator, request.requester, request.author}
    approvers: set[str] = set()
    waived: dict[str, Waived] = {}
    notes: list[str] = []
    nonces: set[str] = set()
    for evidence in dossier.decisions:
        decision = Decision.of(evidence.statement)
        if decision.kind not in {"approval", "waiver"}:
            continue
        others = tuple(person for person in evidence.persons if person not in me)
        against = _objection(evidence, decision, dossier, request, policy)
        if not against and decision.nonce in nonces:
            against = "repeats a decision that was counted"
        if not against and not others:
            against = "is by the person who ran or requested this, or wrote the policy"
        if against:
            notes.append(f"the {decision.kind} by {' and '.join(evidence.persons)} {against}")
            continue
        nonces.add(decision.nonce)
        if decision.kind == "approval":
            approvers.update(others)
        else:
            before = waived.get(decision.rule, Waived((), ""))
            persons = tuple(sorted({*before.persons, *others}))
            waived[decision.rule] = Waived(persons, max(before.until, decision.expires))
    return _Counted(tuple(sorted(approvers)), waived, tuple(notes))


def _objection(evidence: Evidence, decision: Decision, dossier: Dossier, request: Request, policy: Digest) -> str:
    """Why a decision does not count here, empty where it does."""
    release = ReleaseInfo.of(dossier.release.statement)
    checks = (
        (evidence.role == decision.role, f"was not verified as one by an {decision.role}"),
        (evidence.leaf is not None, "is not in the log"),
        (
            (decision.name, decision.version) == (release.name, release.version),
            f"is for {decision.name} {decision.version}",
        ),
        (decision.model == dossier.model, "is for another model"),
        (decision.evidence == dossier.evidence_set, "is for other evidence"),
        (decision.policy == policy, "was made under another policy"),
        (decision.target == request.target, f"is for {decision.target}"),
        (
            decision.kind == "waiver" or decision.source == request.source,
            f"is for a version that is in state {decision.source}",
        ),
        (not decision.expired(request.now), f"expired on {decision.expires}"),
    )
    return next((reason for holds, reason in checks if not holds), "")


def _all(dossier: Dossier) -> list[Evidence]:
    return [dossier.release, dossier.run, *dossier.steps.values(), *dossier.results.values()]


def _unlogged(dossier: Dossier) -> Iterator[str]:
    named = [("release", dossier.release), ("run", dossier.run)]
    named += [(f"step {name}", item) for name, item in dossier.steps.items()]
    named += [(f"result of {name}", item) for name, item in dossier.results.items()]
    for name, item in named:
        if item.leaf is None:
            yield name


def model_of(dossier: Dossier) -> tuple[str, int]:
    """Name and version that a dossier is about.

    Raises:
        MalformedError: its release is not one.
    """
    release = ReleaseInfo.of(dossier.release.statement)
    if dossier.release.statement.subject("model") != dossier.model:
        raise MalformedError("the release does not name the dossier's model")
    return release.name, release.version
