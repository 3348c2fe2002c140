"""The demo: one honest story with the census example, told scene by scene.

Nothing is staged: every scene calls what a user would call, and a refusal that does not come is an error of the demo.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stockade.errors import RefusedError, ServiceError
from stockade.pipeline.events import Event
from stockade.policy.decision import Decision
from stockade.workspace import attacks, census, second
from stockade.workspace.init import init
from stockade.workspace.outcomes import Made, Run
from stockade.workspace.project import Project

PERSONS = ("ana", "ben")
_REASON = "The model only fills gaps in survey tables; the gap is published beside every table."
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One person of 2016, as asked of the server, beside the truth."""

    person: str
    probability: float
    employed: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attack and what came of it.

    Attributes:
        name: What was done.
        refused: Code of the error that refused it, empty when the attack succeeded.
        message: What the error said, with digests cut short.
    """

    name: str
    refused: str
    message: str


class Demo:
    """The scenes, in order; each may be called once.

    Args:
        folder: A new folder to build everything in; a temporary one by default.
        trials: Settings that the search tries.
    """

    def __init__(self, folder: Path | None = None, trials: int = 12) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="stockade-demo-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self._trials = trials
        self._root = self.folder / "employment"
        self._project: Project | None = None

    @property
    def project(self) -> Project:
        """The project, once `found` has made it."""
        if self._project is None:
            raise RuntimeError("the first scene makes the project")
        return self._project

    def found(self) -> tuple[Made, list[int]]:
        """Copy the people of 2015 with twenty damaged rows, and make a project; returns their numbers too."""
        self._root.mkdir(parents=True, exist_ok=True)
        source = self._root / "people_2015.parquet"
        damaged = census.write_damaged_copy(source)
        (self._root / "NOTICE.md").write_text(census.notice(), encoding="utf-8")
        made = init(
            self._root,
            source,
            "employed",
            name="employment",
            objective=census.PURPOSE,
            identifiers=("id",),
            sensitive=census.SENSITIVE,
            mode="production",
            persons=PERSONS,
        )
        configuration = self._root / "stockade.toml"
        text = configuration.read_text(encoding="utf-8")
        configuration.write_text(f"{text}[train]\ntrials = {self._trials}\n", encoding="utf-8")
        self._project = Project.open(self._root)
        return made, damaged

    def run(self, on_event: Callable[[Event], None]) -> Run:
        """Run the pipeline."""
        return self.project.run(on_event)

    def refusal(self) -> Decision:
        """Ask for staging, and be refused."""
        try:
            self.project.promote(1, "staging", person=PERSONS[0])
        except RefusedError as error:
            if isinstance(error.decision, Decision):
                return error.decision
            raise
        raise ServiceError("the policy let an unfair model pass", remedy="report this: the demo expects a refusal")

    def waive(self, refused: Decision) -> tuple[str, ...]:
        """The second person waives what was refused, for thirty days; returns the rules."""
        rules = tuple(ruling.rule for ruling in refused.refused)
        for rule in rules:
            self.project.waive(1, rule, ("staging", "production"), person=PERSONS[1], reason=_REASON, days=30)
        return rules

    def promote(self) -> Decision:
        """To staging, approved by the second person, to production; returns the last judgement."""
        self.project.promote(1, "staging", person=PERSONS[0], reason="figures and gaps reviewed")
        self.project.approve(1, "production", person=PERSONS[1], reason="reviewed the report")
        decided = self.project.promote(1, "production", person=PERSONS[0], reason="replaces hand imputation")
        self.project.report(1)
        if decided.decision is None:
            raise RuntimeError("a promotion carries its judgement")
        return decided.decision

    @contextmanager
    def server(self) -> Iterator[Mapping[str, Any]]:
        """Start ``stockade serve`` as its own process, announce it, and stop it cleanly."""
        process = subprocess.Popen(
            self._command("serve", "--port", "0", "--json"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("{") or '"error"' in line[:9]:
                told = line or (process.stderr.read() if process.stderr else "")
                raise ServiceError(f"the server did not start: {told.strip()[:400]}")
            yield json.loads(line)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=_START_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()

    def ask(self, endpoint: Mapping[str, Any]) -> list[Answer]:
        """Ask the running server about people of 2016, whose answers are known."""
        import polars as pl

        from stockade.serve.client import Client

        table = pl.read_parquet(census.people(2016))
        woman = (pl.col("sex") == "female") & (pl.col("age") == 47) & (pl.col("marital_status") == "married")
        chosen = table.filter(woman & pl.col("schooling").is_in([18, 19])).head(1)
        rows = pl.concat([chosen, table.sample(4, seed=2016)]).to_dicts()
        features = [{key: value for key, value in row.items() if key not in _NOT_ASKED} for row in rows]
        key = Path(endpoint["key_file"]).read_text(encoding="ascii").strip()
        with Client(endpoint["url"], Path(endpoint["ca"]), key) as client:
            probabilities = client.infer(features).probability("1")
        pairs = zip(rows, probabilities, strict=True)
        return [Answer(_words(row), probability, bool(row["employed"])) for row, probability in pairs]

    def verified_elsewhere(self) -> tuple[float, list[str]]:
        """Verify the bundle from an environment that holds no ML library; returns seconds and what was proven."""
        bundle = self.project.bundle(1, self.folder / "employment-1.stockade")
        python = second.make(self.folder / "verifier")
        started = time.perf_counter()
        result = subprocess.run(
            [python, "-I", "-m", "stockade", "verify", bundle, "--trust", str(self.project.trust.digest), "--json"],
            capture_output=True,
            text=True,
            check=False,
            env={},
        )
        if result.returncode != 0:
            raise ServiceError(f"the bundle did not verify elsewhere: {result.stdout}{result.stderr[-400:]}")
        return time.perf_counter() - started, list(json.loads(result.stdout)["proven"])

    def attempts(self) -> Iterator[Attempt]:
        """Mount each attack on a copy of its own."""
        digests = self._digests()
        for number, attack in enumerate(attacks.ATTACKS):
            root = attacks.copied(self._root, self.folder / f"attacked-{number}")
            attack.mount(attacks.Target(root / ".stockade", self.project.name, *digests))
            result = subprocess.run(
                self._command(*attack.command, root=root, json_output=True),
                capture_output=True,
                text=True,
                check=False,
                timeout=_START_SECONDS,
            )
            yield _attempt(attack.name, result)

    def _digests(self) -> tuple[Any, Any, Any]:
        from stockade.registry.reading import Reader
        from stockade.workspace.wiring import reading

        with reading(self._root / ".stockade", self.project.trust) as space:
            reader = Reader(space.ledger, self.project.name)
            version, dossier = reader.version(1), reader.dossier(1)
        named = {item.name: item.digest for item in version.artifacts}
        return version.model, named["card"], dossier.steps["audit"].digest

    def _command(self, *words: str, root: Path | None = None, json_output: bool = False) -> list[str]:
        flags = ["--project", str(root or self._root), *(["--json"] if json_output and "--json" not in words else [])]
        return [sys.executable, "-m", "stockade", *words, *flags]


_NOT_ASKED = {"id", "year", "employed"}
_SCHOOLING = {16: "high school", 17: "GED", 18: "some college", 19: "some college", 20: "associate", 21: "bachelor"}


def _words(row: Mapping[str, Any]) -> str:
    who = "woman" if row["sex"] == "female" else "man"
    schooling = _SCHOOLING.get(row["schooling"], "more" if row["schooling"] > 21 else "no diploma")
    return f"{who}, {row['age']}, {row['marital_status']}, {schooling}"


def _attempt(name: str, result: subprocess.CompletedProcess[str]) -> Attempt:
    try:
        error = json.loads(result.stdout.splitlines()[-1])["error"]
    except (ValueError, KeyError, IndexError):
        return Attempt(name, "", (result.stdout + result.stderr).strip()[:300])
    message = re.sub(r"sha256:([0-9a-f]{12})[0-9a-f]{52}", r"\1…", error["message"])
    return Attempt(name, error["code"] if result.returncode == 1 else "", message)
