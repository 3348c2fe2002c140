"""The gate: a dossier held against a policy, and the one object that lets a model into production.

    admitted = admit(policy, dossier, Request(requester="ann", source="staging", target="production", now=now))

`Admitted` is made here and nowhere else. It needs a `Dossier`, which is made of `Evidence` only, which is made by
verification only: whoever holds one holds a model whose every claim was proven.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass

from stockade.errors import RefusedError
from stockade.evidence.chain import Dossier
from stockade.evidence.text import write_time
from stockade.policy.decision import Decision, Ruling, Verdict
from stockade.policy.gathering import Request, gather, model_of
from stockade.policy.judge import judge
from stockade.policy.policy import Policy
from stockade.types.digest import Digest

_MADE_HERE = object()


@dataclass(frozen=True, slots=True)
class Admitted:
    """A version that a policy admits to an alias. Made by `admit` only.

    Attributes:
        name: Registered model.
        version: Its version.
        model: Digest of the bytes that may be loaded; no others.
        alias: What it is admitted to.
        policy: Digest of the policy that admits.
        evidence_set: Digest over the evidence that was judged.
        decision: Every ruling.

    Raises:
        TypeError: made by anything but `admit`.
    """

    name: str
    version: int
    model: Digest
    alias: str
    policy: Digest
    evidence_set: Digest
    decision: Decision
    token: InitVar[object]

    def __post_init__(self, token: object) -> None:
        if token is not _MADE_HERE:
            raise TypeError("only stockade.policy.admit.admit makes an Admitted")


def evaluate(policy: Policy, dossier: Dossier, request: Request) -> Decision:
    """Hold the evidence of a version against a policy. Nothing is raised for a refusal.

    Raises:
        stockade.errors.MalformedError: a statement of the dossier does not hold the predicate that it should.
    """
    name, version = model_of(dossier)
    digest = policy.digest
    facts = gather(dossier, request, digest)
    judgement = judge(policy, facts)
    return Decision(
        name=name,
        version=version,
        model=dossier.model,
        source=request.source,
        target=request.target,
        policy=digest,
        evidence_set=dossier.evidence_set,
        requester=request.requester,
        made=write_time(request.now),
        allowed=judgement.allowed,
        rulings=judgement.rulings,
        approvers=facts.approvers,
        notes=facts.notes,
        problems=judgement.problems,
    )


def admit(policy: Policy, dossier: Dossier, request: Request) -> Admitted:
    """Hold the evidence of a version against a policy, and let it pass or refuse.

    Raises:
        RefusedError: a rule is broken, a figure is missing, or the policy engine reported an error; `decision` holds
            every ruling.
        stockade.errors.MalformedError: a statement of the dossier does not hold the predicate that it should.
    """
    decision = evaluate(policy, dossier, request)
    if not decision.allowed:
        raise refusal(decision)
    return Admitted(
        decision.name,
        decision.version,
        decision.model,
        decision.target,
        decision.policy,
        decision.evidence_set,
        decision,
        token=_MADE_HERE,
    )


def refusal(decision: Decision) -> RefusedError:
    """The error that says why a decision is unfavourable: figures, intervals, rules and advice."""
    reasons = [*(sentence(ruling) for ruling in decision.refused), *decision.problems]
    error = RefusedError(
        f"{decision.name} {decision.version} is not admitted to {decision.target}: {'; '.join(reasons)}",
        remedy=" ".join(dict.fromkeys(ruling.advice for ruling in decision.refused)),
    )
    error.decision = decision
    return error


def sentence(ruling: Ruling) -> str:
    """What a ruling says, in one clause such as ``tpr_gap.sex = 0.55 [0.52, 0.58], not at most 0.2 (fairness...)``."""
    if ruling.verdict is Verdict.MISSING:
        return f"{ruling.detail} ({ruling.rule})"
    if ruling.value is None:
        return f"{ruling.detail or 'not so: ' + ruling.title} ({ruling.rule})"
    interval = "" if ruling.low is None or ruling.high is None else f" [{ruling.low:.4g}, {ruling.high:.4g}]"
    bound = ruling.title.partition(" is ")[2] or f"{ruling.operator} {ruling.threshold}"
    limit = "" if ruling.limit is None or ruling.threshold == f"{ruling.limit:g}" else f" = {ruling.limit:.4g}"
    return f"{ruling.figure} = {ruling.value:.4g}{interval}, not {bound}{limit} ({ruling.rule})"
