"""A small true world: a root of trust, a ledger on disk, and runs whose evidence hangs together."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stockade.evidence import keys
from stockade.evidence.ledger import Ledger, Sealed
from stockade.evidence.memory import CheckpointMemory
from stockade.evidence.predicates import RunStep, RunSummary, StepProvenance, TestResult
from stockade.evidence.sign import seal
from stockade.evidence.statement import Subject
from stockade.evidence.text import write_time
from stockade.evidence.trust import TrustRoot, build_root
from stockade.policy.baseline import default_policy_toml
from stockade.policy.policy import Policy
from stockade.registry.registry import Registry, Version
from stockade.store.catalogue import SqliteCatalog
from stockade.store.tiles import FolderTiles
from stockade.types.digest import Digest
from stockade.types.execution import Isolation, Mode, Origin
from stockade.types.ledger import Record
from stockade.types.results import Figure, Finding, Results, Severity
from stockade.types.scorecard import Task

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SOON = NOW + timedelta(days=30)
SANDBOX = Isolation(landlock=7, seccomp=True, capabilities_dropped=True, limits=True)

GOOD = {
    "auc": 0.89,
    "baseline.auc": 0.5,
    "ece": 0.02,
    "membership.auc": 0.51,
    "robustness.accuracy": 0.7,
    "tpr_gap.sex": 0.05,
    "tpr_gap.disability": 0.1,
}
UNFAIR = {**GOOD, "tpr_gap.disability": 0.55}
GAP = "fairness.tpr_gap.disability"


@dataclass
class Clock:
    """A clock that tests set."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Keys:
    """Everybody's keys; carl may do nothing, and the stranger is unknown to the root."""

    ann: keys.KeyPair = field(default_factory=keys.generate)
    beatrix: keys.KeyPair = field(default_factory=keys.generate)
    carl: keys.KeyPair = field(default_factory=keys.generate)
    builder: keys.KeyPair = field(default_factory=keys.generate)
    log: keys.KeyPair = field(default_factory=keys.generate)
    stranger: keys.KeyPair = field(default_factory=keys.generate)

    def root(self) -> TrustRoot:
        holders = ("ann", "beatrix", "carl", "builder", "log")
        people = [self.ann.public, self.beatrix.public]
        return build_root(
            version=1,
            expires=NOW + timedelta(days=3650),
            trial=True,
            persons={name: [getattr(self, name).public] for name in holders},
            roles={
                "root": people,
                "approver": people,
                "promoter": people,
                "source": [self.carl.public],
                "builder": [self.builder.public],
                "log": [self.log.public],
            },
            signers=[self.ann],
        )


