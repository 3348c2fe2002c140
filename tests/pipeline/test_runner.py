"""Whole runs: what is attested, what is reused, what is refused, and what is left after a failure."""

import json
import sqlite3
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stockade.errors import ConfigError, LogError, StepError, StepOutputError, TargetError
from stockade.evidence.keys import generate
from stockade.evidence.predicates import StepProvenance, TestResult
from stockade.evidence.statement import PROVENANCE, TEST_RESULT
from stockade.pipeline import events
from stockade.pipeline.graph import Graph, Limits
from stockade.types.digest import Digest
from stockade.types.execution import Origin

if TYPE_CHECKING:
    from conftest import Laboratory

CODE = """
import polars as pl
from typing import NamedTuple
from helper import factor
from stockade.types.results import Figure, Finding, Results, Severity

class Cut(NamedTuple):
    small: pl.DataFrame
    summary: Results

def read(people: str, extra: int = 0) -> pl.DataFrame:
    print("reading")
    rows = [int(line) * factor() + extra for line in people.split()]
    return pl.DataFrame({"x": rows})

def cut(table: pl.DataFrame, most: float) -> Cut:
    small = table.filter(pl.col("x") <= most)
    finding = Finding("cut.share", "table", "half is gone", Severity.LOW)
    return Cut(small, Results((Figure("share", small.height / table.height),), (finding,), ("cut.share", "cut.size")))

def total(table: pl.DataFrame) -> str:
    return str(table["x"].sum())
"""


@pytest.fixture
def graph(laboratory: "Laboratory") -> Graph:
    laboratory.code.write_text(CODE)
    laboratory.code.with_name("helper.py").write_text("def factor():\n    return 2\n")
    source = laboratory.root / "people.txt"
    source.write_text("1\n2\n3\n4\n")
    return Graph(
        (
            laboratory.step("read", ("table",), inputs={"people": "people"}),
            laboratory.step(
                "cut",
                ("small", "summary"),
                inputs={"table": "table"},
                params={"most": 4},
                results="summary",
                subject="small",
            ),
            laboratory.step("total", ("total",), inputs={"table": "small"}),
        ),
        {"people": source},
    )


def ran(laboratory: "Laboratory") -> list[str]:
    return [event.step for event in laboratory.events if isinstance(event, events.StepStarted)]


def reasons(laboratory: "Laboratory") -> dict[str, str]:
    return {event.step: event.reason for event in laboratory.events if isinstance(event, events.StepStarted)}


def refusals(laboratory: "Laboratory") -> dict[str, str]:
    return {event.step: event.reason for event in laboratory.events if isinstance(event, events.CacheRefused)}


def changed(graph: Graph, name: str, **more: Any) -> Graph:
    return replace(graph, steps=tuple(replace(step, **more) if step.name == name else step for step in graph.steps))


def test_each_step_is_attested_and_logged(laboratory: "Laboratory", graph: Graph) -> None:
    """Each step leaves one signed provenance statement in the log that says what went in, what ran and how confined."""
    outcome = laboratory.run(graph, "run-1")
    assert laboratory.blobs.get(outcome.artifacts["total"]) == b"6"
    for step in outcome.steps:
        envelope = laboratory.ledger.envelope(step.provenance)
        evidence = laboratory.ledger.verify(envelope, "builder", PROVENANCE)
        record = evidence.record
        assert isinstance(record, StepProvenance)
        assert {subject.name: subject.digest for subject in evidence.statement.subjects} == step.artifacts
        assert record.invocation == f"run-1/{step.name}"
        assert record.call == f"steps.py:{step.name}"
        assert record.origin is Origin.CUSTOM
        assert record.isolation.level == "sandbox"
        assert {"steps.py", "helper.py", "stockade/types/results.py"} <= {source.name for source in record.sources}
        assert "polars" in dict(record.packages)
    first = laboratory.ledger.verify(laboratory.ledger.envelope(outcome.step("read").provenance), "builder").record
    assert isinstance(first, StepProvenance)
    assert [(item.name, item.digest) for item in first.inputs] == [("people:people", outcome.artifacts["people"])]
    assert first.log is not None
    assert laboratory.blobs.get(first.log) == b"reading\n"


