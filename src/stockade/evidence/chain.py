"""From single pieces of evidence to a `Dossier`: the whole, gapless history of one version.

    dossier = assemble(release, run, steps, results, decisions)

It takes these steps, always in this order, and stops at the first that fails:

(1) every piece is of its type, signed in its role, and held against one and the same trust root
(2) the release names the run
(3) the evidence of every step of the run is there, and none besides
(4) the results that the run names are there, and none besides; each was read from an output of its step, and speaks of
    an artifact that the step took or made
(5) every input of a step is the output of an earlier one, or a declared source of the run
(6) every artifact of the release is an output of a step or a declared source, and the model is an output
(7) every decision is about this version, this model and this very set of evidence, and no two are the same
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass
from types import MappingProxyType
from typing import Protocol, TypeVar

from stockade.errors import EvidenceError, MissingEvidenceError, SignatureError
from stockade.evidence import canonical
from stockade.evidence.envelope import Envelope
from stockade.evidence.predicates import Decision, Predicate, ReleaseInfo, RunSummary, StepProvenance, TestResult
from stockade.evidence.predicates.release import MODEL
from stockade.evidence.statement import DECISION, PROVENANCE, RELEASE, RUN, TEST_RESULT, Statement
from stockade.evidence.verify import Evidence
from stockade.types.digest import Digest
from stockade.types.ledger import Row

P = TypeVar("P", bound=Predicate)

_TOKEN = object()
_AGAIN = "run the pipeline again, or restore the workspace from a copy"


@dataclass(frozen=True, slots=True)
class Dossier:
    """All evidence of one version, complete and without contradiction. Made by `assemble` alone.

    Attributes:
        release: That the artifacts make up the version.
        run: The run they came from.
        steps: Provenance by step, in the order of the run.
        results: Test Results by step.
        decisions: What people decided about the version so far.
        model: Digest of the model's bytes.
        evidence_set: Digest over the digests of all envelopes but the decisions': what a decision is bound to.
    """

    release: Evidence
    run: Evidence
    steps: Mapping[str, Evidence]
    results: Mapping[str, Evidence]
    decisions: tuple[Evidence, ...]
    model: Digest
    evidence_set: Digest
    token: InitVar[object]

    def __post_init__(self, token: object) -> None:
        if token is not _TOKEN:
            raise TypeError("a dossier is made by `assemble` alone")

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every piece: release, run, steps, results, decisions."""
        return (self.release, self.run, *self.steps.values(), *self.results.values(), *self.decisions)


class Verifier(Protocol):
    """Finds envelopes by digest and verifies them; a `Ledger` is one."""

    def envelope(self, digest: Digest) -> bytes:
        """An envelope's bytes. Raises `MissingEvidenceError` when there is none."""

    def verify(self, subject: Row | Envelope | bytes, role: str, predicate: str | None = None) -> Evidence:
        """Verify an envelope for a role and a predicate type."""


def assemble(
    release: Evidence,
    run: Evidence,
    steps: Iterable[Evidence],
    results: Iterable[Evidence],
    decisions: Iterable[Evidence] = (),
) -> Dossier:
    """Put the evidence of a version together; the steps are those of the module.

    Raises:
        SignatureError: step (1) fails for a signature's role or root.
        MalformedError: step (1) fails for a type.
        MissingEvidenceError: something is missing; the message names it.
        EvidenceError: pieces contradict each other; the message names them.
    """
    of_steps, of_results, of_decisions = tuple(steps), tuple(results), tuple(decisions)
    info, summary = _read(release, "builder", ReleaseInfo), _read(run, "builder", RunSummary)  # (1)
    for piece in (run, *of_steps, *of_results, *of_decisions):
        if piece.trust != release.trust:
            raise SignatureError("pieces of evidence were held against different trust roots", where=piece.digest.short)
    if info.run != run.digest:  # (2)
        raise MissingEvidenceError(f"the evidence of the run {info.run} is missing", where="release", remedy=_AGAIN)
    by_step = _steps(summary, of_steps)  # (3)
    by_result = _results(summary, by_step, of_results)  # (4)
    made = _flow(summary, by_step)  # (5)
    model = _artifacts(release, made, {item.digest for item in summary.sources})  # (6)
    digests = sorted({str(piece.digest) for piece in (release, run, *by_step.values(), *by_result.values())})
    evidence_set = Digest.of(canonical.encode(digests))
    _decisions(info, model, evidence_set, of_decisions)  # (7)
    return Dossier(
        release,
        run,
        MappingProxyType(by_step),
        MappingProxyType(by_result),
        of_decisions,
        model,
        evidence_set,
        token=_TOKEN,
    )


def gather(ledger: Verifier, release: Row | Envelope | bytes, decisions: Sequence[Row | bytes] = ()) -> Dossier:
    """Find, verify and assemble all that a release leads to.

    Args:
        ledger: Where the evidence is.
        release: The release.
        decisions: Decisions about it, as found in the catalogue.

    Raises:
        EvidenceError: a piece is missing, does not verify, or contradicts another.
    """
    of_release = ledger.verify(release, "builder", RELEASE)
    of_run = ledger.verify(_found(ledger, _read(of_release, "builder", ReleaseInfo).run, "the run"), "builder", RUN)
    summary = _read(of_run, "builder", RunSummary)
    steps = [
        ledger.verify(_found(ledger, step.provenance, f"step {step.name!r}"), "builder", PROVENANCE)
        for step in summary.steps
    ]
    results = [ledger.verify(_found(ledger, digest, "a result"), "builder", TEST_RESULT) for digest in summary.results]
    return assemble(of_release, of_run, steps, results, [_decision(ledger, item) for item in decisions])


