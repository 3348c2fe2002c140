"""Run the pipeline: configuration to graph, graph to attested artifacts, artifacts to a registered version."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stockade.errors import ConfigError
from stockade.evidence.ledger import Sealed
from stockade.evidence.predicates import RunStep, RunSummary
from stockade.evidence.sign import seal
from stockade.evidence.statement import RUN, Statement, Subject
from stockade.lifecycle import standard
from stockade.pipeline.custom import Function, read_functions
from stockade.pipeline.events import Event
from stockade.pipeline.graph import Graph, Limits
from stockade.pipeline.outcome import RunOutcome
from stockade.pipeline.runner import Runner
from stockade.policy.baseline import default_policy_toml
from stockade.policy.policy import Policy
from stockade.registry.records import Version
from stockade.registry.registry import Registry
from stockade.schema.column import Schema
from stockade.store.durable import write_atomically
from stockade.types.digest import Digest
from stockade.types.ledger import Record
from stockade.types.record import from_plain, to_plain
from stockade.types.results import Results
from stockade.workspace import keyring
from stockade.workspace.agreement import check_agreement
from stockade.workspace.config import FILE_NAME, Config
from stockade.workspace.files import schema_file, source_file
from stockade.workspace.wiring import Workspace

SCHEMA_FILE = "schema.toml"
STEPS_FILE = "steps.py"
BUILDER_ID = "urn:stockade:builder:local"

Listener = Callable[[Event], None]


class Pipeline:
    """One project's pipeline over an opened workspace.

    Args:
        root: The project's folder.
        config: Its configuration.
        space: Its opened, writable workspace.
        owner: The person who starts the run.
    """

    def __init__(self, root: Path, config: Config, space: Workspace, owner: str) -> None:
        self._root = root
        self._config = config
        self._space = space
        self._owner = owner
        self._builder = keyring.signer(space.trust, keyring.BUILDER)

    def propose(self, listener: Listener) -> bool:
        """Write schema.toml, and with it the policy, where the project has none yet; returns whether it did.

        Raises:
            ConfigError: the schema and the configuration contradict each other.
        """
        path = self._root / SCHEMA_FILE
        fresh = not path.exists()
        if fresh:
            graph = standard.proposal(self._source(), parameters(self._config), self._limits())
            with self._runner(("numpy", "polars")) as runner:
                outcome = runner.run(graph, run_id=_new_id(), on_event=listener)
            write_atomically(path, self._space.blobs.get(outcome.artifacts["schema"]), mode=0o644)
        schema = self.schema()
        check_agreement(self._config.data, schema, self._root / FILE_NAME)
        if fresh:
            self._propose_policy(schema)
        return fresh

    def schema(self) -> Schema:
        """The committed schema."""
        return self.schema_of(self._root)

    @staticmethod
    def schema_of(root: Path) -> Schema:
        """The committed schema of the project in a folder."""
        path = root / SCHEMA_FILE
        return schema_file(path)

    def run(self, listener: Listener) -> tuple[RunOutcome, Version]:
        """Execute what is not proven yet, attest the run, and register the model as a version."""
        graph = self.graph()
        with self._runner(standard.PRELOAD) as runner:
            outcome = runner.run(graph, run_id=_new_id(), on_event=listener)
        envelope = self._attest(outcome)
        registry = Registry(self._space.ledger, self._name)
        artifacts = [Subject(name, outcome.artifacts[name]) for name in ("card", "bom") if name in outcome.artifacts]
        version = registry.register(envelope, outcome.artifacts["model"], tuple(artifacts), self._builder)
        return outcome, version

    def graph(self) -> Graph:
        """The graph as configuration, schema and ``steps.py`` make it."""
        custom_file = self._root / STEPS_FILE
        functions: tuple[Function, ...] = ()
        if custom_file.exists():
            functions = tuple(read_functions(custom_file).values())
        self._check_step_tables(functions)
        values = parameters(self._config)
        values["package"]["packages"] = [list(item) for item in sorted(_packages())]
        return standard.standard(
            standard.Design(
                source=self._source(),
                schema=self._root / SCHEMA_FILE,
                parameters=values,
                limits=self._limits(),
                secrets=self._secrets(),
                custom=functions,
                custom_file=custom_file.resolve(),
                custom_parameters=self._config.steps,
            )
        )

    def _attest(self, outcome: RunOutcome) -> Digest:
        """Sign what the run as a whole did; an unchanged, fully cached run is not attested again."""
        ran = {step.name for step in outcome.steps}
        results = from_plain(Results, json.loads(self._space.blobs.get(outcome.artifacts["validation"])), "validation")
        figures = {figure.name: figure.value for figure in results.figures}
        rows = int(figures.get("rows", 0))
        summary = RunSummary(
            run=outcome.run_id,
            project=self._name,
            mode=self._config.project.mode,
            initiator=self._owner,
            steps=tuple(RunStep(step.name, step.origin, step.provenance, step.cached) for step in outcome.steps),
            skipped=tuple(stage for stage in standard.STAGES if stage not in ran),
            results=tuple(step.result for step in outcome.steps if step.result is not None),
            config=config_digest(self._config),
            sensitive=tuple(column.name for column in self.schema().sensitive()),
            started=outcome.started,
            finished=outcome.finished,
            rejected=round(figures.get("rejected_share", 0.0) * rows),
            rows=rows,
            sources=tuple(Subject(name, outcome.artifacts[name]) for name in ("source", "schema")),
        )
        earlier = self._same_run(summary)
        if earlier is not None:
            return earlier
        subjects = (Subject("model", outcome.artifacts["model"]),)
        envelope = seal(Statement(subjects, RUN, summary.to_predicate()), self._builder)
        record = Record("run", outcome.run_id, envelope.digest, {"mode": summary.mode.value})
        self._space.ledger.append([Sealed(envelope, (record,))])
        return envelope.digest

    def _same_run(self, summary: RunSummary) -> Digest | None:
        """The newest run's envelope, when it proves exactly what this fully cached run would."""
        if not all(step.cached for step in summary.steps):
            return None
        rows = self._space.ledger.find("run")
        if not rows:
            return None
        newest = self._space.ledger.verify(rows[-1], role="builder", predicate=RUN)
        found = newest.record
        if not isinstance(found, RunSummary):
            return None
        same = all(
            getattr(found, name) == getattr(summary, name)
            for name in ("project", "mode", "initiator", "skipped", "results", "config", "sensitive", "sources")
        )
        steps = [(step.name, step.provenance) for step in summary.steps]
        if same and steps == [(step.name, step.provenance) for step in found.steps]:
            return newest.digest
        return None

    def _runner(self, preload: tuple[str, ...]) -> Runner:
        return Runner(
            self._space.blobs,
            self._space.ledger,
            self._builder,
            builder_id=BUILDER_ID,
            scratch=self._space.folder / "scratch",
            preload=preload,
            isolation=self._config.workspace.isolation,
        )

    def _propose_policy(self, schema: Schema) -> None:
        folder = self._root / self._config.policy.folder
        if (folder / "policy.toml").exists() or schema.task is None:
            return
        metric = {"binary": "auc", "multiclass": "accuracy", "regression": "rmse"}[schema.task.value]
        folder.mkdir(parents=True, exist_ok=True)
        text = default_policy_toml(schema.task, metric, [column.name for column in schema.sensitive()])
        write_atomically(folder / "policy.toml", text.encode(), mode=0o644)

    def policy(self) -> Policy:
        """The project's policy, compiled and validated."""
        return Policy.load(self._root / self._config.policy.folder)

    @property
    def _name(self) -> str:
        return project_name(self._config, self._root)

    def _source(self) -> Path:
        path = (self._root / self._config.data.source).resolve()
        return source_file(path, remedy="correct `source` in stockade.toml")

    def _limits(self) -> Limits:
        section = self._config.workspace
        return Limits(memory_bytes=section.step_memory_mb << 20, seconds=float(section.step_seconds))

    def _secrets(self) -> dict[str, dict[str, Path]]:
        if not self._config.data.pseudonymise:
            return {}
        path = keyring.pseudonym_key(self._space.trust)
        return {"anonymise": {"key": path}}

    def _check_step_tables(self, functions: tuple[Function, ...]) -> None:
        known = {function.name for function in functions}
        for name in self._config.steps:
            if name not in known:
                raise ConfigError(
                    f"[steps.{name}] belongs to no function of {STEPS_FILE}",
                    where=str(self._root / "stockade.toml"),
                    remedy=f"functions are {', '.join(sorted(known)) or 'none'}",
                )