def test_results_are_attested_about_their_subject(laboratory: "Laboratory", graph: Graph) -> None:
    """A step with results leaves a Test Result about the artifact they speak of."""
    outcome = laboratory.run(graph)
    step = outcome.step("cut")
    assert step.result is not None
    assert step.results is not None
    evidence = laboratory.ledger.verify(laboratory.ledger.envelope(step.result), "builder", TEST_RESULT)
    assert isinstance(evidence.record, TestResult)
    assert evidence.record.results == step.results
    assert evidence.record.document == step.artifacts["summary"]
    assert evidence.statement.subject("small") == step.artifacts["small"]
    assert [figure.value for figure in step.results.figures] == [0.5]


def test_second_run_is_a_verified_hit(laboratory: "Laboratory", graph: Graph) -> None:
    """With nothing changed no step runs, and the evidence is the same, also for the next process."""
    first = laboratory.run(graph)
    laboratory.reopen()
    second = laboratory.run(graph, "r2")
    assert ran(laboratory) == []
    assert all(step.cached for step in second.steps)
    assert second.artifacts == first.artifacts
    assert [(s.provenance, s.result, s.results) for s in second.steps] == [
        (s.provenance, s.result, s.results) for s in first.steps
    ]


@pytest.mark.parametrize(
    ("change", "expected", "reason"),
    [
        ("helper", ["read", "cut", "total"], "helper.py changed"),
        ("source", ["read", "cut", "total"], "input people changed"),
        ("parameter", ["cut", "total"], "parameter most changed"),
        ("type", ["cut"], "its earlier result was not used"),
        ("nothing", [], ""),
    ],
)
def test_what_changed_runs_again(
    laboratory: "Laboratory", graph: Graph, change: str, expected: list[str], reason: str
) -> None:
    """A change in a helper module, the data, a parameter or even its type runs what depends on it, and says why."""
    laboratory.run(graph)
    if change == "helper":
        laboratory.code.with_name("helper.py").write_text("def factor():\n    return 3\n")
    if change == "source":
        graph.sources["people"].write_text("1\n2\n3\n5\n2\n")
    if change in ("parameter", "type"):
        graph = changed(graph, "cut", params={"most": 6 if change == "parameter" else 4.0})
    if change == "type":
        laboratory.code.write_text(CODE)
    laboratory.run(graph)
    assert ran(laboratory) == expected
    assert reasons(laboratory).get(expected[0] if expected else "", "") == reason


def test_changed_helper_changes_the_answer(laboratory: "Laboratory", graph: Graph) -> None:
    """A helper function changed in another module never gives a stale result."""
    assert laboratory.blobs.get(laboratory.run(graph).artifacts["total"]) == b"6"
    laboratory.code.with_name("helper.py").write_text("def factor():\n    return 1\n")
    assert laboratory.blobs.get(laboratory.run(graph).artifacts["total"]) == b"10"


def test_altered_artifact_is_refused_and_made_again(laboratory: "Laboratory", graph: Graph) -> None:
    """A cached artifact whose bytes were altered is refused by name; the step runs again and the run is sound."""
    first = laboratory.run(graph)
    blob = laboratory.blob(first.artifacts["table"])
    blob.chmod(0o600)
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    second = laboratory.run(graph)
    assert ran(laboratory) == ["read"]
    assert str(first.artifacts["table"]) in refusals(laboratory)["read"]
    assert second.artifacts == first.artifacts
    assert [finding.rule for finding in second.step("read").findings] == ["engine.cache_refused"]