def _found(ledger: Verifier, digest: Digest, what: str) -> bytes:
    try:
        return ledger.envelope(digest)
    except MissingEvidenceError as error:
        raise MissingEvidenceError(f"the evidence of {what} is missing", where=str(digest), remedy=_AGAIN) from error


def _decision(ledger: Verifier, subject: Row | bytes) -> Evidence:
    # The kind decides on the role, so it is read before it is believed; verification then covers both.
    data = subject.envelope if isinstance(subject, Row) else subject
    return ledger.verify(subject, role_of_decision(Envelope.parse(data)), DECISION)


def role_of_decision(envelope: Envelope) -> str:
    """The role that an unverified envelope claims to need as a decision.

    Raises:
        MalformedError: it holds no decision.
    """
    return Decision.of(Statement.parse(envelope.payload)).role


def _read(piece: Evidence, role: str, kind: type[P]) -> P:
    record = piece.record if isinstance(piece.record, kind) else kind.of(piece.statement)
    if piece.role != role:
        raise SignatureError(
            f"{kind.TYPE} counts when signed as {role}, and was verified as {piece.role}", where=piece.digest.short
        )
    return record


def _steps(summary: RunSummary, pieces: Sequence[Evidence]) -> dict[str, Evidence]:
    given = {piece.digest: (piece, _read(piece, "builder", StepProvenance)) for piece in pieces}
    found: dict[str, Evidence] = {}
    for step in summary.steps:
        if step.provenance not in given:
            raise MissingEvidenceError(
                f"the evidence of step {step.name!r} is missing", where=str(step.provenance), remedy=_AGAIN
            )
        piece, record = given.pop(step.provenance)
        if (record.step, record.origin) != (step.name, step.origin):
            raise EvidenceError(
                f"the run calls the {step.origin} step {step.name!r} what is evidence of the {record.origin} step "
                f"{record.step!r}",
                where=piece.digest.short,
            )
        found[step.name] = piece
    if given:
        stray = next(iter(given.values()))[1]
        raise EvidenceError(f"evidence of a step that is not of this run: {stray.step!r}", where=summary.run)
    return found


def _results(summary: RunSummary, steps: Mapping[str, Evidence], pieces: Sequence[Evidence]) -> dict[str, Evidence]:
    found: dict[str, Evidence] = {}
    for piece in pieces:
        record = _read(piece, "builder", TestResult)
        where = f"result of step {record.step!r}"
        if piece.digest not in summary.results:
            raise EvidenceError("a result that is not of this run", where=where)
        if record.step in found or record.step not in steps:
            raise EvidenceError("a step has one result at most, and is of the run", where=where)
        step = steps[record.step]
        made = {subject.digest for subject in step.statement.subjects}
        if record.document not in made:
            raise EvidenceError("the results were read from what is no output of the step", where=where)
        known = made | {item.digest for item in _read(step, "builder", StepProvenance).inputs}
        if any(subject.digest not in known for subject in piece.statement.subjects):
            raise EvidenceError("the results speak of what the step neither took nor made", where=where)
        found[record.step] = piece
    absent = set(summary.results) - {piece.digest for piece in found.values()}
    if absent:
        raise MissingEvidenceError(
            f"{len(absent)} of the {len(summary.results)} results of the run are missing",
            where=str(min(absent)),
            remedy=_AGAIN,
        )
    return found


def _flow(summary: RunSummary, steps: Mapping[str, Evidence]) -> set[Digest]:
    """Follow the artifacts through the run; returns all outputs."""
    sources = {item.digest for item in summary.sources}
    made: set[Digest] = set()
    for name, piece in steps.items():
        for item in _read(piece, "builder", StepProvenance).inputs:
            if item.digest not in made and item.digest not in sources:
                raise EvidenceError(
                    f"the input {item.name!r} of step {name!r} is neither an output of an earlier step nor a declared "
                    "source",
                    where=str(item.digest),
                    remedy=_AGAIN,
                )
        made |= {subject.digest for subject in piece.statement.subjects}
    return made


def _artifacts(release: Evidence, made: set[Digest], sources: set[Digest]) -> Digest:
    model = release.statement.subject(MODEL)
    if model is None:
        raise MissingEvidenceError("the release names no model", where="release", remedy=_AGAIN)
    for subject in release.statement.subjects:
        if subject.digest not in made and (subject.name == MODEL or subject.digest not in sources):
            raise EvidenceError(
                f"no step of the run made the {subject.name} of the release", where=str(subject.digest), remedy=_AGAIN
            )
    return model


def _decisions(info: ReleaseInfo, model: Digest, evidence_set: Digest, pieces: Sequence[Evidence]) -> None:
    nonces: set[str] = set()
    for piece in pieces:
        record = Decision.of(piece.statement)
        _read(piece, record.role, Decision)
        where = f"{record.kind} of {record.name} version {record.version}"
        if (record.name, record.version) != (info.name, info.version):
            raise EvidenceError(f"the decision is not about {info.name} version {info.version}", where=where)
        if record.model != model or record.evidence != evidence_set:
            raise EvidenceError("the decision was made about another model or other evidence", where=where)
        if record.nonce in nonces:
            raise EvidenceError("the same decision is put forward twice", where=where)
        nonces.add(record.nonce)