class World:
    """A workspace with a registry, and what an attacker with write access can do to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = Keys()
        self.clock = Clock()
        self.trust = self.keys.root()
        self.policy = Policy.compile(default_policy_toml(Task.BINARY, "auc", ["sex", "disability"]))
        self.open()

    def open(self) -> None:
        """Open the workspace as a new process would."""
        if hasattr(self, "catalog"):
            self.catalog.close()
        self.catalog = SqliteCatalog(self.folder / "catalogue.db")
        self.ledger = Ledger(
            self.catalog,
            FolderTiles(self.folder / "log"),
            self.trust,
            self.keys.log,
            origin="test.example/log",
            memory=CheckpointMemory(self.folder / "outside" / "checkpoints.json"),
            clock=self.clock,
        )
        self.registry = Registry(self.ledger, "census", clock=self.clock)

    def edit(self, statement: str, *values: object) -> None:
        """Change the database behind everybody's back, and open it anew."""
        self.catalog.close()
        connection = sqlite3.connect(self.folder / "catalogue.db")
        with connection:
            connection.execute(statement, values)
        connection.close()
        self.catalog = SqliteCatalog(self.folder / "catalogue.db")
        self.open()

    def provenance(self, step: str, inputs: Iterable[Subject], outputs: Mapping[str, bytes], **changes: Any) -> Sealed:
        """Attest a step as the engine does."""
        record = StepProvenance(
            **{
                "step": step,
                "call": f"stockade.lifecycle.steps:{step}",
                "origin": Origin.BUILT_IN,
                "parameters": {},
                "inputs": tuple(Subject(f"{item.name}:{item.name}", item.digest) for item in inputs),
                "sources": (),
                "packages": (("numpy", "2.2.0"),),
                "isolation": SANDBOX,
                "required_isolation": "sandbox",
                "cache_key": "k",
                "builder": "urn:stockade:builder:local",
                "invocation": "i",
                "started": write_time(NOW),
                "finished": write_time(NOW),
                "python": "3.11",
                "platform": "linux",
                "log": None,
                "usage": {},
                **changes,
            }
        )
        subjects = [Subject(name, Digest.of(data)) for name, data in outputs.items()]
        envelope = seal(record.statement(subjects), self.keys.builder)
        return Sealed(envelope, (Record("step", step, envelope.digest, {}),))

    def result(self, step: str, about: Subject, document: bytes, results: Results) -> Sealed:
        """Attest what a check step measured."""
        envelope = seal(TestResult(results, step, Digest.of(document)).statement([about]), self.keys.builder)
        return Sealed(envelope, (Record("result", step, envelope.digest, {}),))

    def run(
        self,
        model: bytes = b"model 1",
        figures: Mapping[str, float] = GOOD,
        *,
        findings: tuple[Finding, ...] = (),
        initiator: str = "ann",
        about: bytes | None = None,
        steps: Mapping[str, Mapping[str, Any]] | None = None,
        extra: Mapping[str, Mapping[str, float]] | None = None,
    ) -> Digest:
        """Attest a whole run of five steps, and of further custom ones that measure `extra`; returns its envelope."""
        changes = steps or {}
        table, valid = Subject("source", Digest.of(b"source")), Subject("valid", Digest.of(b"valid" + model))
        made = Subject("model", Digest.of(model))
        measured = Results(
            tuple(Figure(name, value, value - 0.01, value + 0.01, 900) for name, value in figures.items())
        )
        seen = Results((Figure("rejected_share", 0.004, count=5000),))
        stages = {
            "validate": self.provenance(
                "validate",
                [table],
                {"valid": b"valid" + model, "validation": b"v" + model},
                **changes.get("validate", {}),
            ),
            "audit": self.provenance("audit", [valid], {"audited": b"a" + model}, **changes.get("audit", {})),
            "train": self.provenance("train", [valid], {"model": model}, **changes.get("train", {})),
            "assess": self.provenance(
                "assess", [made, valid], {"scorecard": b"s" + model}, **changes.get("assess", {})
            ),
        }
        subject = made if about is None else Subject("valid", Digest.of(about))
        results = [
            self.result("validate", valid, b"v" + model, seen),
            self.result("audit", valid, b"a" + model, Results(findings=findings)),
            self.result("assess", subject, b"s" + model, measured),
        ]
        for step, more in (extra or {}).items():
            stages[step] = self.provenance(step, [made], {step: step.encode() + model}, origin=Origin.CUSTOM)
            results.append(
                self.result(step, made, step.encode() + model, Results(tuple(Figure(*item) for item in more.items())))
            )
        origins = {step: changes.get(step, {}).get("origin", Origin.BUILT_IN) for step in stages}
        origins |= dict.fromkeys(extra or {}, Origin.CUSTOM)
        summary = RunSummary(
            run=model.decode(),
            project="census",
            mode=Mode.PRODUCTION,
            initiator=initiator,
            steps=tuple(
                RunStep(name, origins[name], item.envelope.digest, cached=False) for name, item in stages.items()
            ),
            skipped=(),
            results=tuple(item.envelope.digest for item in results),
            config=Digest.of(b"config"),
            sensitive=("disability", "sex"),
            started=write_time(NOW),
            finished=write_time(NOW),
            rejected=20,
            rows=5000,
            sources=(table,),
        )
        envelope = seal(summary.statement([made]), self.keys.builder)
        record = Record("run", summary.run, envelope.digest, {})
        self.ledger.append([*stages.values(), *results, Sealed(envelope, (record,))])
        return envelope.digest

    def release(self, model: bytes = b"model 1", figures: Mapping[str, float] = GOOD, **changes: Any) -> Version:
        """Run and register."""
        run = self.run(model, figures, **changes)
        return self.registry.register(run, Digest.of(model), (), self.keys.builder)

    def stage(self, version: int = 1) -> None:
        """Promote to staging."""
        self.registry.promote(version, "staging", self.policy, self.keys.ann, reason="try it")

    def approve(self, version: int = 1, target: str = "production") -> None:
        """Beatrix approves."""
        self.registry.approve(version, target, self.policy, self.keys.beatrix, reason="looks right")

    def produce(self, version: int = 1) -> None:
        """The whole honest way to production."""
        self.stage(version)
        self.approve(version)
        self.registry.promote(version, "production", self.policy, self.keys.ann, reason="go")


ALARM = Finding("audit.leak", "column x", "it foretells the target", Severity.HIGH)