def test_swapped_artifact_is_refused(laboratory: "Laboratory", graph: Graph) -> None:
    """A cached artifact replaced by another valid one is refused."""
    first = laboratory.run(graph)
    blob, other = (laboratory.blob(first.artifacts[name]) for name in ("small", "table"))
    blob.unlink()
    blob.write_bytes(other.read_bytes())
    second = laboratory.run(graph)
    assert ran(laboratory) == ["cut"]
    assert second.artifacts == first.artifacts


def test_missing_artifact_is_made_again(laboratory: "Laboratory", graph: Graph) -> None:
    """A cached artifact that was deleted is made again."""
    first = laboratory.run(graph)
    laboratory.blob(first.artifacts["total"]).unlink()
    assert laboratory.run(graph).artifacts == first.artifacts
    assert ran(laboratory) == ["total"]


def edit(laboratory: "Laboratory", statement: str, *values: object) -> None:
    laboratory.catalog.close()
    with sqlite3.connect(laboratory.root / "store" / "catalogue.db") as connection:
        assert connection.execute(statement, values).rowcount > 0
    connection.close()
    laboratory.reopen()


def test_edited_row_is_refused(laboratory: "Laboratory", graph: Graph) -> None:
    """A catalogue row that points a step's key to another step's proven statement is refused, and the step runs."""
    first = laboratory.run(graph)
    other, own = str(first.step("read").provenance), str(first.step("total").provenance)
    edit(laboratory, "UPDATE records SET envelope = ? WHERE kind = 'step' AND envelope = ?", other, own)
    second = laboratory.run(graph)
    assert ran(laboratory) == ["total"]
    assert "total" in refusals(laboratory)
    assert second.artifacts == first.artifacts


def test_edited_envelope_is_refused(laboratory: "Laboratory", graph: Graph) -> None:
    """A statement edited in the catalogue is refused."""
    first = laboratory.run(graph)
    own = str(first.step("total").provenance)
    edit(
        laboratory,
        "UPDATE envelopes SET data = CAST(replace(CAST(data AS TEXT), 'sig', 'gis') AS BLOB) WHERE digest = ?",
        own,
    )
    laboratory.run(graph)
    assert ran(laboratory) == ["total"]
    assert "total" in refusals(laboratory)


def test_statement_by_a_foreign_key_is_refused(laboratory: "Laboratory", graph: Graph) -> None:
    """A statement signed by a key that the trust root does not name as builder is no cache hit."""
    with laboratory.runner(signer=generate()) as runner:
        runner.run(graph, run_id="forged")
    laboratory.reopen()
    outcome = laboratory.run(graph)
    assert ran(laboratory) == ["read", "cut", "total"]
    assert set(refusals(laboratory)) == {"read", "cut", "total"}
    assert not any(step.cached for step in outcome.steps)


def test_rolled_back_store_is_refused(laboratory: "Laboratory", graph: Graph) -> None:
    """An older copy of the whole store is refused before any step runs."""
    import shutil

    laboratory.run(graph)
    laboratory.catalog.close()
    shutil.copytree(laboratory.root / "store", laboratory.root / "copy")
    laboratory.reopen()
    laboratory.run(changed(graph, "cut", params={"most": 2}))
    laboratory.catalog.close()
    shutil.rmtree(laboratory.root / "store")
    shutil.copytree(laboratory.root / "copy", laboratory.root / "store")
    laboratory.reopen()
    with pytest.raises(LogError, match="rolled back"):
        laboratory.run(graph)
    assert ran(laboratory) == []


def test_failed_run_is_resumed(laboratory: "Laboratory", graph: Graph) -> None:
    """After a failure the finished steps are kept, and running again continues with the failed one."""
    broken = CODE.replace('return str(table["x"].sum())', 'raise ValueError("no sum today")')
    laboratory.code.write_text(broken)
    with pytest.raises(StepError, match="no sum today") as caught:
        laboratory.run(graph)
    assert "total" in caught.value.message
    assert isinstance(laboratory.events[-1], events.StepFailed)
    laboratory.run(replace(graph, steps=graph.steps[:2]))
    assert ran(laboratory) == []
    laboratory.code.write_text(CODE)
    laboratory.run(graph)
    assert laboratory.blobs.get(laboratory.run(graph).artifacts["total"]) == b"6"


