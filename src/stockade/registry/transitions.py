"""Which way an alias may move, as a table, and what a sequence of decisions adds up to.

    none ──> staging ──> canary ──> production        any of them ──> retired
                └───────────────────────^

A version is in one state. An alias is held by at most one version; whoever held it before goes back to ``none`` and is
remembered, so that a roll-back restores it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from stockade.errors import TransitionError

NONE, STAGING, CANARY, PRODUCTION, RETIRED = "none", "staging", "canary", "production", "retired"
ALIASES = (STAGING, CANARY, PRODUCTION)
"""Aliases that a version can hold, in rising order."""

ALLOWED = frozenset(
    {
        (NONE, STAGING),
        (STAGING, CANARY),
        (STAGING, PRODUCTION),
        (CANARY, PRODUCTION),
        (NONE, RETIRED),
        (STAGING, RETIRED),
        (CANARY, RETIRED),
        (PRODUCTION, RETIRED),
    }
)
"""Every permitted pair of a state and the one after it."""


def require(source: str, target: str) -> None:
    """Check a move against the table.

    Raises:
        TransitionError: it is not there; the remedy says what is.
    """
    if (source, target) in ALLOWED:
        return
    onward = sorted(after for before, after in ALLOWED if before == source)
    remedy = f"from {source!r} a version goes to {', '.join(onward)}" if onward else "register a new version"
    raise TransitionError(f"a version in state {source!r} cannot become {target!r}", remedy=remedy)


@dataclass(slots=True)
class Standing:
    """Where the versions of one registered model stand; moved by decisions in the order of the log.

    Attributes:
        states: State of every version.
        holders: For each alias the versions that were displaced from it, oldest first, and its holder last.
    """

    states: dict[int, str] = field(default_factory=dict)
    holders: dict[str, list[int]] = field(default_factory=lambda: {alias: [] for alias in ALIASES})

    def state(self, version: int) -> str:
        """State of a version that exists."""
        return self.states.get(version, NONE)

    def holder(self, alias: str) -> int | None:
        """The version that holds an alias now, ``None`` for none."""
        past = self.holders[alias]
        return past[-1] if past and self.state(past[-1]) == alias else None

    def previous(self, alias: str) -> int:
        """The version that a roll-back of an alias would restore.

        Raises:
            TransitionError: there is none.
        """
        current = self.holder(alias)
        for version in reversed(self.holders[alias]):
            if version != current and self.state(version) == NONE:
                return version
        raise TransitionError(
            f"no earlier version can hold {alias!r} again",
            remedy="versions that were retired or hold another alias are not restored; promote one instead",
        )

    def promote(self, version: int, target: str) -> None:
        """Move a version along the table."""
        source = self.state(version)
        require(source, target)
        if source in ALIASES:
            # Who moves on is no longer one to restore here.
            self.holders[source] = [item for item in self.holders[source] if item != version]
        if target != RETIRED:
            self._displace(target)
            self._take(version, target)
        self.states[version] = target

    def roll_back(self, version: int, alias: str) -> None:
        """Restore the version that held an alias before.

        Raises:
            TransitionError: it is not that one.
        """
        if version != self.previous(alias):
            raise TransitionError(f"version {version} is not the one that held {alias!r} before")
        current = self.holder(alias)
        self._displace(alias)
        # The version rolled back from is no place to roll back to.
        self.holders[alias] = [item for item in self.holders[alias] if item != current]
        self._take(version, alias)
        self.states[version] = alias

    def _displace(self, alias: str) -> None:
        current = self.holder(alias)
        if current is not None:
            self.states[current] = NONE

    def _take(self, version: int, alias: str) -> None:
        self.holders[alias] = [*(item for item in self.holders[alias] if item != version), version]
