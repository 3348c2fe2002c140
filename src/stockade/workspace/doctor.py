"""What this machine can and cannot enforce, found out by trying."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

from stockade.sandbox.probe import probe

_FURTHER = frozenset({"another user"})
"""What makes the sandbox stronger, and is not needed for it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried.

    Attributes:
        name: What it is.
        holds: Whether it works here.
        detail: What was seen.
        remedy: What to do when it does not.
    """

    name: str
    holds: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """All checks; `can_confine` tells whether steps run in the full sandbox."""

    checks: tuple[Check, ...]

    @property
    def can_confine(self) -> bool:
        """Whether every ability that the sandbox needs holds."""
        return all(check.holds for check in self.checks if check.name not in _FURTHER)


def examine() -> Health:
    """Try everything; changes nothing about this process or machine."""
    checks = [Check("Python 3.11 or newer", sys.version_info >= (3, 11), platform.python_version())]
    checks += [Check(item.name, item.holds, item.detail, item.remedy) for item in probe()]
    return Health(tuple(checks))
