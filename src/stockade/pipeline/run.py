"""One run of a graph: what is known so far, and what is done with each step."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from stockade.errors import ConfigError, MalformedError, MissingEvidenceError, ServiceError, StepError, StockadeError
from stockade.evidence import canonical
from stockade.evidence.ledger import Ledger, Sealed
from stockade.evidence.sign import Signer, seal
from stockade.evidence.statement import Subject
from stockade.evidence.text import now
from stockade.pipeline import attest, events, surroundings, why
from stockade.pipeline.attest import Premises
from stockade.pipeline.cache import NAME_KIND, RESULT_KIND, STEP_KIND, Cache, Hit
from stockade.pipeline.failures import error_of, shown
from stockade.pipeline.graph import Graph, Step
from stockade.pipeline.order import Executor, Failure, Order, Progress, Receipt
from stockade.pipeline.outcome import PlannedStep, RunOutcome, StepOutcome
from stockade.pipeline.scratch import Sweeper
from stockade.pipeline.sources import SourceReader
from stockade.store.blobs import BlobStore
from stockade.store.durable import explained
from stockade.types.digest import Digest
from stockade.types.execution import Isolation
from stockade.types.ledger import Record
from stockade.types.results import Finding, Results, Severity

_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,120}")
_OWN = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Tools:
    """What a run works with."""

    blobs: BlobStore
    ledger: Ledger
    signer: Signer
    builder_id: str
    isolation: str
    executor: Executor
    cache: Cache
    reader: SourceReader


@dataclass(frozen=True, slots=True)
class _Made:
    """What a step that ran left, before it is attested."""

    artifacts: Mapping[str, Digest]
    results: Results | None
    log: Digest | None
    started: str


class Run:
    """One run.

    Args:
        tools: What it works with.
        graph: What to run.
        run_id: Its name.
        tell: Is told what happens.
        folder: A private folder; the caller removes it.
        sweeper: Removes working folders in it; the caller closes it.
    """

    def __init__(
        self,
        tools: Tools,
        graph: Graph,
        run_id: str,
        tell: Callable[[events.Event], None],
        *,
        folder: Path,
        sweeper: Sweeper,
    ) -> None:
        self._tools = tools
        self._graph = graph
        self._run_id = run_id
        self._tell = tell
        self._folder = folder
        self._sweeper = sweeper
        self._steps = graph.ordered()
        self._packages = surroundings.distributions()
        places = {step.place: step for step in self._steps}
        # Read before any process starts, so that what a step ran can be held against what its key says.
        self._sources = {place: tools.reader.trace(step) for place, step in places.items()}
        self._artifacts: dict[str, Digest] = {}

    def all(self, force: frozenset[str]) -> RunOutcome:
        """Run all steps in order; those in `force` without looking for an earlier result."""
        if unknown := sorted(force - {step.name for step in self._steps}):
            raise ConfigError(f"there is no step {unknown[0]!r}")
        started = now()
        with suppress(MissingEvidenceError):
            # A log that was rolled back or altered is refused before any work is done.
            self._tools.ledger.checkpoint()
        self._take_sources()
        done: list[StepOutcome] = []
        for place, step in enumerate(self._steps, 1):
            outcome = self._one(step, place, forced=step.name in force)
            self._artifacts.update(outcome.artifacts)
            done.append(outcome)
        return RunOutcome(self._run_id, tuple(done), dict(self._artifacts), started, now())

    def plan(self) -> tuple[PlannedStep, ...]:
        """What `all` would do; steps whose inputs are not known yet would run."""
        self._take_sources()
        planned: list[PlannedStep] = []
        for step in self._steps:
            waiting = sorted(name for name in step.inputs.values() if name not in self._artifacts)
            if waiting:
                planned.append(PlannedStep(step.name, cached=False, reason=f"{waiting[0]} may change"))
                continue
            premises = self._premises(step)
            refusals: list[str] = []
            hit = self._tools.cache.find(premises, refusals.append)
            if hit is not None:
                self._artifacts.update(hit.artifacts)
            reason = "" if hit else (refusals or [why.reason(self._tools.ledger, premises)])[0]
            planned.append(PlannedStep(step.name, cached=hit is not None, reason=reason))
        return tuple(planned)

    def _take_sources(self) -> None:
        for name, path in self._graph.sources.items():
            try:
                digest = Digest.of_file(path)
            except OSError as error:
                raise ConfigError(
                    f"the source {name!r} cannot be read: {error.strerror}", where=str(path), remedy="check its path"
                ) from error
            # What was stored is what counts, should the file be changing at this moment.
            self._artifacts[name] = digest if self._tools.blobs.has(digest) else self._tools.blobs.put(path)

    def _premises(self, step: Step) -> Premises:
        try:
            canonical.encode(dict(step.params))
        except MalformedError as error:
            raise ConfigError(f"a parameter cannot be attested: {error.message}", where=step.name) from error
        inputs = {parameter: self._artifacts[name] for parameter, name in step.inputs.items()}
        sources = self._sources[step.place]
        return Premises(
            step=step,
            inputs=inputs,
            sources=sources,
            python=surroundings.python(),
            platform=surroundings.machine(),
            packages=self._packages,
            required=self._tools.isolation,
        )

    def _one(self, step: Step, place: int, *, forced: bool) -> StepOutcome:
        begun = time.monotonic()
        premises = self._premises(step)
        findings: list[Finding] = []

        def refuse(reason: str) -> None:
            findings.append(_refused(step, reason))
            self._tell(events.CacheRefused(step.name, reason))

        hit = None if forced else self._tools.cache.find(premises, refuse)
        if hit is not None:
            seconds = time.monotonic() - begun
            self._tell(events.StepCached(step.name, place, len(self._steps), seconds))
            return _from_cache(step, hit, seconds, tuple(findings))
        reason = "you asked for it" if forced else why.reason(self._tools.ledger, premises)
        self._tell(events.StepStarted(step.name, place, len(self._steps), reason))
        outcome = self._execute(premises, begun, findings)
        self._tell(events.StepFinished(step.name, outcome.seconds, outcome.isolation, outcome.findings))
        return outcome

    def _execute(self, premises: Premises, begun: float, findings: list[Finding]) -> StepOutcome:
        step = premises.step
        folder = self._folder / step.name
        folder.mkdir(mode=0o711)
        try:
            started = now()
            receipt = self._tools.executor.execute(self._order(premises, folder), self._listen(step))
            log = self._tools.blobs.put(receipt.log) if receipt.log else None
            if receipt.failure is not None or receipt.isolation is None:
                self._fail(step, receipt)
            made = self._keep(premises, receipt, log, started)
        finally:
            self._sweeper.remove(folder)
        known = self._tools.cache.outputs_before(premises)
        if any(before != made.artifacts for before in known):
            findings.append(_not_reproducible(step))
        provenance, result = self._attest(premises, receipt, made)
        return StepOutcome(
            name=step.name,
            origin=step.origin,
            cached=False,
            seconds=time.monotonic() - begun,
            artifacts=made.artifacts,
            provenance=provenance,
            result=result,
            results=made.results,
            isolation=receipt.isolation or Isolation(),
            findings=tuple(findings),
        )

    def _order(self, premises: Premises, folder: Path) -> Order:
        step = premises.step
        inputs = {name: self._lay_out(folder, name, digest, step) for name, digest in premises.inputs.items()}
        for name, path in step.secrets.items():
            if not path.is_file():
                raise ConfigError(f"the secret {name!r} of step {step.name!r} is not there", where=str(path))
        # Only files of the user's need to be opened one by one; packages are open already.
        sources = tuple(item.path for item in premises.sources if step.is_file and not _is_packaged(item.path))
        return Order(step, inputs, step.secrets, sources, folder)

    def _lay_out(self, folder: Path, parameter: str, digest: Digest, step: Step) -> Path:
        """Put a verified private copy where the step may read it, under a name that keeps a source's ending."""
        artifact = step.inputs[parameter]
        source = self._graph.sources.get(artifact)
        name = source.name if source is not None and _SAFE_NAME.fullmatch(source.name) else artifact
        path = folder / "in" / parameter / name
        with explained(path, "write"):
            path.parent.mkdir(parents=True)
            with self._tools.blobs.open(digest) as stream, path.open("xb") as copy:
                shutil.copyfileobj(stream, copy, 1 << 20)
            path.chmod(0o400)
        return path

    def _listen(self, step: Step) -> Callable[[Progress], None]:
        return lambda item: self._tell(events.StepProgress(step.name, item.done, item.total, item.text))

    def _fail(self, step: Step, receipt: Receipt) -> NoReturn:
        failure = receipt.failure or Failure("SandboxError", "its process ended before it was confined")
        error = error_of(step, failure, receipt.log)
        self._tell(events.StepFailed(step.name, error.message, shown(receipt.log)))
        raise error

    def _keep(self, premises: Premises, receipt: Receipt, log: Digest | None, started: str) -> _Made:
        step = premises.step
        results: Results | None = None
        try:
            if changed := self._tools.reader.changed(premises.sources):
                raise StepError(
                    f"{changed.name} was changed while the step {step.name!r} ran",
                    where=str(changed.path),
                    remedy="run again; nothing of this step was kept",
                )
            artifacts: dict[str, Digest] = {}
            for name, (path, digest) in zip(step.outputs, receipt.outputs, strict=True):
                if name == step.results:
                    results = attest.read_results(path, f"the output {name!r} of step {step.name!r}")
                artifacts[name] = self._tools.blobs.put(path)
                if artifacts[name] != digest:
                    raise ServiceError("an output was altered while it was stored", where=str(path))
        except StockadeError as error:
            self._tell(events.StepFailed(step.name, error.message, shown(receipt.log)))
            raise
        return _Made(artifacts, results, log, started)

    def _attest(self, premises: Premises, receipt: Receipt, made: _Made) -> tuple[Digest, Digest | None]:
        step, tools = premises.step, self._tools
        statement = attest.provenance(
            premises,
            made.artifacts,
            receipt,
            builder=tools.builder_id,
            invocation=f"{self._run_id}/{step.name}",
            started=made.started,
            log=made.log,
        )
        envelope = seal(statement, tools.signer)
        fields = {"step": step.name, "run": self._run_id}
        records = [
            Record(STEP_KIND, premises.key, envelope.digest, fields),
            Record(NAME_KIND, step.name, envelope.digest, fields),
        ]
        sealed = [Sealed(envelope, records)]
        result: Digest | None = None
        if made.results is not None and step.results is not None:
            name = step.subject or step.results
            digest = made.artifacts.get(name) or self._artifacts[name]
            statement = attest.result(step, made.results, made.artifacts[step.results], Subject(name, digest))
            envelope = seal(statement, tools.signer)
            sealed.append(Sealed(envelope, [Record(RESULT_KIND, premises.key, envelope.digest, fields)]))
            result = envelope.digest
        tools.ledger.append(sealed)
        return sealed[0].envelope.digest, result


