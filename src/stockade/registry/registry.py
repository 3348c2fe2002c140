"""The registry: registers versions, and takes the decisions of people about them.

    registry = Registry(ledger, "census")
    version = registry.register(run, model, (card, bom), builder)
    registry.waive(version.version, ["fairness.tpr_gap.disability"], policy, beatrix, reason="...", expires=soon)
    registry.promote(version.version, "staging", policy, ann, reason="...")
    registry.approve(version.version, "production", policy, beatrix, reason="...")
    admitted = registry.promote(version.version, "production", policy, ann, reason="...")

Every method that writes does so in one transaction of the ledger, and only after all checks passed. The caller holds
the workspace's lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from stockade.errors import TransitionError
from stockade.evidence.chain import gather
from stockade.evidence.ledger import Sealed
from stockade.evidence.predicates import ReleaseInfo
from stockade.evidence.sign import Signer, seal
from stockade.evidence.statement import Subject
from stockade.policy.admit import Admitted, admit
from stockade.policy.gathering import Request
from stockade.policy.policy import Policy
from stockade.registry import promote
from stockade.registry.reading import Reader, last_promotion, version_record
from stockade.registry.records import Event, Version
from stockade.registry.transitions import ALIASES, RETIRED, require
from stockade.types.digest import Digest

__all__ = ["Registry", "Version"]


class Registry(Reader):
    """A `Reader` that also writes. It holds no key: each method is given the `Signer` of who acts."""

    def register(self, run: Digest, model: Digest, artifacts: Sequence[Subject], builder: Signer) -> Version:
        """Make a model of a run the next version; one that is registered already is returned as it is.

        Args:
            run: Digest of the envelope that attests the run; it is in the log.
            model: Digest of the model's bytes.
            artifacts: What else belongs to the version: model card, bill of materials.
            builder: Signs in the role builder.

        Raises:
            EvidenceError: the run does not hold, or its evidence does not lead to the model.
        """
        subjects = (Subject("model", model), *sorted(artifacts, key=lambda item: item.name))
        known = self.versions()
        for version in known:
            if (version.run, version.artifacts) == (run, subjects):
                return version
        number = max((version.version for version in known), default=0) + 1
        info = ReleaseInfo(self.name, number, run)
        envelope = seal(info.statement(subjects), builder)
        # What does not hold together is not released: all that `dossier` will check later is checked now.
        gather(promote.Rehearsal(self._ledger, envelope.to_bytes(), self._clock()), envelope.to_bytes())
        version = Version(self.name, number, model, run, envelope.digest, subjects, "none", -1)
        leaves = self._ledger.append([Sealed(envelope, (version_record(version),))])
        return replace(version, leaf=leaves[0])

    def approve(
        self,
        version: int,
        target: str,
        policy: Policy,
        signer: Signer,
        *,
        reason: str,
        expires: datetime | None = None,
        author: str = "",
    ) -> Event:
        """Approve the next move of a version.

        Raises:
            SelfApprovalError: the person started the run or wrote the policy.
            RoleError: the person does not hold the role approver.
            TransitionError: the version cannot move to `target` from where it is.
            EvidenceError: the evidence does not hold.
        """
        state, dossier = self._examined(version)
        require(state, target)
        promote.require_other(self._ledger, dossier, signer, author)
        draft = promote.Draft("approval", state, target, policy.digest, reason, expires=expires)
        return self._append([promote.decide(self._ledger, dossier, draft, signer, self._clock())])[0]

    def waive(
        self,
        version: int,
        rules: Sequence[str],
        policy: Policy,
        signer: Signer,
        *,
        reason: str,
        expires: datetime,
        targets: Sequence[str] = ALIASES,
        author: str = "",
    ) -> tuple[Event, ...]:
        """Set rules aside for a version, for a time: one signed waiver a rule and alias.

        Args:
            version: The version.
            rules: Ids of the rules.
            policy: The policy they are of.
            signer: Who waives, with the role approver.
            reason: Why.
            expires: When the waivers end, at most a year from now.
            targets: Aliases that they hold for.
            author: Person who wrote the policy, empty where nobody knows.

        Raises:
            WaiverError: there is no such rule, it is never waivable, or the waiver would last too long.
            SelfApprovalError: the person started the run or wrote the policy.
            RoleError: the person does not hold the role approver.
            TransitionError: a target is no alias.
            EvidenceError: the evidence does not hold.
        """
        (state, dossier), now = self._examined(version), self._clock()
        for rule in rules:
            promote.require_waivable(policy, rule, expires, now)
        for target in targets:
            if target not in ALIASES:
                raise TransitionError(f"there is no alias {target!r}", remedy=f"aliases are {', '.join(ALIASES)}")
        promote.require_other(self._ledger, dossier, signer, author)
        drafts = [
            promote.Draft("waiver", state, target, policy.digest, reason, rule, expires)
            for rule in dict.fromkeys(rules)
            for target in dict.fromkeys(targets)
        ]
        return self._append([promote.decide(self._ledger, dossier, draft, signer, now) for draft in drafts])

    def promote(
        self, version: int, target: str, policy: Policy, signer: Signer, *, reason: str, author: str = ""
    ) -> Admitted:
        """Move an alias to a version, if the policy admits it; decision and gate are written together.

        Raises:
            stockade.errors.RefusedError: the policy does not admit it; `decision` holds every ruling.
            TransitionError: the version cannot move to `target` from where it is.
            RoleError: the person does not hold the role promoter.
            EvidenceError: the evidence does not hold.
        """
        requester = promote.require_role(self._ledger, signer, "promotion")
        (state, dossier), now = self._examined(version), self._clock()
        require(state, target)
        if target == RETIRED:
            raise TransitionError("a version is retired, not promoted", remedy="use `retire`")
        admitted = admit(policy, dossier, Request(requester, state, target, now, author))
        draft = promote.Draft("promotion", state, target, policy.digest, reason)
        decided = promote.decide(self._ledger, dossier, draft, signer, now)
        self._append([decided], [promote.gate(admitted.decision, dossier, signer)])
        return admitted

    def rollback(self, alias: str, signer: Signer, *, reason: str) -> Event:
        """Give an alias back to the version that held it before; its evidence is verified again.

        Raises:
            TransitionError: there is no alias of that name, or no earlier version can hold it.
            RoleError: the person does not hold the role promoter.
            EvidenceError: the evidence of that version does not hold.
        """
        if alias not in ALIASES:
            raise TransitionError(f"there is no alias {alias!r}", remedy=f"aliases are {', '.join(ALIASES)}")
        promote.require_role(self._ledger, signer, "rollback")
        _, standing, events = self._state()
        version = standing.previous(alias)
        policy = last_promotion(events, version, alias).decision.policy
        draft = promote.Draft("rollback", standing.state(version), alias, policy, reason)
        decided = promote.decide(self._ledger, self.dossier(version), draft, signer, self._clock())
        return self._append([decided])[0]

    def retire(self, version: int, policy: Policy, signer: Signer, *, reason: str) -> Event:
        """Take a version out of use for good; an alias that it holds becomes vacant.

        Raises:
            TransitionError: it was retired before.
            RoleError: the person does not hold the role promoter.
            EvidenceError: the evidence does not hold.
        """
        state, dossier = self._examined(version)
        require(state, RETIRED)
        draft = promote.Draft("retirement", state, RETIRED, policy.digest, reason)
        return self._append([promote.decide(self._ledger, dossier, draft, signer, self._clock())])[0]

    def _append(self, decided: Sequence[tuple[Sealed, Event]], others: Sequence[Sealed] = ()) -> tuple[Event, ...]:
        leaves = self._ledger.append([*(sealed for sealed, _ in decided), *others])
        events = [event for _, event in decided]
        return tuple(replace(event, leaf=leaf) for event, leaf in zip(events, leaves, strict=False))