def test_forced_step_runs_again(laboratory: "Laboratory", graph: Graph) -> None:
    """A forced step runs although it is proven, and gives the same artifacts."""
    first = laboratory.run(graph)
    second = laboratory.run(graph, force=frozenset({"cut"}))
    assert ran(laboratory) == ["cut"]
    assert second.artifacts == first.artifacts
    assert second.step("cut").findings == ()
    with pytest.raises(ConfigError, match="nothing"):
        laboratory.run(graph, force=frozenset({"nothing"}))


def test_two_outputs_for_one_key_are_a_finding(laboratory: "Laboratory") -> None:
    """A step that gives other outputs under the same premises is found out."""
    laboratory.code.write_text("import os\ndef f(): return os.urandom(8)\n")
    graph = Graph((laboratory.step("f", ("x",)),))
    laboratory.run(graph)
    outcome = laboratory.run(graph, force=frozenset({"f"}))
    assert [finding.rule for finding in outcome.step("f").findings] == ["engine.not_reproducible"]


@pytest.mark.parametrize(
    "document",
    [
        '{"figures": [], "findings": [], "checks": [], "extra": 1}',
        '{"figures": [{"name": "auc", "value": NaN}], "findings": [], "checks": []}',
        '{"figures": [{"name": "auc", "value": 1e999}], "findings": [], "checks": []}',
        '{"figures": [], "figures": [], "findings": [], "checks": []}',
        "[" * 100_000,
        "\ud800",
        "",
    ],
)
def test_hostile_results_are_refused(laboratory: "Laboratory", document: str) -> None:
    """Results that are not exactly the record, or cannot be attested, fail the step and nothing is attested."""
    laboratory.code.write_text("def f(text: str) -> bytes: return text.encode('utf-8', 'surrogatepass')\n")
    step = laboratory.step("f", ("x",), results="x")
    source = laboratory.root / "text"
    source.write_bytes(document.encode("utf-8", "surrogatepass"))
    laboratory.code.write_text("def f(text: bytes) -> bytes: return text\n")
    graph = Graph((replace(step, inputs={"text": "text"}),), {"text": source})
    with pytest.raises(StepOutputError, match="not a Results record"):
        laboratory.run(graph)
    assert laboratory.ledger.find("step") == []


def test_deliberate_errors_come_through(laboratory: "Laboratory") -> None:
    """A step may speak for the data, and not for the evidence."""
    laboratory.code.write_text(
        textwrap.dedent(
            """
            from stockade.errors import DigestMismatchError, TargetError
            def data(): raise TargetError("all null", where="column y", remedy="another")
            def evidence(): raise DigestMismatchError("believe me")
            """
        )
    )
    with pytest.raises(TargetError, match="all null") as caught:
        laboratory.run(Graph((laboratory.step("data", ("x",)),)))
    assert (caught.value.where, caught.value.remedy) == ("column y", "another")
    with pytest.raises(StepError, match="believe me"):
        laboratory.run(Graph((laboratory.step("evidence", ("x",)),)))


def test_source_changed_while_running(laboratory: "Laboratory") -> None:
    """A source file that changes while its step runs fails the step, for nobody knows which version ran."""
    laboratory.code.write_text(
        "import time\nfrom stockade.types.progress import report\ndef f():\n    report(1, 1)\n    time.sleep(0.2)\n    return 1\n"
    )
    graph = Graph((laboratory.step("f", ("x",)),))

    def meddle(event: events.Event) -> None:
        if isinstance(event, events.StepProgress):
            laboratory.code.write_text("def f(): return 2\n")

    with laboratory.runner() as runner, pytest.raises(StepError, match="was changed while"):
        runner.run(graph, run_id="r", on_event=meddle)
    assert laboratory.ledger.find("step") == []


