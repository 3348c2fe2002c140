"""A project: a folder with a ``stockade.toml``, and the verbs of the command line as methods.

project = Project.open(".")
run = project.run()
project.promote(run.version, "staging", reason="figures reviewed")
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from stockade.errors import ConfigError
from stockade.evidence.statement import RUN, VSA
from stockade.evidence.text import write_time
from stockade.evidence.trust import TrustRoot
from stockade.workspace import remembered
from stockade.workspace.config import FILE_NAME, Config, load
from stockade.workspace.wiring import Workspace, people, read_trust, reading, writing

if TYPE_CHECKING:
    from stockade.evidence.sign import Signer
    from stockade.pipeline.events import Event
    from stockade.policy.decision import Decision
    from stockade.policy.policy import Policy
    from stockade.registry.records import Version
    from stockade.registry.registry import Registry
    from stockade.workspace.outcomes import (
        Answers,
        Decided,
        HistoryLine,
        Run,
        RunLine,
        Shown,
        Status,
    )
    from stockade.workspace.reporting import Reading
    from stockade.workspace.serving import Endpoint

REPORT_FILE = "report.html"
BUNDLE_SUFFIX = ".stockade"


class Project:
    """One project on this machine.

    Attributes:
        root: Its folder.
        config: Its configuration.
        trust: Its root of trust.
    """

    def __init__(self, root: Path, config: Config, trust: TrustRoot) -> None:
        self.root = root
        self.config = config
        self.trust = trust

    @classmethod
    def open(cls, path: str | Path = ".") -> Project:
        """Open the project in a folder.

        Raises:
            ConfigError: the configuration or the root of trust is missing or wrong.
            UntrustedError: the root of trust is another than when this folder was opened before.
        """
        root = Path(path)
        config, trust = load(root / FILE_NAME), read_trust(root)
        remembered.require_same(root, trust)
        return cls(root, config, trust)

    @property
    def name(self) -> str:
        """Name of the registered model."""
        return self.config.project.name or self.root.resolve().name

    @property
    def owner(self) -> str:
        """The person who starts runs and asks for promotions.

        Raises:
            ConfigError: the configuration names somebody whom the root of trust does not know.
        """
        known = people(self.trust)
        owner = self.config.project.owner or known[0]
        if owner not in known:
            raise ConfigError(
                f"owner = {owner!r} is no person of the root of trust",
                where=str(self.root / FILE_NAME),
                remedy=f"it knows {', '.join(known)}",
            )
        return owner

    def run(self, on_event: Callable[[Event], None] = lambda _event: None) -> Run:
        """Run the pipeline up to a registered version; finished steps of an interrupted run are not repeated.

        Raises:
            ConfigError, DataError, StepError: something in the project is wrong; finished steps are kept.
            EvidenceError: stored evidence was altered.
            ServiceError: this machine cannot.
        """
        from stockade.workspace.outcomes import run_of
        from stockade.workspace.reporting import Reading
        from stockade.workspace.running import Pipeline

        start = time.perf_counter()
        with self._writing() as space:
            pipeline = Pipeline(self.root, self.config, space, self.owner)
            pipeline.propose(on_event)
            policy = pipeline.policy()
            outcome, version = pipeline.run(on_event)
            story = Reading(space, space.ledger.verify(space.ledger.envelope(version.run), "builder", RUN))
            decision = self._standing(space, policy, version)
            report = self._write_report(space, story, version, decision)
        return run_of(outcome, version, story, decision, report, time.perf_counter() - start)

    def status(self) -> Status:
        """What there is."""
        from stockade.workspace import showing
        from stockade.workspace.outcomes import Status

        with self._reading() as space:
            registry = self._registry(space)
            lines = tuple(showing.version_line(space, version) for version in registry.versions())
            return Status(
                name=self.name,
                folder=str(self.root.resolve()),
                mode=self.config.project.mode,
                trust=self.trust.digest,
                trial=self.trust.trial,
                versions=lines,
                aliases=registry.aliases(),
                runs=len(space.ledger.find("run")),
                log_size=space.ledger.checkpoint().size,
            )

    def runs(self) -> tuple[RunLine, ...]:
        """All runs, oldest first, each from its verified statement."""
        from stockade.workspace import showing

        with self._reading() as space:
            return tuple(showing.run_line(space, row) for row in space.ledger.find("run"))

    def show(self, what: str = "") -> Shown:
        """A run by id, a version by number, a step or an artifact of the newest run by name.

        Raises:
            ConfigError: there is no such thing.
        """
        from stockade.workspace import showing

        with self._reading() as space:
            return showing.show(space, self._registry(space), what)

    def report(self, version: int | None = None, output: Path | None = None) -> Path:
        """Write the page of a version (default: the newest) and return where."""
        from stockade.workspace.reporting import Reading

        with self._reading() as space:
            registry = self._registry(space)
            found = registry.version(version) if version else registry.versions()[-1]
            story = Reading(space, space.ledger.verify(space.ledger.envelope(found.run), "builder", RUN))
            decision = self._standing(space, self.policy(), found)
            return self._write_report(space, story, found, decision, output)

    def policy(self) -> Policy:
        """The project's policy, compiled and validated."""
        from stockade.policy.policy import Policy

        return Policy.load(self.root / self.config.policy.folder)

    def explain(self, version: int, target: str) -> Decision:
        """What the policy says to promoting a version now, every rule with its figure; nothing is signed."""
        with self._reading() as space:
            return self._registry(space).evaluate(self.policy(), version, target, self.owner)

    def approve(self, version: int, target: str, *, person: str, reason: str, days: float = 30.0) -> Decided:
        """Approve a promotion as another person than the one who ran it.

        Raises:
            SelfApprovalError: it is the same person.
            SignatureError: the person's key is not here, or the person may not approve.
        """
        from stockade.workspace.outcomes import Decided

        expires = _in_days(days)
        with self._deciding(person) as (_, registry, signer):
            registry.approve(version, target, self.policy(), signer, reason=reason, expires=expires)
        return Decided("approval", version, target, person, expires=write_time(expires))

    def waive(
        self, version: int, rule: str, targets: tuple[str, ...], *, person: str, reason: str, days: float = 30.0
    ) -> tuple[Decided, ...]:
        """Waive a rule for one version, for a limited time, as another person than the one who ran it.

        Raises:
            SelfApprovalError: it is the same person.
            PolicyError: the policy has no such rule, or nobody may waive it.
        """
        from stockade.workspace.outcomes import Decided

        expires = _in_days(days)
        with self._deciding(person) as (_, registry, signer):
            registry.waive(version, [rule], self.policy(), signer, reason=reason, expires=expires, targets=targets)
        until = write_time(expires)
        return tuple(Decided("waiver", version, target, person, expires=until, rule=rule) for target in targets)

    def promote(self, version: int, target: str, *, person: str = "", reason: str = "requested") -> Decided:
        """Move an alias to a version, if the policy admits it.

        Raises:
            RefusedError: the policy does not admit it; every rule that refused is listed.
            TransitionError: the alias does not move that way.
        """
        from stockade.workspace.outcomes import Decided

        who = person or self.owner
        policy = self.policy()
        with self._deciding(who) as (space, registry, signer):
            if target == "retired":
                registry.retire(version, policy, signer, reason=reason)
                return Decided("retirement", version, target, who)
            # The policy is kept first, so that no promotion can refer to one that is not there.
            space.blobs.put(policy.to_bytes())
            admitted = registry.promote(version, target, policy, signer, reason=reason)
        return Decided("promotion", version, target, who, decision=admitted.decision)

    def rollback(self, alias: str, *, reason: str, person: str = "") -> Decided:
        """Give an alias back to the version that held it before.

        Raises:
            TransitionError: there is none.
        """
        from stockade.workspace.outcomes import Decided

        who = person or self.owner
        with self._deciding(who) as (_, registry, signer):
            event = registry.rollback(alias, signer, reason=reason)
        return Decided("rollback", event.decision.version, alias, who)

    def history(self) -> tuple[HistoryLine, ...]:
        """All decisions, oldest first, each from its verified envelope."""
        from stockade.workspace import showing

        with self._reading() as space:
            return tuple(showing.history_line(event) for event in self._registry(space).history())

    def bundle(self, version: int, output: Path | None = None) -> Path:
        """Write one file that proves a version to whoever holds the root of trust; returns where.

        Raises:
            EvidenceError: the evidence is not complete, or an artifact was altered.
        """
        from stockade.evidence.bundle import write_bundle

        path = output or Path(f"{self.name}-{version}{BUNDLE_SUFFIX}")
        with self._reading() as space:
            registry = self._registry(space)
            found = registry.version(version)
            policies = {event.decision.policy for event in registry.history(version)}
            write_bundle(
                path,
                registry.dossier(version),
                space.ledger,
                artifacts={_FILES.get(item.name, item.name): space.blobs.get(item.digest) for item in found.artifacts},
                policies=[space.blobs.get(digest) for digest in sorted(policies) if space.blobs.has(digest)],
                further=[
                    space.ledger.verify(row, "promoter", VSA)
                    for row in space.ledger.find("gate", f"{self.name}@{version}")
                ],
            )
        return path

    def serve(
        self,
        alias: str = "production",
        *,
        host: str | None = None,
        port: int | None = None,
        ready: Callable[[Endpoint], None] | None = None,
    ) -> None:
        """Verify the chain of the version that holds an alias, boot from its verified bytes, serve until stopped.

        Raises:
            EvidenceError, PolicyError: the version is not, or no longer, proven and admitted; nothing was served.
            ServiceError: the port is taken, or this machine cannot.
        """
        from stockade.workspace.serving import serve

        with self._reading() as space:
            serve(space, self.name, self.config.serve, alias, host=host, port=port, ready=ready)

    def predict(self, source: Path, alias: str = "production", *, output: Path | None = None) -> Answers:
        """Predict the rows of a file with the version that holds an alias, after verifying its chain."""
        from stockade.workspace.predicting import predict

        with self._reading() as space:
            return predict(space, self.name, source, alias, output=output)

    def _standing(self, space: Workspace, policy: Policy, version: Version) -> Decision:
        """What the policy says now: to the place that a version has, or else to the first one it could have."""
        from stockade.policy.admit import evaluate
        from stockade.policy.gathering import Request

        registry = self._registry(space)
        if version.state in registry.aliases():
            made = registry.deployed(version.state).decision
            request = Request(self.owner, made.source, made.target, datetime.now(UTC))
            return evaluate(policy, registry.dossier(version.version), request)
        return registry.evaluate(policy, version.version, "staging", self.owner)

    def _registry(self, space: Workspace) -> Registry:
        from stockade.registry.registry import Registry

        return Registry(space.ledger, self.name)

    @contextmanager
    def _reading(self) -> Iterator[Workspace]:
        with reading(self.root / self.config.workspace.folder, self.trust) as space:
            yield space

    @contextmanager
    def _writing(self) -> Iterator[Workspace]:
        from stockade.workspace import keyring

        log = keyring.signer(self.trust, keyring.LOG)
        with writing(self.root / self.config.workspace.folder, self.trust, log) as space:
            yield space

    @contextmanager
    def _deciding(self, person: str) -> Iterator[tuple[Workspace, Registry, Signer]]:
        from stockade.workspace import keyring

        signer = keyring.signer(self.trust, person)
        with self._writing() as space:
            yield space, self._registry(space), signer

    def _write_report(
        self, space: Workspace, story: Reading, version: Version, decision: Decision, output: Path | None = None
    ) -> Path:
        from stockade.report.page import render
        from stockade.store.durable import write_atomically
        from stockade.workspace.reporting import page
        from stockade.workspace.running import Pipeline

        path = output or self.root / REPORT_FILE
        events = self._registry(space).history(version.version)
        content = page(
            story,
            name=self.name,
            version=version.version,
            objective=self.config.project.objective,
            schema=Pipeline.schema_of(self.root),
            decision=decision,
            source=self.config.data.source,
            verify=f"stockade verify {self.name}-{version.version}{BUNDLE_SUFFIX} --trust {self.trust.digest}",
            reasons={event.decision.rule: event.decision.reason for event in events if event.decision.rule},
        )
        write_atomically(path, render(content).encode(), mode=0o644)
        return path


_FILES: Mapping[str, str] = {"model": "model.onnx", "card": "card.json", "bom": "bom.cdx.json"}


def _in_days(days: float) -> datetime:
    if not 0 < days <= 365:
        raise ConfigError(f"{days:g} days cannot be", where="--days", remedy="choose more than 0 and at most 365")
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
