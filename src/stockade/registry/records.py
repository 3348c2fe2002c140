"""What the registry tells: versions, and what was decided about them. All of it read off verified envelopes."""

from __future__ import annotations

from dataclasses import dataclass

from stockade.errors import PolicyError
from stockade.evidence.predicates import Decision
from stockade.evidence.statement import Subject
from stockade.types.digest import Digest


class RoleError(PolicyError):
    """The person does not hold the role that this decision takes.

    The trust root says which persons may approve, waive and promote; `stockade keys` shows it.
    """

    code = "A104"


class WaiverError(PolicyError):
    """The rule cannot be waived, does not exist, or the waiver says too little.

    Rules about the evidence itself are never waivable. A waiver has a reason, and ends within a year.
    """

    code = "A105"


@dataclass(frozen=True, slots=True)
class Version:
    """One registered version; immutable but for the state that decisions give it.

    Attributes:
        name: Registered model.
        version: From 1 on.
        model: Digest of the model's bytes.
        run: Digest of the envelope that attests the run.
        release: Digest of the envelope that attests the version.
        artifacts: Everything released with it, the model first.
        state: ``none``, ``staging``, ``canary``, ``production`` or ``retired``.
        leaf: Its place in the log.
    """

    name: str
    version: int
    model: Digest
    run: Digest
    release: Digest
    artifacts: tuple[Subject, ...]
    state: str
    leaf: int


@dataclass(frozen=True, slots=True)
class Event:
    """One decision, who made it and where it stands in the log.

    Attributes:
        decision: What was decided: kind, version, from where to where, why, when, under which policy.
        persons: Who signed it in the role that it takes.
        envelope: Digest of the envelope.
        leaf: Its place in the log; events are ordered by it.
    """

    decision: Decision
    persons: tuple[str, ...]
    envelope: Digest
    leaf: int
