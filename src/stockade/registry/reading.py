"""Versions, aliases and history of one registered model, from verified envelopes in the order of the log.

The log says which releases and decisions there are; each is verified for its role, held to the version it names, and
applied to the table of transitions. The catalogue's rows are compared with the result: a row that was added, edited or
deleted is an error, and so is an entry of the log that nobody entitled has signed. Nothing is skipped silently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from stockade.errors import LogError, MissingEvidenceError, PolicyError, TransitionError
from stockade.evidence.chain import Dossier, gather, role_of_decision
from stockade.evidence.envelope import Envelope
from stockade.evidence.ledger import Ledger
from stockade.evidence.predicates import Decision, ReleaseInfo
from stockade.evidence.statement import DECISION, RELEASE
from stockade.evidence.verify import Evidence
from stockade.policy.admit import Admitted, admit, evaluate
from stockade.policy.decision import Decision as Judgement
from stockade.policy.gathering import Request
from stockade.policy.policy import Policy
from stockade.registry.records import Event, Version
from stockade.registry.transitions import ALIASES, Standing
from stockade.types.digest import Digest
from stockade.types.ledger import Record

KINDS = ("version", "approval", "waiver", "promotion", "rollback", "retirement")
"""Kinds of index entries that the registry writes, and checks against the log."""

_RESTORE = "the catalogue or log was altered; restore the workspace from a copy"


class Reader:
    """Reads one registered model out of a ledger. Holds no key and changes nothing.

    Args:
        ledger: Proves and verifies.
        name: The registered model.
        clock: Tells the time that expiries are held against.
    """

    def __init__(self, ledger: Ledger, name: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._ledger = ledger
        self._clock = clock
        self.name = name

    def versions(self) -> tuple[Version, ...]:
        """All versions in the order of their numbers, each with its present state.

        Raises:
            EvidenceError: a release or decision does not hold, or the catalogue contradicts the log.
        """
        releases, standing, _ = self._state()
        return tuple(replace(item, state=standing.state(number)) for number, item in sorted(releases.items()))

    def version(self, number: int) -> Version:
        """One version.

        Raises:
            MissingEvidenceError: there is none of that number.
            EvidenceError: as `versions`.
        """
        return _numbered(self.versions(), number, self.name)

    def aliases(self) -> Mapping[str, int]:
        """Which version holds each alias that is held.

        Raises:
            EvidenceError: as `versions`.
        """
        _, standing, _ = self._state()
        held = {alias: standing.holder(alias) for alias in ALIASES}
        return {alias: version for alias, version in held.items() if version is not None}

    def history(self, version: int | None = None) -> tuple[Event, ...]:
        """All decisions, or those about one version, oldest first.

        Raises:
            EvidenceError: as `versions`.
        """
        _, _, events = self._state()
        return tuple(event for event in events if version in (None, event.decision.version))

    def dossier(self, version: int) -> Dossier:
        """Gather and verify all evidence of a version: release, run, every step, every result, every decision.

        Raises:
            MissingEvidenceError: something is not there; the error names the step.
            EvidenceError: something does not hold.
        """
        return self._examined(version)[1]

    def evaluate(self, policy: Policy, version: int, target: str, requester: str, *, author: str = "") -> Judgement:
        """What a policy would say now to a promotion; nothing is decided by it.

        Args:
            policy: The policy to hold the evidence against.
            version: The version.
            target: Alias asked for.
            requester: Person who would ask.
            author: Person who wrote the policy, empty where nobody knows.

        Raises:
            EvidenceError: the evidence does not hold.
        """
        state, dossier = self._examined(version)
        return evaluate(policy, dossier, Request(requester, state, target, self._clock(), author))

    def deployed(self, alias: str) -> Event:
        """The promotion by which the version that now holds an alias got there, be it restored since or not.

        Raises:
            MissingEvidenceError: no version holds the alias.
            EvidenceError: as `versions`.
        """
        _, standing, events = self._state()
        holder = standing.holder(alias) if alias in ALIASES else None
        if holder is None:
            raise MissingEvidenceError(
                f"no version of {self.name} is {alias}",
                where=self.name,
                remedy=f"promote one: `stockade promote VERSION --to {alias}`",
            )
        return last_promotion(events, holder, alias)

    def admitted(self, alias: str, policy: Policy) -> Admitted:
        """Admit again, now, the version that holds an alias: by the policy that was recorded, over verified evidence.

        A server starts from what this returns. Waivers and approvals that expired since no longer count.

        Raises:
            MissingEvidenceError: no version holds the alias, or evidence is gone.
            PolicyError: the policy is not the one that the promotion was signed under.
            stockade.errors.RefusedError: the policy does not admit it any more.
            EvidenceError: the evidence does not hold.
        """
        event = self.deployed(alias)
        decision = event.decision
        if policy.digest != decision.policy:
            raise PolicyError(
                f"version {decision.version} was promoted under the policy {decision.policy.short}, not this one",
                where=f"policy {policy.digest.short}",
                remedy="use the recorded policy, or promote again under the new one",
            )
        request = Request(event.persons[0], decision.source, alias, self._clock())
        return admit(policy, self.dossier(decision.version), request)

    def _examined(self, number: int) -> tuple[str, Dossier]:
        """State and verified evidence of a version, from one look at the log."""
        releases, standing, events = self._state()
        version = _numbered(tuple(releases.values()), number, self.name)
        decisions = [event.envelope for event in events if event.decision.version == number]
        release = self._ledger.envelope(version.release)
        dossier = gather(self._ledger, release, [self._ledger.envelope(digest) for digest in decisions])
        return standing.state(number), dossier

    def _state(self) -> tuple[dict[int, Version], Standing, tuple[Event, ...]]:
        releases = self._releases()
        standing, events = self._applied(releases)
        self._check_index(releases, events)
        return releases, standing, events

    def _releases(self) -> dict[int, Version]:
        found: dict[int, Version] = {}
        for leaf, digest in self._ledger.entries(RELEASE):
            evidence = self._ledger.verify(self._ledger.envelope(digest), "builder", RELEASE)
            info = ReleaseInfo.of(evidence.statement)
            model = evidence.statement.subject("model")
            if info.name != self.name:
                continue
            if info.version in found or model is None:
                reason = "names no model" if model is None else "was released twice"
                raise LogError(f"version {info.version} {reason}", where=f"log entry {leaf}", remedy=_RESTORE)
            subjects = sorted(evidence.statement.subjects, key=lambda item: (item.name != "model", item.name))
            found[info.version] = Version(
                info.name, info.version, model, info.run, digest, tuple(subjects), "none", leaf
            )
        return found

    def _applied(self, releases: Mapping[int, Version]) -> tuple[Standing, tuple[Event, ...]]:
        standing, events = Standing(), list[Event]()
        nonces: set[str] = set()
        for leaf, digest in self._ledger.entries(DECISION):
            evidence = self._decided(digest)
            decision = Decision.of(evidence.statement)
            where = f"log entry {leaf}"
            if decision.nonce in nonces:
                raise LogError("a decision was replayed", where=where, remedy=_RESTORE)
            nonces.add(decision.nonce)
            if decision.name != self.name:
                continue
            version = releases.get(decision.version)
            if version is None or version.leaf > leaf or version.model != decision.model:
                raise LogError(
                    f"a decision is about version {decision.version}, which was not released so",
                    where=where,
                    remedy=_RESTORE,
                )
            try:
                _apply(standing, decision)
            except TransitionError as error:
                raise LogError(f"a decision cannot be: {error.message}", where=where, remedy=_RESTORE) from error
            events.append(Event(decision, evidence.persons, digest, leaf))
        return standing, tuple(events)

    def _check_index(self, releases: Mapping[int, Version], events: Sequence[Event]) -> None:
        expected = [version_record(item) for item in releases.values()] + [event_record(item) for item in events]
        prefix = f"{self.name}@"
        found = [row.record for kind in KINDS for row in self._ledger.find(kind) if row.record.key.startswith(prefix)]
        unproven = [record for record in found if record not in expected]
        hidden = [record for record in expected if record not in found]
        if unproven:
            record, what = unproven[0], "is not what the log proves: it was added or edited"
        elif hidden:
            record, what = hidden[0], "is in the log and was deleted from the catalogue"
        elif len(found) != len(expected):
            record, what = found[-1], "stands in the catalogue twice"
        else:
            return
        raise LogError(f"the {record.kind} of {record.key} {what}", where="catalogue", remedy=_RESTORE)

    def _decided(self, digest: Digest) -> Evidence:
        data = self._ledger.envelope(digest)
        # The role depends on the kind; verification then proves both at once.
        return self._ledger.verify(data, role_of_decision(Envelope.parse(data)), DECISION)


def last_promotion(events: Sequence[Event], version: int, alias: str) -> Event:
    """The newest promotion of a version to an alias.

    Raises:
        MissingEvidenceError: there is none.
    """
    for event in reversed(events):
        decision = event.decision
        if (decision.kind, decision.version, decision.target) == ("promotion", version, alias):
            return event
    raise MissingEvidenceError(f"version {version} was never promoted to {alias}")


def version_record(version: Version) -> Record:
    """The index entry of a version."""
    fields = {"version": str(version.version), "model": str(version.model)}
    return Record("version", f"{version.name}@{version.version}", version.release, fields)


def event_record(event: Event) -> Record:
    """The index entry of a decision."""
    decision = event.decision
    fields = {
        "persons": ", ".join(event.persons),
        "source": decision.source,
        "target": decision.target,
        "rule": decision.rule,
        "reason": decision.reason,
        "expires": decision.expires,
        "made": decision.made,
    }
    return Record(decision.kind, f"{decision.name}@{decision.version}", event.envelope, fields)


def _apply(standing: Standing, decision: Decision) -> None:
    if decision.kind in {"approval", "waiver"}:
        return
    state = standing.state(decision.version)
    if decision.source != state:
        raise TransitionError(f"version {decision.version} is in state {state!r}, not {decision.source!r}")
    if decision.kind == "rollback":
        standing.roll_back(decision.version, decision.target)
    else:
        standing.promote(decision.version, decision.target)


def _numbered(versions: Sequence[Version], number: int, name: str) -> Version:
    for item in versions:
        if item.version == number:
            return item
    known = ", ".join(str(item.version) for item in versions) or "none"
    raise MissingEvidenceError(
        f"there is no version {number} of {name}", where=name, remedy=f"registered versions: {known}"
    )
