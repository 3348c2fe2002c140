"""Short and long descriptions of runs, versions, steps and artifacts, each from verified statements."""

from __future__ import annotations

from stockade.errors import ConfigError, MalformedError, MissingEvidenceError
from stockade.evidence.predicates import RunSummary
from stockade.evidence.statement import RUN
from stockade.evidence.verify import Evidence
from stockade.registry.records import Event, Version
from stockade.registry.registry import Registry
from stockade.types.digest import Digest
from stockade.types.ledger import Row
from stockade.workspace.outcomes import HistoryLine, RunLine, Shown, VersionLine
from stockade.workspace.reporting import Reading
from stockade.workspace.wiring import Workspace

_LOG_LINES = 40


def run_line(space: Workspace, row: Row) -> RunLine:
    """One run of the catalogue, verified."""
    evidence = space.ledger.verify(row, "builder", RUN)
    summary = _summary(evidence)
    return RunLine(
        run=summary.run,
        mode=summary.mode.value,
        initiator=summary.initiator,
        started=summary.started,
        finished=summary.finished,
        rows=summary.rows,
        rejected=summary.rejected,
        steps=len(summary.steps),
        model=evidence.statement.subjects[0].digest,
    )


def version_line(space: Workspace, version: Version) -> VersionLine:
    """One version with the run that it came from."""
    run = _summary(space.ledger.verify(space.ledger.envelope(version.run), "builder", RUN))
    return VersionLine(version.version, version.model, version.state, run.run, run.finished[:19])


def history_line(event: Event) -> HistoryLine:
    """One decision."""
    decision = event.decision
    return HistoryLine(
        made=decision.made,
        person=", ".join(event.persons),
        what=f"{decision.kind} of {decision.rule}" if decision.rule else decision.kind,
        version=decision.version,
        target=decision.target,
        rule=decision.rule,
        reason=decision.reason,
        expires=decision.expires,
        policy=decision.policy,
        leaf=event.leaf,
    )


def show(space: Workspace, registry: Registry, what: str) -> Shown:
    """A version by number, a run by id, or a step or artifact of the newest run; the newest version by default.

    Raises:
        ConfigError: there is no such thing.
        MissingEvidenceError: nothing was run yet.
    """
    versions = registry.versions()
    if what.isdigit() or (not what and versions):
        return _version(space, registry, int(what) if what else versions[-1].version)
    rows = space.ledger.find("run")
    if not rows:
        raise MissingEvidenceError("nothing was run here yet", remedy="type `stockade run` first")
    for row in rows:
        if row.record.key == what:
            return _run(Reading(space, space.ledger.verify(row, "builder", RUN)))
    reading = Reading(space, space.ledger.verify(rows[-1], "builder", RUN))
    if what in reading.steps:
        return _step(space, reading, what)
    if what in reading.artifacts:
        return _artifact(reading, what)
    known = [*reading.steps, *sorted(reading.artifacts)]
    raise ConfigError(f"there is no {what!r} here", remedy=f"the newest run has {', '.join(known)}")


def _version(space: Workspace, registry: Registry, number: int) -> Shown:
    version = registry.version(number)
    reading = Reading(space, space.ledger.verify(space.ledger.envelope(version.run), "builder", RUN))
    decisions = [history_line(event) for event in registry.history(number)]
    figures = [figure for result in reading.results.values() for figure in result.results.figures]
    return Shown(
        f"{version.name} {number}",
        (
            ("alias", version.state),
            ("model", str(version.model)),
            ("run", reading.summary.run),
            ("started by", reading.summary.initiator),
            ("release", str(version.release)),
            ("evidence", f"{len(reading.steps)} steps and {len(reading.results)} results, verified and in the log"),
        ),
        {
            "figures": tuple(
                f"{figure.name:<32}{figure.value:.4g}"
                + (
                    f"  [{figure.low:.4g}, {figure.high:.4g}]"
                    if figure.low is not None and figure.high is not None
                    else ""
                )
                for figure in figures
            ),
            "decisions": tuple(
                f"{line.made[:19]}  {line.person}: {line.what} for {line.target}: {line.reason}" for line in decisions
            ),
        },
    )


def _run(reading: Reading) -> Shown:
    summary = reading.summary
    return Shown(
        f"run {summary.run}",
        (
            ("mode", summary.mode.value),
            ("started by", summary.initiator),
            ("started", summary.started),
            ("finished", summary.finished),
            ("rows", f"{summary.rows:,}, {summary.rejected:,} set aside"),
            ("skipped", ", ".join(summary.skipped) or "nothing"),
            ("evidence", str(reading.evidence.digest)),
        ),
        {
            "steps": tuple(
                f"{step.name:<12}{'cached' if step.cached else 'run':<8}{step.origin.value:<10}{step.provenance.short}"
                for step in summary.steps
            )
        },
    )


def _step(space: Workspace, reading: Reading, name: str) -> Shown:
    provenance = reading.provenance(name)
    isolation = provenance.isolation
    log = space.blobs.get(provenance.log).decode("utf-8", "replace") if provenance.log else ""
    return Shown(
        f"step {name}",
        (
            ("function", provenance.call),
            ("origin", provenance.origin.value),
            ("isolation", f"{isolation.level}: Landlock ABI {isolation.landlock}, seccomp {_yes(isolation.seccomp)}"),
            ("started", provenance.started),
            ("seconds", f"{provenance.usage.get('seconds', 0.0):.2f}"),
            ("python", provenance.python),
            ("sources", f"{len(provenance.sources)} files"),
            ("packages", f"{len(provenance.packages)} distributions"),
            ("cache key", provenance.cache_key),
            ("provenance", str(reading.steps[name].digest)),
        ),
        {
            "parameters": tuple(f"{key} = {value!r}" for key, value in provenance.parameters.items()),
            "inputs": tuple(f"{item.name:<24}{item.digest}" for item in provenance.inputs),
            "outputs": tuple(f"{item.name:<24}{item.digest}" for item in reading.steps[name].statement.subjects),
            "isolation notes": isolation.notes,
            "what it printed": tuple(log.splitlines()[-_LOG_LINES:]),
        },
    )


def _artifact(reading: Reading, name: str) -> Shown:
    digest = reading.artifacts[name]
    maker = next(
        (step for step, item in reading.steps.items() if item.statement.subject(name) == digest), "outside the run"
    )
    readers = [step for step in reading.steps if _reads(reading, step, digest)]
    return Shown(
        f"artifact {name}",
        (("digest", str(digest)), ("made by", maker), ("read by", ", ".join(readers) or "no step")),
        {},
    )


def _reads(reading: Reading, step: str, digest: Digest) -> bool:
    return any(item.digest == digest for item in reading.provenance(step).inputs)


def _summary(evidence: Evidence) -> RunSummary:
    if not isinstance(evidence.record, RunSummary):
        raise MalformedError("the statement does not describe a run")
    return evidence.record


def _yes(holds: bool) -> str:  # noqa: FBT001  (a word for a flag)
    return "on" if holds else "off"
