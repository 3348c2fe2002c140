"""Records about the execution of steps: where a step came from and how well it was confined."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """Whether gates advise or block."""

    RESEARCH = "research"
    PRODUCTION = "production"


class Origin(StrEnum):
    """Who wrote a step."""

    BUILT_IN = "built-in"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Isolation:
    """What confinement a step's process really had, as observed while it was put in force.

    Attributes:
        landlock: Landlock ABI enforced, 0 for none.
        seccomp: Whether a system-call filter was installed.
        capabilities_dropped: Whether all capabilities were given up.
        user_changed: Whether it ran under another uid than the runner.
        limits: Whether resource limits were set.
        fresh_interpreter: Whether a new interpreter was executed for it (``isolation = "strict"``).
        notes: What could not be had here, and why, one sentence each.
    """

    landlock: int = 0
    seccomp: bool = False
    capabilities_dropped: bool = False
    user_changed: bool = False
    limits: bool = False
    fresh_interpreter: bool = False
    notes: tuple[str, ...] = ()

    @property
    def level(self) -> str:
        """``none``, ``process``, ``sandbox`` or ``strict``: a word that policy and cache compare."""
        if not (self.landlock and self.seccomp):
            return "process" if self.limits else "none"
        return "strict" if self.fresh_interpreter else "sandbox"


ISOLATION_LEVELS = ("none", "process", "sandbox", "strict")
"""The words of `Isolation.level`, in rising order."""
