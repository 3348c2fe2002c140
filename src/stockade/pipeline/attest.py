"""The statements of a step, written by the engine from what it saw from outside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from stockade.errors import MalformedError, StepOutputError
from stockade.evidence import canonical
from stockade.evidence.predicates import StepProvenance, TestResult
from stockade.evidence.statement import Statement, Subject
from stockade.evidence.text import now
from stockade.pipeline.graph import Step
from stockade.pipeline.key import cache_key
from stockade.pipeline.order import Receipt
from stockade.pipeline.sources import SourceFile
from stockade.types.digest import Digest
from stockade.types.execution import Isolation
from stockade.types.record import from_plain, to_plain
from stockade.types.results import Results

_MOST_RESULTS = 8 << 20

MAJOR = 1
"""Part of every cache key; raised when the engine's own work changes what a step yields."""


@dataclass(frozen=True)
class Premises:
    """All that a step's result may depend on, as it is known before the step runs.

    Attributes:
        step: The step.
        inputs: Digest of each input, by parameter.
        sources: Its first-party source files.
        python: The interpreter.
        platform: The platform.
        packages: Installed distributions.
        required: Isolation asked for.
    """

    step: Step
    inputs: Mapping[str, Digest]
    sources: tuple[SourceFile, ...]
    python: str
    platform: str
    packages: tuple[tuple[str, str], ...]
    required: str

    @cached_property
    def key(self) -> str:
        """The cache key over all of these."""
        step = self.step
        return cache_key(
            {
                "engine": MAJOR,
                "step": step.name,
                "call": self.call,
                "origin": step.origin.value,
                "sources": [(item.name, item.digest) for item in self.sources],
                "python": self.python,
                "platform": self.platform,
                "packages": self.packages,
                "parameters": step.params,
                "inputs": {name: (step.inputs[name], digest) for name, digest in self.inputs.items()},
                "secrets": sorted(step.secrets),
                "outputs": step.outputs,
                "results": step.results,
                "subject": step.subject,
                "isolation": self.required,
            }
        )

    @property
    def call(self) -> str:
        """The function's name without the machine's folders."""
        return f"{self.step.place.rpartition('/')[2]}:{self.step.function}"


def provenance(
    premises: Premises,
    artifacts: Mapping[str, Digest],
    receipt: Receipt,
    *,
    builder: str,
    invocation: str,
    started: str,
    log: Digest | None,
) -> Statement:
    """State that this step made these artifacts out of these premises (SLSA Provenance v1)."""
    step, ending = premises.step, receipt.ending
    predicate = StepProvenance(
        step=step.name,
        call=premises.call,
        origin=step.origin,
        parameters=dict(step.params),
        inputs=tuple(Subject(f"{name}:{step.inputs[name]}", premises.inputs[name]) for name in sorted(step.inputs)),
        sources=tuple(Subject(item.name, item.digest) for item in premises.sources),
        packages=premises.packages,
        isolation=receipt.isolation or Isolation(),
        required_isolation=premises.required,
        cache_key=premises.key,
        builder=builder,
        invocation=invocation,
        started=started,
        finished=now(),
        python=premises.python,
        platform=premises.platform,
        log=log,
        usage={
            "seconds": round(receipt.seconds, 6),
            "cpu_seconds": round(ending.cpu_seconds, 6),
            "memory_bytes": float(ending.memory_bytes),
        },
    )
    return predicate.statement(tuple(Subject(name, artifacts[name]) for name in step.outputs))


def result(step: Step, results: Results, document: Digest, subject: Subject) -> Statement:
    """State what a step measured and found about an artifact (in-toto Test Result v0.1)."""
    return TestResult(results=results, step=step.name, document=document).statement((subject,))


def read_results(path: Path, where: str) -> Results:
    """Read the results document that a step wrote, as hostile.

    Raises:
        StepOutputError: it is too large or not exactly a `Results` record.
    """
    if path.stat().st_size > _MOST_RESULTS:
        raise StepOutputError("the results are longer than 8 MiB", where=where)
    try:
        plain = json.loads(path.read_bytes(), object_pairs_hook=_distinct, parse_constant=_refuse)
        results = from_plain(Results, plain, where)
        canonical.encode(to_plain(results))
    except (ValueError, RecursionError, MalformedError) as error:
        raise StepOutputError(f"the results are not a Results record: {error}", where=where) from error
    return results


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number")
