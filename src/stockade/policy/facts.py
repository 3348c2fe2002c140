"""What a policy is held against: facts read off verified evidence, ready for Cedar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stockade.policy.bound import scaled
from stockade.types.execution import ISOLATION_LEVELS
from stockade.types.results import Figure


@dataclass(frozen=True, slots=True)
class Waived:
    """Who set a rule aside, and until when (RFC 3339, the last of their waivers)."""

    persons: tuple[str, ...]
    until: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that rules can ask about.

    Attributes:
        name: Registered model.
        version: Its version.
        source: Alias or state before.
        target: Alias asked for.
        mode: Mode of the run.
        requester: Person who asks.
        initiator: Person who started the run.
        figures: Figures that built-in steps measured, by name.
        all_figures: The same with those of custom steps.
        ambiguous: Figures that two results state differently; they count as missing.
        steps: Steps with evidence.
        skipped: Steps that the run left out.
        custom_steps: Steps that the project's own code replaced or added.
        failed_steps: Steps whose findings reach severity high.
        isolation: Confinement of each step.
        trial: Whether the root of trust is a trial one.
        unlogged: What is not in the transparency log.
        approvers: Persons whose approvals count.
        waived: Rules set aside.
        notes: Decisions that do not count, and why.
    """

    name: str = "model"
    version: int = 1
    source: str = "none"
    target: str = "staging"
    mode: str = "research"
    requester: str = "nobody"
    initiator: str = "nobody"
    figures: Mapping[str, Figure] = field(default_factory=dict)
    all_figures: Mapping[str, Figure] = field(default_factory=dict)
    ambiguous: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    custom_steps: frozenset[str] = frozenset()
    failed_steps: frozenset[str] = frozenset()
    isolation: Mapping[str, str] = field(default_factory=dict)
    trial: bool = True
    unlogged: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    waived: Mapping[str, Waived] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def figure(self, name: str, *, custom: bool = False) -> Figure | None:
        """A figure that counts: unambiguous, finite and within 64 bits of billionths."""
        found = (self.all_figures if custom else self.figures).get(name)
        usable = found is not None and name not in self.ambiguous and scaled(found.value) is not None
        return found if usable else None

    def context(self, known: frozenset[str], waived: frozenset[str]) -> dict[str, Any]:
        """The Cedar context. Figures that the schema does not know, or that have no value, are absent from it."""
        levels = [ISOLATION_LEVELS.index(level) for level in self.isolation.values()]
        return {
            "figures": self._scaled(known, custom=False),
            "all_figures": self._scaled(known, custom=True),
            "name": self.name,
            "version": self.version,
            "source": self.source,
            "target": self.target,
            "mode": self.mode,
            "initiator": self.initiator,
            "steps": sorted(self.steps),
            "skipped": sorted(self.skipped),
            "custom_steps": sorted(self.custom_steps),
            "failed_steps": sorted(self.failed_steps),
            # Without a single step nothing was confined.
            "isolation": min(levels, default=0),
            "trial": self.trial,
            "logged": not self.unlogged,
            "approvals": len(set(self.approvers)),
            "approvers": sorted(set(self.approvers)),
            "waived": sorted(waived),
        }

    def _scaled(self, known: frozenset[str], *, custom: bool) -> dict[str, int]:
        names = known & set(self.all_figures if custom else self.figures)
        found = {name: self.figure(name, custom=custom) for name in sorted(names)}
        billionths = {name: scaled(figure.value) for name, figure in found.items() if figure is not None}
        return {name: value for name, value in billionths.items() if value is not None}
