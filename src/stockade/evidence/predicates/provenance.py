"""How one step made its outputs: SLSA Provenance v1.

The subjects of the statement are the outputs. Fields that SLSA leaves to the build type carry plain names; additions to
SLSA's own objects begin with ``stockade_``. Everything the step may have depended on is a resolved dependency with an
annotation saying in which capacity: ``input``, ``source`` or ``package``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from stockade.evidence.predicates.form import Predicate, purl, read_purl
from stockade.evidence.statement import PROVENANCE, Subject, descriptor, read_descriptor, read_digest
from stockade.evidence.text import read_time
from stockade.types.digest import Digest
from stockade.types.execution import ISOLATION_LEVELS, Isolation, Origin
from stockade.types.record import from_plain, to_plain

BUILD_TYPE = "urn:stockade:build-type:step:v1"

_KIND = "stockade_kind"


@dataclass(frozen=True, slots=True)
class StepProvenance(Predicate):
    """What the engine saw of one execution of a step.

    Attributes:
        step: Name of the step.
        call: Function that was called, ``package.module:function``.
        origin: Whether the step is Stockade's own.
        parameters: JSON values by name.
        inputs: Digest of each input, named ``PARAMETER:ARTIFACT``.
        sources: First-party source files that the function reaches.
        packages: Installed distributions, name and version.
        isolation: Confinement achieved.
        required_isolation: Confinement asked for, one of `ISOLATION_LEVELS`.
        cache_key: Digest over all that the outputs may depend on, as text.
        builder: URI of the builder.
        invocation: Id of this execution.
        started: RFC 3339 UTC.
        finished: RFC 3339 UTC.
        python: Version of the interpreter.
        platform: Operating system and architecture.
        log: What the step printed, ``None`` where that was nothing.
        usage: Seconds, bytes and the like, by name.
    """

    TYPE: ClassVar[str] = PROVENANCE

    step: str
    call: str
    origin: Origin
    parameters: Mapping[str, Any]
    inputs: tuple[Subject, ...]
    sources: tuple[Subject, ...]
    packages: tuple[tuple[str, str], ...]
    isolation: Isolation
    required_isolation: str
    cache_key: str
    builder: str
    invocation: str
    started: str
    finished: str
    python: str
    platform: str
    log: Digest | None
    usage: Mapping[str, float]

    def __post_init__(self) -> None:
        if read_time(self.started, "startedOn") > read_time(self.finished, "finishedOn"):
            raise ValueError("a step finishes after it started")
        if self.required_isolation not in ISOLATION_LEVELS:
            raise ValueError(f"no level of isolation: {self.required_isolation[:40]!r}")

    def to_predicate(self) -> dict[str, Any]:
        """Write SLSA Provenance v1."""
        dependencies = [
            *(_dependency(item, "input") for item in self.inputs),
            *(_dependency(item, "source") for item in self.sources),
            *(_package(name, version) for name, version in self.packages),
        ]
        details: dict[str, Any] = {
            "builder": {"id": self.builder},
            "metadata": {
                "invocationId": self.invocation,
                "startedOn": self.started,
                "finishedOn": self.finished,
                "stockade_isolation": to_plain(self.isolation),
                "stockade_usage": dict(self.usage),
            },
        }
        if self.log is not None:
            details["byproducts"] = [descriptor(Subject("log", self.log))]
        return {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "step": self.step,
                    "call": self.call,
                    "origin": self.origin.value,
                    "parameters": dict(self.parameters),
                    "requiredIsolation": self.required_isolation,
                },
                "internalParameters": {
                    "cacheKey": self.cache_key,
                    "python": self.python,
                    "platform": self.platform,
                },
                "resolvedDependencies": dependencies,
            },
            "runDetails": details,
        }

    @classmethod
    def _read(cls, predicate: Mapping[str, Any]) -> StepProvenance:
        definition, details = predicate["buildDefinition"], predicate["runDetails"]
        external, internal = definition["externalParameters"], definition["internalParameters"]
        metadata = details["metadata"]
        found: dict[str, list[Any]] = {"input": [], "source": [], "package": []}
        for item in definition["resolvedDependencies"]:
            found[item["annotations"][_KIND]].append(item)
        byproducts = details.get("byproducts")
        flat = {
            "step": external["step"],
            "call": external["call"],
            "origin": external["origin"],
            "parameters": external["parameters"],
            "inputs": [_plain_subject(item) for item in found["input"]],
            "sources": [_plain_subject(item) for item in found["source"]],
            "packages": [[item["name"], read_purl(item["uri"], "pypi")[1]] for item in found["package"]],
            "isolation": metadata["stockade_isolation"],
            "required_isolation": external["requiredIsolation"],
            "cache_key": internal["cacheKey"],
            "builder": details["builder"]["id"],
            "invocation": metadata["invocationId"],
            "started": metadata["startedOn"],
            "finished": metadata["finishedOn"],
            "python": internal["python"],
            "platform": internal["platform"],
            "log": None if byproducts is None else str(read_descriptor(byproducts[0], "byproducts").digest),
            "usage": metadata["stockade_usage"],
        }
        return from_plain(cls, flat, "predicate")


def _dependency(item: Subject, kind: str) -> dict[str, Any]:
    return {**descriptor(item), "annotations": {_KIND: kind}}


def _package(name: str, version: str) -> dict[str, Any]:
    uri = purl("pypi", name.lower().replace("_", "-"), version)
    return {"name": name, "uri": uri, "annotations": {_KIND: "package"}}


def _plain_subject(item: Mapping[str, Any]) -> dict[str, str]:
    return {"name": item["name"], "digest": str(read_digest(item["digest"], "resolvedDependencies"))}