def _is_packaged(path: Path) -> bool:
    # Not asked is what else this process can import: a step's interpreter starts without this one's working folder.
    return any(path.is_relative_to(folder) for folder in (*surroundings.library_folders(), _OWN))


def _from_cache(step: Step, hit: Hit, seconds: float, findings: tuple[Finding, ...]) -> StepOutcome:
    return StepOutcome(
        name=step.name,
        origin=step.origin,
        cached=True,
        seconds=seconds,
        artifacts=hit.artifacts,
        provenance=hit.provenance,
        result=hit.result,
        results=hit.results,
        isolation=hit.isolation,
        findings=findings,
    )


def _refused(step: Step, reason: str) -> Finding:
    return Finding(
        rule="engine.cache_refused",
        subject=f"step {step.name}",
        message=f"an earlier result was refused, and the step ran again: {reason}",
        severity=Severity.MEDIUM,
        technique=("AML.T0076",),
        remedy="find out who can write to the store and the catalogue",
    )


def _not_reproducible(step: Step) -> Finding:
    return Finding(
        rule="engine.not_reproducible",
        subject=f"step {step.name}",
        message="the same code, parameters and inputs gave other outputs than before",
        severity=Severity.MEDIUM,
        remedy="seed every random choice, and leave times and paths out of the outputs",
    )
