"""What runner, zygote and child say to each other; each message is strict JSON.

Trusted are a `Task` (runner to child) and an `Ending` (zygote to runner). Everything a child says after its first line
comes from a process that runs the step's code, and `channel` reads it as hostile.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from stockade.pipeline.graph import Step
from stockade.types.digest import Digest
from stockade.types.execution import Isolation
from stockade.types.record import from_plain, to_plain


@dataclass(frozen=True, slots=True)
class Task:
    """Everything a child needs to know; no path of the store and no secret is in it."""

    call: str
    outputs: int
    inputs: Mapping[str, str]
    params: Mapping[str, Any]
    folder: str
    read: tuple[str, ...]
    sources: tuple[str, ...]
    listed: tuple[str, ...]
    environment: Mapping[str, str]
    memory_bytes: int
    output_bytes: int
    seconds: float
    threads: int
    processes: int
    user: int | None
    fresh: bool

    def to_bytes(self) -> bytes:
        """Write as JSON."""
        return json.dumps(to_plain(self)).encode()

    @classmethod
    def parse(cls, data: bytes) -> Task:
        """Read what `to_bytes` wrote; ValueError for anything else."""
        return from_plain(cls, json.loads(data))


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended.

    Attributes:
        status: Exit code, negative for the number of a signal.
        reason: ``exit``, or the limit that ended it: ``time``, ``memory``, ``output``, ``threads``, ``processes``; or
            ``abort`` when the runner asked for it.
        cpu_seconds: Processor time of the child.
        memory_bytes: Largest resident set of the child.
    """

    status: int
    reason: str
    cpu_seconds: float
    memory_bytes: int

    def to_bytes(self) -> bytes:
        """Write as JSON."""
        return json.dumps(to_plain(self)).encode()

    @classmethod
    def parse(cls, data: bytes) -> Ending:
        """Read what `to_bytes` wrote; ValueError for anything else."""
        return from_plain(cls, json.loads(data))


@dataclass(frozen=True, slots=True)
class Progress:
    """A report of a step: units done, units in all (0: not known), and a line for people. Claims, not facts."""

    done: float
    total: float
    text: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step did not finish, as far as its own process could tell.

    Attributes:
        kind: Name of the exception's class.
        message: Its text.
        code: The stable code, where it was a deliberate error of this package.
        where: Place, as the error gives it.
        remedy: What to do, as the error gives it.
    """

    kind: str
    message: str
    code: str = ""
    where: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """A step to execute.

    Attributes:
        step: What to run.
        inputs: A private, verified file for each input, by parameter; the executor takes them over.
        secrets: A file for each secret, by parameter; the executor copies them.
        sources: Files the step's code may be read from, besides installed packages.
        folder: An empty private folder to work in; the caller removes it when done.
    """

    step: Step
    inputs: Mapping[str, Path]
    secrets: Mapping[str, Path]
    sources: tuple[Path, ...]
    folder: Path


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the executor saw from outside.

    Attributes:
        isolation: The confinement achieved, None when the process ended before that was known.
        ending: How the process ended.
        failure: Why it failed, None when it did not.
        outputs: A private copy of each output, with the digest it had while copied; empty on failure.
        log: What the step printed, from its start and its end where it was much.
        seconds: Wall-clock time.
    """

    isolation: Isolation | None
    ending: Ending
    failure: Failure | None
    outputs: tuple[tuple[Path, Digest], ...]
    log: bytes
    seconds: float


class Executor(Protocol):
    """Runs orders somewhere, confined.

    Contract: `execute` returns once no process of the step is left, and only then reads its outputs; a step that
    fails gives a receipt with a failure and not an exception. The caller owns the order's folder and all receipt
    paths lie in it. One order at a time.
    """

    def execute(self, order: Order, report: Callable[[Progress], None]) -> Receipt:
        """Run one step. Raises ServiceError when the machinery itself fails."""
        ...

    def close(self) -> None:
        """End all processes; may be called twice."""
        ...
