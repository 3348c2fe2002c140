"""A small world: persons with fixed keys, a log in memory, and a run of three steps that ends in a release.

Keys come from fixed seeds and times are fixed, so every byte is the same on every machine and golden files can be held
against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stockade.errors import MissingEvidenceError
from stockade.evidence.chain import Dossier, assemble
from stockade.evidence.envelope import Envelope
from stockade.evidence.keys import KeyPair
from stockade.evidence.ledger import CheckpointMemory, Ledger, Sealed
from stockade.evidence.predicates import (
    Decision,
    Gate,
    GateRuling,
    ReleaseInfo,
    RunStep,
    RunSummary,
    StepProvenance,
    TestResult,
)
from stockade.evidence.sign import seal
from stockade.evidence.statement import Subject
from stockade.evidence.trust import TrustRoot, build_root
from stockade.evidence.verify import Evidence
from stockade.types.digest import Digest
from stockade.types.execution import Isolation, Mode, Origin
from stockade.types.ledger import Record, Row
from stockade.types.results import Figure, Finding, Results, Severity

NOW = datetime(2026, 11, 21, 4, 15, tzinfo=UTC)
STAMP = "2026-11-21T04:00:00Z"
ORIGIN = "stockade.example/log"
MODEL = b"the bytes of a model"
CARD = b"{}"


def key(number: int) -> KeyPair:
    """A key that is the same everywhere."""
    return KeyPair(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


class MemoryTiles:
    """Log storage in a dictionary; refuses to change what never changes."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.reads = 0
        self.fail_after: int | None = None

    def read(self, path: str) -> bytes:
        self.reads += 1
        if path not in self.files:
            raise MissingEvidenceError(f"no {path}")
        return self.files[path]

    def write(self, path: str, data: bytes) -> None:
        if self.fail_after is not None:
            if self.fail_after == 0:
                raise OSError("the power failed")
            self.fail_after -= 1
        assert path == "checkpoint" or self.files.get(path, data) == data, path
        self.files[path] = data