def parameters(config: Config) -> dict[str, dict[str, Any]]:
    """Parameters of the standard steps, by step."""
    data, train, assess = config.data, config.train, config.assess
    hints = {name: list(getattr(data, name)) for name in ("identifiers", "sensitive", "exclude")}
    hints["identifiers"] += [name for name in data.pseudonymise if name not in hints["identifiers"]]
    return {
        "infer": {"target": data.target, "time": data.time, "group": data.group, **hints},
        "validate": {"where": data.where},
        "audit": {"seed": train.seed},
        "anonymise": {"pseudonymise": list(data.pseudonymise)},
        "split": {"folds": train.folds, "test_share": train.test_share, "seed": train.seed},
        "train": {
            "metric": train.metric,
            "trials": train.trials,
            "trainers": list(train.trainers),
            "seed": train.seed,
        },
        "assess": {**to_plain(assess), "metric": train.metric, "seed": train.seed},
        "package": {"name": config.project.name, "objective": config.project.objective},
    }


def project_name(config: Config, root: Path) -> str:
    """Name of the registered model."""
    return config.project.name or root.resolve().name


def config_digest(config: Config) -> Digest:
    """Digest of everything the configuration says, defaults included."""
    return Digest.of(json.dumps(to_plain(config), sort_keys=True).encode())


def _packages() -> tuple[tuple[str, str], ...]:
    from stockade.pipeline.surroundings import distributions

    return distributions()


def _new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