def test_interrupted_run_leaves_nothing_half_done(laboratory: "Laboratory", graph: Graph) -> None:
    """Ctrl-C in the middle of a step keeps what was finished, and the next run continues."""

    def interrupt(event: events.Event) -> None:
        if isinstance(event, events.StepStarted) and event.step == "cut":
            raise KeyboardInterrupt

    with laboratory.runner() as runner, pytest.raises(KeyboardInterrupt):
        runner.run(graph, run_id="r", on_event=interrupt)
    laboratory.run(graph)
    assert ran(laboratory) == ["cut", "total"]


def test_plan_says_what_would_run(laboratory: "Laboratory", graph: Graph) -> None:
    """The plan runs nothing, and names what would run and why."""
    laboratory.run(graph)
    with laboratory.runner() as runner:
        assert [step.cached for step in runner.plan(graph)] == [True, True, True]
        planned = runner.plan(changed(graph, "cut", params={"most": 1}))
    assert [(step.name, step.cached, step.reason) for step in planned] == [
        ("read", True, ""),
        ("cut", False, "parameter most changed"),
        ("total", False, "small may change"),
    ]


def test_isolation_is_part_of_the_key(laboratory: "Laboratory", graph: Graph) -> None:
    """A result made in the sandbox does not count where a fresh interpreter is asked for."""
    first = replace(graph, steps=graph.steps[:1])
    laboratory.run(first)
    with laboratory.runner(isolation="strict") as runner:
        outcome = runner.run(first, run_id="r2")
    assert not outcome.step("read").cached
    assert outcome.step("read").isolation.level == "strict"
    with pytest.raises(ConfigError, match="'loose'"):
        laboratory.runner(isolation="loose")


def test_parameters_that_cannot_be_attested_are_refused_first(laboratory: "Laboratory", graph: Graph) -> None:
    """A number beyond what canonical JSON holds is refused before the step runs."""
    with pytest.raises(ConfigError, match="parameter"):
        laboratory.run(changed(graph, "cut", params={"most": 2**60}))


def test_limit_error_names_the_limit(laboratory: "Laboratory") -> None:
    """A step that runs too long ends the run with an error that says so."""
    laboratory.code.write_text("import time\ndef f(): time.sleep(30)\n")
    graph = Graph((laboratory.step("f", ("x",), limits=Limits(seconds=0.2)),))
    with pytest.raises(StepError, match=r"longer than its limit of 0.2 seconds") as caught:
        laboratory.run(graph)
    assert caught.value.code == "P101"


def test_secret_leaves_no_trace(laboratory: "Laboratory") -> None:
    """A secret reaches its step, and is in no artifact, statement or catalogue unless the step puts it there."""
    laboratory.code.write_text("def f(token: str): return len(token)\n")
    secret = laboratory.root / "token"
    secret.write_text("hunter2-hunter2")
    outcome = laboratory.run(Graph((laboratory.step("f", ("x",), secrets={"token": secret}),)))
    assert json.loads(laboratory.blobs.get(outcome.artifacts["x"])) == 15
    laboratory.catalog.close()
    kept = [path for path in (laboratory.root / "store").rglob("*") if path.is_file()]
    assert kept
    assert not any(b"hunter2" in path.read_bytes() for path in kept)


def test_absent_source_is_named(laboratory: "Laboratory", graph: Graph) -> None:
    """A source file that is not there is a ConfigError with its path."""
    with pytest.raises(ConfigError, match="people") as caught:
        laboratory.run(replace(graph, sources={"people": Path("/nowhere")}))
    assert caught.value.where == "/nowhere"


def test_digest_type_is_stable() -> None:
    """Outcome digests are SHA-256 of the bytes."""
    assert Digest.of(b"6").hex.startswith("e7f6c011776e8db7")