class MemoryCatalog:
    """A catalogue in lists."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.envelopes: dict[Digest, bytes] = {}
        self.entries: list[bytes] = []
        self.places: dict[Digest, int] = {}

    def commit(self, records: Sequence[Record], envelopes: Sequence[bytes], leaves: Sequence[bytes]) -> range:
        start = len(self.entries)
        for place, (data, leaf) in enumerate(zip(envelopes, leaves, strict=True), start):
            self.envelopes[Digest.of(data)] = data
            self.places.setdefault(Digest.of(data), place)
            self.entries.append(leaf)
        self.records.extend(records)
        return range(start, len(self.entries))

    def find(self, kind: str, key: str | None = None) -> list[Row]:
        return [
            Row(record, self.envelopes[record.envelope], self.places[record.envelope])
            for record in self.records
            if record.kind == kind and key in (None, record.key)
        ]

    def leaves(self, start: int, stop: int) -> list[bytes]:
        return self.entries[start:stop]

    def envelope(self, digest: Digest) -> bytes | None:
        return self.envelopes.get(digest)


def provenance(step: str, inputs: dict[str, bytes], **changes: object) -> StepProvenance:
    """What the engine would say of a step."""
    record = StepProvenance(
        step=step,
        call=f"stockade.lifecycle.steps:{step}",
        origin=Origin.BUILT_IN,
        parameters={"seed": 7, "share": 0.25, "words": ["é", "\u2028"]},
        inputs=tuple(Subject(f"{name}:{name}", Digest.of(data)) for name, data in inputs.items()),
        sources=(Subject("stockade/lifecycle/steps.py", Digest.of(b"source")),),
        packages=(("numpy", "2.2.6"), ("scikit_learn", "1.8.0+local")),
        isolation=Isolation(landlock=7, seccomp=True, capabilities_dropped=True, limits=True),
        required_isolation="sandbox",
        cache_key=Digest.of(step.encode()).hex,
        builder="urn:stockade:builder:local",
        invocation=f"run-1/{step}",
        started=STAMP,
        finished="2026-11-21T04:00:01.5Z",
        python="3.11.7",
        platform="linux-x86_64",
        log=Digest.of(b"printed"),
        usage={"seconds": 1.5, "memory_bytes": 1048576.0},
    )
    return replace(record, **changes)  # type: ignore[arg-type]


RESULTS = Results(
    figures=(Figure("auc", 0.83125, 0.81, 0.85, 1000), Figure("tpr_gap.disability", 0.6)),
    findings=(
        Finding("assess.fairness", "column disability", "the gap is 0.6", Severity.HIGH, "tpr_gap", 0.6, 0.2),
        Finding("assess.slices", "slice age < 25", "worse by 0.1", Severity.LOW),
    ),
    checks=("assess.calibration", "assess.fairness", "assess.slices"),
)


@dataclass
class World:
    """Everything that a test needs, under names."""

    alice: KeyPair = field(default_factory=lambda: key(1))
    bob: KeyPair = field(default_factory=lambda: key(2))
    builder: KeyPair = field(default_factory=lambda: key(3))
    log: KeyPair = field(default_factory=lambda: key(4))
    stranger: KeyPair = field(default_factory=lambda: key(5))
    catalog: MemoryCatalog = field(default_factory=MemoryCatalog)
    tiles: MemoryTiles = field(default_factory=MemoryTiles)
    memory_file: Path = Path()
    trust: TrustRoot = field(init=False)
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.trust = self.root()
        self.ledger = self.open()

    def root(self, **changes: object) -> TrustRoot:
        people = [self.alice.public, self.bob.public]
        values: dict[str, object] = {
            "version": 1,
            "expires": datetime(3000, 1, 1, tzinfo=UTC),
            "trial": False,
            "persons": {
                "alice": [self.alice.public],
                "bob": [self.bob.public],
                "builder": [self.builder.public],
                "log": [self.log.public],
            },
            "roles": {
                "root": people,
                "builder": [self.builder.public],
                "log": [self.log.public],
                "approver": people,
                "promoter": [self.alice.public],
            },
            "signers": [self.alice, self.bob],
            "thresholds": {"root": 2},
        }
        return build_root(**{**values, **changes})  # type: ignore[arg-type]

    def open(self, *, read_only: bool = False, memory: Path | None = None) -> Ledger:
        return Ledger(
            self.catalog,
            self.tiles,
            self.trust,
            None if read_only else self.log,
            ORIGIN,
            CheckpointMemory(memory or self.memory_file),
            clock=lambda: NOW,
        )

    def seal_step(self, step: str, inputs: dict[str, bytes], outputs: dict[str, bytes], **changes: object) -> Envelope:
        subjects = [Subject(name, Digest.of(data)) for name, data in outputs.items()]
        return seal(provenance(step, inputs, **changes).statement(subjects), self.builder)

    def append(self, envelope: Envelope, kind: str = "step", key: str = "k") -> Envelope:
        self.ledger.append([Sealed(envelope, (Record(kind, key, envelope.digest, {}),))])
        return envelope

    def evidence(self, envelope: Envelope, role: str = "builder") -> Evidence:
        if self.catalog.envelope(envelope.digest) is None:
            self.append(envelope)
        return self.ledger.verify(envelope, role)


@dataclass
class Story:
    """The evidence of one release, piece by piece, so that a test can leave one out or forge it."""

    world: World
    steps: list[Envelope]
    result: Envelope
    run: Envelope
    release: Envelope
    summary: RunSummary

    def dossier(self, *decisions: Envelope) -> Dossier:
        evidence = self.world.evidence
        return assemble(
            evidence(self.release),
            evidence(self.run),
            [evidence(step) for step in self.steps],
            [evidence(self.result)],
            [evidence(item, Decision.of(_statement(item)).role) for item in decisions],
        )

    def decision(self, kind: str = "approval", signer: KeyPair | None = None, **changes: object) -> Envelope:
        dossier = self.dossier()
        record = Decision(
            kind=kind,
            name="people",
            version=3,
            model=dossier.model,
            source="none",
            target="staging",
            policy=Digest.of(b"policy"),
            evidence=dossier.evidence_set,
            rule="fairness.tpr_gap" if kind == "waiver" else "",
            reason="not used for decisions about people",
            expires="2026-12-21T04:00:00Z" if kind == "waiver" else "",
            nonce="00112233445566778899aabbccddeeff",
            made=STAMP,
        )
        record = replace(record, **changes)  # type: ignore[arg-type]
        return seal(record.statement([Subject("model", record.model)]), signer or self.world.bob)

    def gate(self) -> Envelope:
        record = Gate(
            verifier="urn:stockade:policy:local",
            time=STAMP,
            resource="pkg:generic/people@3",
            policy=Digest.of(b"policy"),
            inputs=(self.release.digest, self.run.digest),
            passed=True,
            levels=("SLSA_BUILD_LEVEL_1",),
            rulings=(GateRuling("fairness.tpr_gap", "waived", "tpr_gap.disability", 0.6, "0.2", "", ("bob",)),),
        )
        return seal(record.statement([Subject("model", Digest.of(MODEL))]), self.world.alice)


def _statement(envelope: Envelope):
    from stockade.evidence.statement import Statement

    return Statement.parse(envelope.payload)


def tell(world: World, **changes: object) -> Story:
    """Run three steps, register what came out."""
    steps = [
        world.seal_step("ingest", {"source": b"csv"}, {"raw": b"rows"}),
        world.seal_step("train", {"raw": b"rows"}, {"model": MODEL}),
        world.seal_step("assess", {"model": MODEL, "raw": b"rows"}, {"assessment": b"figures", "card": CARD}),
    ]
    result = seal(
        TestResult(RESULTS, "assess", Digest.of(b"figures")).statement([Subject("model", Digest.of(MODEL))]),
        world.builder,
    )
    summary = RunSummary(
        run="run-1",
        project="census",
        mode=Mode.PRODUCTION,
        initiator="alice",
        steps=tuple(
            RunStep(name, Origin.BUILT_IN, step.digest, cached=False)
            for name, step in zip(("ingest", "train", "assess"), steps, strict=True)
        ),
        skipped=("audit",),
        results=(result.digest,),
        config=Digest.of(b"config"),
        sensitive=("disability",),
        started=STAMP,
        finished="2026-11-21T04:01:00Z",
        rejected=20,
        rows=1000,
        sources=(Subject("source", Digest.of(b"csv")),),
    )
    summary = replace(summary, **changes)  # type: ignore[arg-type]
    model = Subject("model", Digest.of(MODEL))
    run = seal(summary.statement([model]), world.builder)
    info = ReleaseInfo("people", 3, run.digest)
    release = seal(info.statement([model, Subject("card", Digest.of(CARD))]), world.builder)
    for kind, envelope in [*(("step", step) for step in steps), ("result", result), ("run", run), ("version", release)]:
        world.append(envelope, kind)
    return Story(world, steps, result, run, release, summary)


@pytest.fixture
def world(tmp_path):
    return World(memory_file=tmp_path / "memory" / "checkpoints.json")


@pytest.fixture
def story(world):
    return tell(world)
