"""A project: a folder with a ``stockade.toml``, and the verbs of the command line as methods.

    project = Project.open(".")
    run = project.run()
    project.promote(run.version, "staging", reason="figures reviewed")
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stockade.errors import ConfigError
from stockade.evidence.sign import Signer
from stockade.evidence.statement import RUN
from stockade.evidence.trust import TrustRoot
from stockade.policy.admission import Admitted, evaluate
from stockade.policy.decision import Decision
from stockade.policy.gathering import Request
from stockade.policy.policy import Policy
from stockade.registry.registry import Registry, Version
from stockade.store.durable import write_atomically
from stockade.types.digest import Digest
from stockade.types.scorecard import Leaderboard, Scorecard
from stockade.workspace import keyring, showing
from stockade.workspace.config import FILE_NAME, Config, load
from stockade.workspace.outcomes import Decided, Run, RunLine, Shown, Status, StepLine, VersionLine
from stockade.workspace.reporting import Reading, page
from stockade.workspace.running import SCHEMA_FILE, Listener, Pipeline, project_name
from stockade.workspace.wiring import TRUST_FILE, Workspace, opened, read_trust

REPORT_FILE = "report.html"


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
        """
        root = Path(path)
        return cls(root, load(root / FILE_NAME), read_trust(root))

    @property
    def name(self) -> str:
        """Name of the registered model."""
        return project_name(self.config, self.root)

    @property
    def owner(self) -> str:
        """The person who starts runs and asks for promotions."""
        return self.config.project.owner or keyring.people(self.trust)[0]

    def run(self, on_event: Listener = lambda _event: None) -> Run:
        """Run the pipeline up to a registered version; finished steps of an interrupted run are not repeated.

        Raises:
            ConfigError, DataError, StepError: something in the project is wrong; finished steps are kept.
            EvidenceError: stored evidence was altered.
            ServiceError: this machine cannot.
        """
        start = time.perf_counter()
        with self._space(write=True) as space:
            pipeline = Pipeline(self.root, self.config, space, self.owner)
            pipeline.propose(on_event)
            policy = pipeline.policy()
            outcome, version = pipeline.run(on_event)
            reading = Reading(space, space.ledger.verify(space.ledger.envelope(version.run), "builder", RUN))
            decision = self._evaluate(space, policy, version.number, "staging")
            self._write_report(reading, version, decision)
            scorecard = reading.record(Scorecard, "scorecard")
            return Run(
                run=outcome.run_id,
                mode=self.config.project.mode,
                name=self.name,
                version=version.number,
                model=version.model,
                steps=tuple(
                    StepLine(
                        step.name,
                        step.cached,
                        step.seconds,
                        step.isolation.level,
                        step.origin.value,
                        step.artifacts,
                        step.provenance,
                    )
                    for step in outcome.steps
                ),
                rows=reading.summary.rows,
                rejected=reading.summary.rejected,
                rejections=reading.rejections(),
                findings=reading.findings(),
                leaderboard=reading.record(Leaderboard, "leaderboard"),
                figures=scorecard.figures if scorecard else (),
                verdict=decision,
                report=str(self.root / REPORT_FILE),
                seconds=time.perf_counter() - start,
            )

    def status(self) -> Status:
        """What there is."""
        with self._space(write=False) as space:
            registry = self._registry(space)
            lines = tuple(self._version_line(registry, version) for version in registry.versions())
            return Status(
                name=self.name,
                folder=str(self.root.resolve()),
                mode=self.config.project.mode,
                trust=self.trust.digest,
                trial=self.trust.trial,
                versions=lines,
                aliases={line.alias: line.version for line in lines if line.alias != "none"},
                runs=len(space.ledger.find("run")),
                log_size=space.ledger.checkpoint().size,
            )

    def runs(self) -> tuple[RunLine, ...]:
        """All runs, oldest first, each from its verified statement."""
        with self._space(write=False) as space:
            return tuple(showing.run_line(space, row) for row in space.ledger.find("run"))

    def show(self, what: str = "") -> Shown:
        """A run by id, a version by number, a step or an artifact of the newest run by name.

        Raises:
            ConfigError: there is no such thing.
        """
        with self._space(write=False) as space:
            return showing.show(space, self._registry(space), what)

    def report(self, version: int | None = None, output: Path | None = None) -> Path:
        """Write the page of a version (default: the newest) and return where."""
        with self._space(write=False) as space:
            registry = self._registry(space)
            found = registry.version(version) if version else registry.versions()[-1]
            reading = Reading(space, space.ledger.verify(space.ledger.envelope(found.run), "builder", RUN))
            decision = self._evaluate(space, self.policy(), found.number, self._next_alias(registry, found.number))
            return self._write_report(reading, found, decision, output)

    def policy(self) -> Policy:
        """The project's policy, compiled and validated."""
        return Policy.load(self.root / self.config.policy.folder)

    def explain(self, version: int, target: str) -> Decision:
        """What the policy says to promoting a version now, every rule with its figure; nothing is signed."""
        with self._space(write=False) as space:
            return self._evaluate(space, self.policy(), version, target)

    def approve(
        self, version: int, target: str, *, person: str, reason: str, days: float = 30.0
    ) -> Decided:
        """Approve a promotion as another person than the one who ran it.

        Raises:
            SelfApprovalError: it is the same person.
            SignatureError: the person's key is not here, or the person may not approve.
        """
        expires = _in_days(days)
        with self._deciding(person) as (registry, signer):
            registry.approve(version, target, self.policy(), signer, reason=reason, expires=expires)
        return Decided("approval", version, target, person, expires=_text(expires))

    def waive(
        self, version: int, rule: str, target: str, *, person: str, reason: str, days: float = 30.0
    ) -> Decided:
        """Waive a rule for one version and alias, for a limited time, as another person than the one who ran it.

        Raises:
            SelfApprovalError: it is the same person.
            PolicyError: the policy has no such rule, or nobody may waive it.
        """
        expires = _in_days(days)
        with self._deciding(person) as (registry, signer):
            registry.waive(version, rule, target, self.policy(), signer, reason=reason, expires=expires)
        return Decided("waiver", version, target, person, expires=_text(expires), rule=rule)

    def promote(self, version: int, target: str, *, person: str = "", reason: str = "") -> Decided:
        """Move an alias to a version, if the policy admits it.

        Raises:
            RefusedError: the policy does not admit it; every rule that refused is listed.
            TransitionError: the alias does not move that way.
        """
        who = person or self.owner
        with self._deciding(who) as (registry, signer), self._space(write=False) as space:
            policy = self.policy()
            admitted = registry.promote(version, target, policy, signer, reason=reason)
            space.blobs.put(policy.to_bytes())
        return Decided("promotion", version, target, who, decision=admitted.decision)

    def rollback(self, alias: str, *, reason: str, person: str = "") -> Decided:
        """Give an alias back to the version that held it before.

        Raises:
            TransitionError: there is none.
        """
        who = person or self.owner
        with self._deciding(who) as (registry, signer):
            version = registry.rollback(alias, signer, reason=reason)
        return Decided("rollback", version.number, alias, who)

    @contextmanager
    def _deciding(self, person: str) -> Iterator[tuple[Registry, Signer]]:
        signer = keyring.signer(self.trust, person)
        with self._space(write=True) as space:
            yield self._registry(space), signer
